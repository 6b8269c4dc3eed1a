"""The entry of the readers: what a file is, its encoding, and what may never happen whatever the bytes are."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.readers import FILE_TYPES, FORMATS, Reading, read, reader_version
from ingest.readers.formats import format_of, identify
from ingest.readers.reading import clean
from retriever.errors import SourceError

RARE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = [f"report{entry.extensions[0]}" for entry in FORMATS] + [
    "report",
    "report.mdx",
    "report.html.md.erb",
    "x.mbox",
]


def attempt(data: bytes, name: str) -> tuple[list[Reading], str]:
    """The readings, or none and the sentence that says why."""
    try:
        return read(data, name), ""
    except SourceError as error:
        return [], str(error)


def one(data: bytes | str, name: str) -> Reading:
    (reading,) = read(data.encode() if isinstance(data, str) else data, name)
    return reading


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.md", "markdown"),
        ("a.html.md.erb", "markdown"),
        ("A.HTML", "html"),
        ("2024-01-02-ci.example.org-down.md", "markdown"),
        ("folder.md/plain", "text"),
        ("PM7 - The queue v1.2 broke", "text"),
        ("box.mbox", "mail"),
        (".md", "text"),
    ],
)
def test_the_name_promises_a_format(name: str, expected: str) -> None:
    assert format_of(name).name == expected
    assert reader_version(name).startswith(f"{expected}/")


def test_content_decides_where_the_name_is_wrong() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert identify(buffer.getvalue(), "report.md").name == "docx"
    assert identify(b"%PDF-1.4\n", "report.txt").name == "pdf"
    assert identify(b"# Title\n", "report.md").name == "markdown"


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"\x89PNG\r\n\x1a\n", "report.md", "'report.md' is an image \\(PNG\\), whatever its name says"),
        (b"\x1f\x8b\x08\x00", "notes", "an archive \\(gzip\\)"),
        (b"PK\x03\x04 not a zip", "report.docx", "'report.docx' is damaged or cut off: its zip container"),
        (b"PK\x03\x04 not a zip", "report.md", "an archive \\(zip\\)"),
        (b"\xd0\xcf\x11\xe0rest", "report.docx", "old or password-protected Office file"),
        (bytes(range(32)) * 40, "notes.txt", "binary data"),
        (b"just words", "report.pdf", "not a PDF file, although its name says so"),
        (b"just words", "report.docx", "not a DOCX file, although its name says so"),
        (b"   \n\n", "notes.md", "'notes.md' holds no text"),
        (b"", "notes.md", "holds no text"),
    ],
)
def test_what_cannot_be_read_is_named_in_a_sentence(data: bytes, name: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(data, name)


@pytest.mark.parametrize(
    ("data", "expected", "warned"),
    [
        ("Grüße an alle.\n".encode(), "Grüße an alle.\n", False),
        ("\ufeffGrüße\n".encode(), "Grüße\n", False),
        ("Grüße\n".encode("utf-16"), "Grüße\n", True),
        ("Grüße an alle, die warten.\n".encode("utf-16-le"), "Grüße an alle, die warten.\n", True),
        ("Grüße an alle, die warten.\n".encode("utf-16-be"), "Grüße an alle, die warten.\n", True),
        ("Grüße\n".encode("utf-32"), "Grüße\n", True),
        ("Die Störung war spät bemerkt worden, weil niemand prüfte.\n".encode("cp1252"), None, True),
        ("The team\u2019s \u201calert\u201d was off \u2013 again.\n".encode("cp1252"), None, True),
        ("Сервис был недоступен, потому что диск заполнился.\n".encode("cp1251"), None, True),
        ("ディスクが一杯になり、誰も気づかなかった。警報が必要だ。\n".encode("shift_jis"), None, True),
    ],
)
def test_any_encoding_ends_as_the_same_characters(data: bytes, expected: str | None, warned: bool) -> None:
    reading = one(data, "notes.txt")
    assert bool(reading.warnings) == warned
    if expected is not None:
        assert reading.text == expected
    else:
        assert "\ufffd" not in reading.text
        assert any(word in reading.text for word in ("Störung", "team’s", "недоступен", "ディスク"))


def test_one_broken_byte_does_not_turn_a_utf8_text_into_another_encoding() -> None:
    reading = one("Größe und Maß — geprüft".encode() + b"\xff", "notes.txt")
    assert reading.text == "Größe und Maß — geprüft\ufffd"
    assert "1 broken byte" in reading.warnings[0]


def test_newlines_become_one_kind_and_nul_characters_go() -> None:
    reading = one(b"first\r\nsecond\rthird\x00\n", "notes.md")
    assert reading.text == "first\nsecond\nthird\n"
    assert reading.warnings == ("NUL characters were removed.",)


def test_lone_surrogates_do_not_reach_the_record() -> None:
    reading = clean(Reading("a\ud800b", part="p\udfff", fields=(("Key", "v\ud800"),)))
    assert reading == Reading("a?b", "p?", (("key", "v?"),))


def test_a_field_is_the_first_that_is_not_blank() -> None:
    reading = Reading("x", fields=(("team", " "), ("squad", "Mail"), ("squad", "Print")))
    assert reading.field("team", "squad") == "Mail"
    assert reading.field("owner") is None


def test_a_line_without_end_is_read_in_time() -> None:
    for name in ("a.md", "a.txt", "a.org", "a.adoc", "a.mdx", "a.md.erb"):
        assert len(one("word {/* <% <T [[" * 100_000, name).text) > 1_000_000


@pytest.mark.parametrize("name", NAMES)
@RARE
@given(data=st.one_of(st.binary(max_size=400), st.text(max_size=400).map(str.encode)))
def test_any_bytes_give_readings_or_a_sentence(name: str, data: bytes) -> None:
    readings, reason = attempt(data, name)
    assert readings or reason.endswith(".")
    for reading in readings:
        reading.text.encode("utf-8")
        assert "\x00" not in reading.text
        assert "\r" not in reading.text
        assert reading.text.strip()


_MARKUP = st.lists(
    st.sampled_from(
        [
            "# ",
            "## Incident on 2024-01-02\n",
            "- ",
            "\n",
            "\n\n",
            "---\n",
            "```\n",
            "|===\n",
            "a: [",
            "* ",
            "** ",
            ":x:\n",
        ]
        + [
            "#+begin_src\n",
            "////\n",
            "<b>",
            "</td><td>",
            "<!--",
            ".. note::\n",
            "   ",
            "`x",
            "|",
            '"',
            ",",
            ";",
            "{",
            "From a 2024\n",
        ]
        + ["word ", "Impact: ", "+++\n", "=\n", "::", "<%", "%>", "{code}", "\t", "2024-02-30 ", "é"]
    ),
    max_size=60,
).map("".join)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith((".pdf", ".docx", ".xlsx"))])
@RARE
@given(text=_MARKUP)
def test_any_tangle_of_markup_gives_readings_or_a_sentence(name: str, text: str) -> None:
    readings, reason = attempt(text.encode(), name)
    assert readings or reason.endswith(".")
    assert all(reading.text.strip() for reading in readings)


@RARE
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=300))
def test_the_text_of_a_markdown_file_is_the_files_own(text: str) -> None:
    if text.strip() and not text.startswith(("%PDF-", "\ufeff")):
        assert one(text, "a.md").text == text


def test_importing_the_readers_loads_no_heavy_library() -> None:
    code = "import sys, ingest.sources, ingest.readers.process; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {
        "bs4",
        "lxml",
        "markdownify",
        "mammoth",
        "pypdfium2",
        "openpyxl",
        "docutils",
        "yaml",
        "charset_normalizer",
    }
    assert not heavy & set(loaded)


def test_the_table_of_formats_in_the_docs_is_complete_and_its_tests_exist() -> None:
    here = Path(__file__).parent
    page = (here.parent / "docs" / "formats.md").read_text(encoding="utf-8")
    tests = "".join(path.read_text(encoding="utf-8") for path in here.glob("test_*.py"))
    assert [extension for extension in FILE_TYPES if f"`{extension}`" not in page] == []
    assert [name for name in re.findall(r"`(test_\w+)`", page) if f"def {name}(" not in tests] == []
