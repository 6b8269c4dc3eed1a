"""CSV, TSV, Jira exports and JSON Lines: rows as reports, roles of columns, tables that are no reports."""

from __future__ import annotations

import io
import json

import openpyxl
import pytest

from ingest.extract import extract
from ingest.readers import read
from ingest.readers.columns import parse_columns
from ingest.readers.process import ReaderProcess
from ingest.readers.tables import Table, roles_of
from retriever.errors import SourceError

LOG = """Ref,Event Start Date,Incident Name,Severity,Narrative,Corrective Action
K-7,13/02/2024,Full tray,high,"Nobody had looked, so the tray ran over.","Look at the counter every single morning."
K-8,03/04/2024,Dark lamp,low,"The lamp in the hall went dark and nobody had a spare one.",
"""


def test_a_row_is_a_report_with_its_cells_as_sections() -> None:
    first, second = read(LOG.encode(), "log.csv")
    assert first.part == "K-7"
    assert first.text == (
        "# Full tray\n\n**Ref**: K-7  \n**Event Start Date**: 13/02/2024  \n**Severity**: high\n\n"
        "## Narrative\n\nNobody had looked, so the tray ran over.\n\n"
        "## Corrective Action\n\nLook at the counter every single morning.\n"
    )
    assert first.field("title") == "Full tray"
    assert first.field("severity") == "high"
    assert "Corrective" not in second.text


def test_the_whole_column_tells_whether_the_day_comes_first() -> None:
    assert [reading.field("date") for reading in read(LOG.encode(), "log.csv")] == [
        "2024-02-13",
        "2024-04-03",
    ]
    american = LOG.replace("13/02/2024", "02/13/2024")
    assert [reading.field("date") for reading in read(american.encode(), "log.csv")] == [
        "2024-02-13",
        "2024-03-04",
    ]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_any_usual_separator_is_found(separator: str) -> None:
    text = LOG.replace(", so", " so").replace(",", separator)
    assert [reading.part for reading in read(text.encode(), "log.csv")] == ["K-7", "K-8"]


def test_a_tsv_may_hold_commas_and_spaces_after_separators() -> None:
    text = "id\ttitle\tlesson\n1\tFull, again\tLook at the counter, every day, and tell the others.\n"
    (reading,) = read(text.encode(), "log.tsv")
    assert reading.field("title") == "Full, again"


def test_rows_without_an_id_are_counted_as_a_spreadsheet_counts() -> None:
    text = (
        'Title,Lesson\nA,"Look at the counter every single day of the week."\n'
        ',\nB,"Keep a spare lamp in each and every room you have."\n'
    )
    assert [reading.part for reading in read(text.encode(), "log.csv")] == ["row 2", "row 4"]


def test_an_id_that_comes_twice_stays_apart() -> None:
    rows = "".join(f"{n},Look at the counter of tray number {n} every single day.\n" for n in [*range(40), 7])
    parts = [reading.part for reading in read(f"ID,Lesson\n{rows}".encode(), "log.csv")]
    assert parts[-1] == "7 (2)"
    assert len(set(parts)) == 41


def test_a_cell_that_says_nothing_new_is_not_said_again() -> None:
    text = (
        'Narrative,Action,Text,Note\n"The tray ran full because nobody had looked '
        'at it at all.","Look at the counter every single morning at nine.",'
        '"The tray ran full because nobody had looked at it at '
        'all. Look at the counter every single morning at nine.",'
        '"Something else that nobody said before about that old tray."\n'
    )
    (reading,) = read(text.encode(), "log.csv")
    assert reading.text.count("nobody had looked") == 1
    assert "Something else" in reading.text


def test_headings_and_tags_in_a_cell_stay_below_and_visible() -> None:
    text = 'id,notes\n1,"# Cause\nThe <tray> was full because nobody had looked at it.\n```\n# comment\n```"\n'
    (reading,) = read(text.encode(), "log.csv")
    assert reading.text.endswith(
        "## notes\n\n### Cause\nThe \\<tray> was full because nobody had looked at it.\n```\n# comment\n```\n"
    )


def test_a_table_of_words_is_one_document_and_one_of_numbers_none() -> None:
    (reading,) = read(b"Value,mode\nFull | tray,print\nDark lamp,light\n", "kinds.csv")
    assert reading.text == "| Value | mode |\n| --- | --- |\n| Full \\| tray | print |\n| Dark lamp | light |\n"
    assert reading.part is None
    with pytest.raises(SourceError, match="'sums.csv' is a table of numbers"):
        read(b"a,b\n1,2\n3,4\n", "sums.csv")
    with pytest.raises(SourceError, match="a table of 3000 rows without a column of prose; it is data"):
        read(b"name,size\n" + b"tray,12\n" * 3000, "list.csv")


def test_a_malformed_table_says_so() -> None:
    with pytest.raises(SourceError, match=r"'log.csv' is not a well-formed table \(field larger than field limit"):
        read(b'a,b\n"' + b"x" * 6_000_000 + b'",y\n', "log.csv")


