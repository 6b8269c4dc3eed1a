"""PDF: from printed lines back to headings, bullets and paragraphs. The files are written here, byte by byte."""

from __future__ import annotations

import random

import pytest

from ingest.readers import Reading, read
from retriever.errors import SourceError

# (text, left, baseline from below, size, is bold)
Word = tuple[str, float, float, float, bool]


def pdf(pages: list[list[Word]], trailer: str = "", info: str = "") -> bytes:
    """A minimal PDF of A5-like pages, 420 by 600 points, in Helvetica."""
    count = len(pages)
    kids = " ".join(f"{6 + 2 * number} 0 R" for number in range(count))
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        f"<< {info} >>",
    ]
    for number, words in enumerate(pages):
        stream = "\n".join(
            f"BT /F{2 if bold else 1} {size} Tf {left} {bottom} Td ({_escaped(text)}) Tj ET"
            for text, left, bottom, size, bold in words
        )
        bodies.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 600] "
            "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> "
            f"/Contents {7 + 2 * number} 0 R >>"
        )
        bodies.append(f"<< /Length {len(stream.encode('cp1252'))} >>\nstream\n{stream}\nendstream")
    out = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("cp1252")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    out += f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}".encode()
    return (
        out
        + (
            f"trailer\n<< /Size {len(bodies) + 1} /Root 1 0 R /Info 5 0 R {trailer} >>\nstartxref\n{len(out)}\n%%EOF\n"
        ).encode()
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def lines(
    *texts: str, top: float = 500, left: float = 50, size: float = 10, bold: bool = False, gap: float = 12
) -> list[Word]:
    return [(text, left, top - number * gap, size, bold) for number, text in enumerate(texts)]


def one(data: bytes) -> Reading:
    (reading,) = read(data, "report.pdf")
    return reading


def text_or_reason(data: bytes) -> str:
    try:
        return read(data, "report.pdf")[0].text
    except SourceError as error:
        return str(error)


REPORT = [
    ("Full tray in the print room", 50, 560, 20, False),
    ("Summary", 50, 530, 14, False),
    *lines(
        "The tray ran full because nobody had looked at the counter",
        "for a week. It was emp-",
        "tied by hand at noon.",
        top=510,
    ),
    *lines("A second paragraph begins here and says a little more than that", "and ends.", top=460),
    ("Action items", 50, 420, 10, True),
    ("• Add an alert to the counter of every tray on the ground", 50, 404, 10, False),
    ("floor", 60, 392, 10, False),
    ("• Order a bigger tray", 50, 380, 10, False),
    ("- Tell the night shift", 50, 368, 10, False),
    ("1. Look", 50, 340, 10, False),
    ("2. Empty", 50, 328, 10, False),
]


def test_headings_bullets_and_paragraphs_are_recovered() -> None:
    assert one(pdf([REPORT])).text == (
        "# Full tray in the print room\n\n## Summary\n\n"
        "The tray ran full because nobody had looked at the "
        "counter for a week. It was emptied by hand at noon.\n\n"
        "A second paragraph begins here and says a little more than that and ends.\n\n### Action items\n\n"
        "- Add an alert to the counter of every tray on the ground floor\n"
        "- Order a bigger tray\n- Tell the night shift\n\n"
        "1. Look\n\n2. Empty\n"
    )


def test_a_hyphen_stays_in_compounds_and_addresses() -> None:
    words = [
        "The well known tray",
        "is well known, the known tray well-",
        "known. See print-",
        "room-7 or",
        "https://example.org/a-",
        "b/c for more of it",
    ]
    text = one(pdf([lines(*words)])).text
    assert "well-known." in text
    assert "print-room-7" in text
    assert "https://example.org/a-b/c" in text


def test_headers_footers_and_page_numbers_are_dropped_and_sentences_cross_pages() -> None:
    pages = [
        [
            ("Print room reports", 50, 580, 8, False),
            *lines(
                f"Sentence number {number} starts on this page and goes on and on until",
                "it reaches the",
                top=500,
            ),
            (f"Page {number} of 4", 200, 20, 8, False),
        ]
        for number in range(1, 5)
    ]
    text = one(pdf(pages)).text
    assert "Print room reports" not in text
    assert "Page" not in text
    joined = one(pdf([lines("The tray was full because the", top=80), lines("counter had stopped.", top=560)])).text
    assert joined == "The tray was full because the counter had stopped.\n"


def test_a_line_that_comes_back_elsewhere_on_the_page_is_no_header() -> None:
    pages = [lines("Finding as to risk", f"The tray number {n} may run full again.", top=570 - 9 * n) for n in range(3)]
    assert one(pdf(pages)).text.count("Finding as to risk") == 3


def test_markup_in_the_text_is_text() -> None:
    text = one(
        pdf([lines("# not a heading", top=500) + lines("set <name> to 1", top=440) + lines("> quoted", top=400)])
    ).text
    assert text == "\\# not a heading\n\nset \\<name> to 1\n\n\\> quoted\n"


def test_dot_leaders_and_figure_captions_are_no_headings() -> None:
    words = lines("Summary ................................ 3", top=500) + lines(
        "Figure 2: The tray", top=460, bold=True
    )
    assert one(pdf([words + lines("Plain text of the report in many more words than that", top=430)])).text.startswith(
        "Summary … 3\n\nFigure 2: The tray\n\n"
    )


def test_the_files_own_properties_become_fields() -> None:
    reading = one(pdf([REPORT], info="/Title (Full tray) /Author (Ada) /CreationDate (D:20240302)"))
    assert reading.fields == (("title", "Full tray"), ("author", "Ada"), ("created", "D:20240302"))


def test_a_scan_is_reported_as_having_no_text() -> None:
    with pytest.raises(
        SourceError, match=r"'report.pdf' has no text on its 3 page\(s\): it is probably a scan. Run a text"
    ):
        read(pdf([[], [("7", 200, 20, 8, False)], []]), "report.pdf")


def test_pages_without_text_are_counted_in_a_warning() -> None:
    assert one(pdf([REPORT, [], []])).warnings == ("2 of 3 pages have no text.",)


def test_an_encrypted_file_says_so() -> None:
    lock = (
        "/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <" + "41" * 32 + "> /U <" + "42" * 32 + "> >> /ID [<00> <00>]"
    )
    with pytest.raises(SourceError, match="'report.pdf' is encrypted; save a copy that opens without a password"):
        read(pdf([REPORT], trailer=lock), "report.pdf")


def test_a_damaged_file_says_so() -> None:
    with pytest.raises(SourceError, match="'report.pdf' is damaged or cut off"):
        read(b"%PDF-1.7\nrubbish", "report.pdf")


def test_a_cut_off_file_gives_its_text_or_a_sentence() -> None:
    whole = pdf([REPORT])
    for share in (0.2, 0.5, 0.8, 0.99):
        outcome = text_or_reason(whole[: int(len(whole) * share)])
        assert "tray" in outcome or "'report.pdf'" in outcome


def test_mutated_files_give_readings_or_a_sentence() -> None:
    generator = random.Random(7)
    whole = pdf([REPORT, REPORT])
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(generator.randint(1, 12)):
            data[generator.randrange(9, len(data))] = generator.randrange(256)
        assert text_or_reason(bytes(data))
