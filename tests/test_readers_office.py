"""Word and Excel: structure kept, and hostile containers refused before any library opens them."""

from __future__ import annotations

import datetime
import io
import random
import zipfile
from collections.abc import Callable

import docx
import openpyxl
import pytest

from ingest.readers import Reading, read
from retriever.errors import SourceError

CORE = "docProps/core.xml"


def word(build: Callable[[docx.document.Document], None] | None = None) -> bytes:
    document = docx.Document()
    if build:
        build(document)
    else:
        document.add_heading("Full tray", 1)
        document.add_paragraph("Nobody looked at the counter.")
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def book(*sheets: tuple[str, list[list[object]]]) -> bytes:
    workbook = openpyxl.Workbook()
    del workbook["Sheet"]
    for title, rows in sheets:
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def changed(data: bytes, member: str, content: bytes) -> bytes:
    """The container with one part replaced or added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name != member:
                new.writestr(name, old.read(name))
        new.writestr(member, content)
    return buffer.getvalue()


def text_or_reason(data: bytes) -> str:
    try:
        return read(data, "report.docx")[0].text
    except SourceError as error:
        return str(error)


def one(data: bytes, name: str = "report.docx") -> Reading:
    (reading,) = read(data, name)
    return reading


def test_word_headings_lists_and_tables_become_markdown() -> None:
    def build(document: docx.document.Document) -> None:
        document.add_heading("Full tray", 0)
        document.add_heading("Lessons learned", 1)
        document.add_paragraph("Watch the counter", style="List Bullet")
        document.add_paragraph("Order a bigger tray", style="List Bullet")
        paragraph = document.add_paragraph("It was ")
        paragraph.add_run("never").bold = True
        paragraph.add_run(" tested <once>.")
        table = document.add_table(2, 2)
        for cell, text in zip(
            (cell for row in table.rows for cell in row.cells),
            ("Action", "Owner", "Add an\nalert", "Ada"),
            strict=True,
        ):
            cell.text = text
        document.core_properties.title = "Full tray"
        document.core_properties.author = "Ada"
        document.core_properties.keywords = "print, tray"

    reading = one(word(build))
    assert reading.text == (
        "# Full tray\n\n# Lessons learned\n\n- Watch the counter\n"
        "- Order a bigger tray\n\nIt was **never** tested \\<once>.\n\n"
        "| Action | Owner |\n| --- | --- |\n| Add an · alert | Ada |\n"
    )
    assert reading.field("title") == "Full tray"
    assert reading.field("creator") == "Ada"
    assert reading.field("keywords") == "print, tray"


def test_bold_paragraphs_are_headings_where_nobody_used_a_style() -> None:
    def build(document: docx.document.Document) -> None:
        document.add_paragraph().add_run("What happened").bold = True
        document.add_paragraph("The tray ran full.")
        document.add_paragraph().add_run("It was bold to say so.").bold = True

    assert one(word(build)).text == "## What happened\n\nThe tray ran full.\n\n**It was bold to say so.**\n"


def test_a_word_file_under_another_name_is_read_as_word() -> None:
    assert one(word(), "report.md").text.startswith("# Full tray")


@pytest.mark.parametrize("name", ["report.docx", "report.xlsx"])
def test_a_zip_bomb_is_refused_before_it_is_unpacked(name: str) -> None:
    whole = word() if name.endswith("docx") else book(("A", [["Title", "What we learned"], ["a", "b"]]))
    bomb = changed(whole, "word/bomb.xml", b"\x00" * 120_000_000)
    assert len(bomb) < 500_000
    with pytest.raises(SourceError, match="would unpack to more than 300 MB; it was not opened"):
        read(bomb, name)


def test_a_container_that_lies_about_its_sizes_is_refused() -> None:
    bomb = changed(word(), "word/bomb.xml", b"\x00" * 120_000_000)
    with zipfile.ZipFile(io.BytesIO(bomb)) as archive:
        size = archive.getinfo("word/bomb.xml").file_size.to_bytes(4, "little")
    with pytest.raises(SourceError, match="report.docx"):
        read(bomb.replace(size, (1000).to_bytes(4, "little")), "report.docx")


def test_a_billion_laughs_are_refused() -> None:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    xml = f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY l0 "ha">{levels}]><w>&l9;</w>'
    for member in ("word/document.xml", CORE):
        with pytest.raises(SourceError, match="defines XML entities, which no Office program writes"):
            read(changed(word(), member, xml.encode()), "report.docx")


def test_damaged_parts_are_named_in_a_sentence() -> None:
    with pytest.raises(SourceError, match="not a Word document that can be opened"):
        read(changed(word(), "word/document.xml", b"<w:document"), "report.docx")
    with pytest.raises(SourceError, match="'report.docx' is"):
        read(word()[:2000], "report.docx")


def test_mutated_word_files_give_readings_or_a_sentence() -> None:
    generator = random.Random(11)
    whole = word()
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(generator.randint(1, 20)):
            data[generator.randrange(4, len(data))] = generator.randrange(256)
        assert text_or_reason(bytes(data))


ROWS: list[list[object]] = [
    ["Ref", "Title", "Raised", "What we learned"],
    [
        "A-1",
        "Full tray",
        datetime.datetime(2024, 3, 2),
        "Somebody has to look at the counter every day._x000D_",
    ],
    ["A-2", "Dark lamp", datetime.datetime(2024, 3, 9), "A spare lamp belongs into every room of the house."],
]


def test_a_workbook_of_reports_becomes_a_document_a_row() -> None:
    first, second = read(book(("Reports", ROWS), ("Empty", [])), "log.xlsx")
    assert first.part == "A-1"
    assert first.field("date") == "2024-03-02"
    assert first.text == (
        "# Full tray\n\n**Ref**: A-1  \n**Raised**: 2024-03-02\n\n"
        "## What we learned\n\nSomebody has to look at the counter every day.\n"
    )
    assert second.field("title") == "Dark lamp"


def test_several_sheets_name_their_parts_and_numbers_are_left_out() -> None:
    numbers: list[list[object]] = [["a", "b"], [1, 2.0], [3, 4]]
    readings = read(
        book(("Reports", ROWS), ("Owners", [["Team", "Lead"], ["Print", "Ada"]]), ("Sums", numbers)),
        "log.xlsx",
    )
    assert [reading.part for reading in readings] == ["Reports › A-1", "Reports › A-2", "Owners"]
    assert readings[0].warnings == (
        "Sheet 'Sums' was left out: 'log.xlsx' is a table of numbers: there is no text in it to learn from.",
    )
    assert readings[2].text == "| Team | Lead |\n| --- | --- |\n| Print | Ada |\n"


def test_a_workbook_without_text_says_so() -> None:
    with pytest.raises(SourceError, match="'log.xlsx' holds no text"):
        read(book(("A", [])), "log.xlsx")