@pytest.mark.parametrize(
    ("column", "role"),
    [
        ("Tracking #", "id"),
        ("Issue key", "id"),
        ("Short description", "title"),
        ("Event Start Date", "date"),
        ("Priority", "severity"),
        ("Owning team", "team"),
        ("Component/s", "service"),
        ("Reported by", "author"),
        ("Labels", "tags"),
    ],
)
def test_roles_are_recognised_from_names(column: str, role: str) -> None:
    assert roles_of(Table((column,), (("a 1",), ("b 2",)), (2, 3))) == {role: 0}


def test_contents_overrule_names() -> None:
    prose = "A long story about a tray that ran full. " * 6
    assert roles_of(Table(("Summary", "ID"), ((prose, "same"), (prose, "same")), (2, 3))) == {}


JIRA = """Issue key,Summary,Issue Type,Priority,Labels,Labels,Created,Description,Custom field (Lessons learned)
OPS-1,Full tray,Incident,High,print,tray,02/Mar/24 9:10 AM,"h2. Cause

Nobody looked at the *counter*, see [the page|https://example.org/a].
{code:bash}
# not a list
{code}
# Look
## twice","Somebody has to look at the counter of the tray each day."
OPS-2,Dark lamp,Incident,Low,light,,03/Mar/24 9:10 AM,The lamp went dark and nobody had a spare one at hand.,
"""


def test_a_jira_export_loses_its_own_markup() -> None:
    first, second = read(JIRA.encode(), "jira.csv")
    assert first.part == "OPS-1"
    assert first.field("title") == "Full tray"
    assert first.field("tags") == "print, tray"
    assert first.field("severity") == "High"
    assert first.field("date") == "2024-03-02"
    assert "#### Cause" in first.text
    assert "[the page](https://example.org/a)" in first.text
    assert "1. Look\n   1. twice" in first.text
    assert "## Lessons learned\n\nSomebody has to look" in first.text
    assert second.field("tags") == "light"


def test_json_lines_are_read_like_rows() -> None:
    text = (
        '{"id": "a1", "title": "Full tray", "meta": {"team": "Print"}, '
        '"lesson": "Look at the counter every single morning.", "n": [1, 2]}\n'
        "\nnot json\n"
        '{"id": "a2", "title": "Dark lamp", "lesson": "Keep a spare lamp in every room of the house.", '
        '"steps": [{"do": "Order the lamps that we had forgotten about for many years now"}]}\n'
    )
    first, second = read(text.encode(), "log.jsonl")
    assert first.part == "a1"
    assert first.field("meta.team") == "Print"
    assert first.field("n") == "1, 2"
    assert first.warnings == ("1 line(s) are not JSON objects and were left out: 3.",)
    assert "- Order the lamps that we had forgotten about for many years now" in second.text


def test_json_lines_without_an_object_say_so() -> None:
    with pytest.raises(SourceError, match="'log.jsonl' holds no JSON object on any line"):
        read(b"[1]\n" + b"[" * 100_000, "log.jsonl")


NOTES = """Blatt,Kurz,Bemerkung
9,Full tray,Count twice
10,Dark lamp,Keep a spare
"""
GIVEN = parse_columns(["lesson=bemerkung, title=Kurz", "id=Blatt"])


@pytest.mark.parametrize("name", ["notes.csv", "notes.xlsx", "notes.jsonl"])
def test_columns_take_the_roles_that_they_are_given(name: str) -> None:
    rows = [line.split(",") for line in NOTES.splitlines()]
    with ReaderProcess(columns=GIVEN) as reader:
        first, second = reader.read(_as_file(rows, name), name)
    assert first.text == "# Full tray\n\n**Blatt**: 9\n\n## Lessons learned: Bemerkung\n\n- Count twice\n"
    assert (first.part, second.part) == ("9", "10")
    assert first.columns == ("Blatt", "Kurz", "Bemerkung")


def test_what_stands_in_a_column_of_lessons_is_a_lesson() -> None:
    (first, _) = read(NOTES.encode(), "notes.csv", GIVEN)
    (lesson,) = extract(first.text, title="Full tray", path="notes.csv").lessons
    assert first.text[lesson.start : lesson.end] == "Count twice"


def test_alternatives_for_a_role_are_tried_in_their_order_and_all_lessons_are_taken() -> None:
    columns = parse_columns(["title=Name,title=Kurz,title=Blatt,lesson=Kurz,lesson=Bemerkung"])
    assert columns.places(["Blatt", "Kurz", "Bemerkung"]) == [("title", 1), ("lesson", 1), ("lesson", 2)]


def test_a_comma_in_the_name_of_a_column_belongs_to_it() -> None:
    columns = parse_columns(["lesson=What we kept, and why,title=Name"])
    assert columns.given == (("lesson", "What we kept, and why"), ("title", "Name"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("moral=Notes", "'moral' is no role of a column; the roles are lesson, id, title"),
        ("Notes", "'Notes' gives no column a role"),
        ("lesson=", "'lesson=' gives no column a role"),
    ],
)
def test_a_role_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_columns([text])


def _as_file(rows: list[list[str]], name: str) -> bytes:
    if name.endswith(".csv"):
        return "\n".join(",".join(row) for row in rows).encode()
    if name.endswith(".jsonl"):
        return "\n".join(json.dumps(dict(zip(rows[0], row, strict=True))) for row in rows[1:]).encode()
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()
