"""`lessons ingest --columns`: from the terminal or its variable to what is stored, and what is said of a mistake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.pipeline import IngestOptions, ingest
from ingest.readers.columns import parse_columns
from retriever.memory import Memory

SHEET = "Blatt,Kurz,Bemerkung\nN-9,Full tray,Count the parcels twice\nN-10,Dark lamp,Keep a spare lamp\n"
GIVEN = "lesson=Bemerkung,title=Kurz,id=Blatt"


@pytest.fixture
def sheet(folder: Path) -> Path:
    (folder / "sheet.csv").write_text(SHEET, "utf-8")
    (folder / "note.md").write_text("# Ferries\n\nWe should check the timetable before the ferry leaves.\n", "utf-8")
    return folder


def _read(memory: Memory, folder: Path, *given: str, **options: Any) -> Any:
    return ingest(memory, folder, IngestOptions(columns=parse_columns(given), **options))


def test_a_table_is_read_again_when_its_columns_change_and_nothing_else_is(memory: Memory, sheet: Path) -> None:
    assert _read(memory, sheet).read == 2
    report = _read(memory, sheet, GIVEN)
    assert (report.read, report.unchanged) == (1, 1)
    document, lessons, _ = memory.show(memory.ask("spare lamp").hits[0].document.id)
    assert (document.title, document.part) == ("Dark lamp", "N-10")
    assert [lesson.text for lesson in lessons] == ["Keep a spare lamp"]
    assert _read(memory, sheet, GIVEN).unchanged == 2
    assert _read(memory, sheet).read == 1


def test_a_column_that_no_table_has_is_named_with_those_that_are_there(memory: Memory, sheet: Path) -> None:
    (warning,) = _read(memory, sheet, GIVEN, "date=Wann").warnings
    assert warning[1] == ("No table read has the column 'Wann' of --columns; there: 'Blatt', 'Kurz', 'Bemerkung'.")
    (sheet / "sheet.csv").unlink()
    assert "there: none, no table" in _read(memory, sheet, "date=Wann").warnings[0][1]


@pytest.mark.parametrize("by_variable", [False, True])
def test_columns_come_from_the_option_or_its_variable(
    runner: Callable[..., Any], sheet: Path, by_variable: bool
) -> None:
    arguments = [] if by_variable else ["--columns", "lesson=Bemerkung", "--columns", "title=Kurz,id=Blatt"]
    environment = {"LESSONS_COLUMNS": GIVEN} if by_variable else {}
    result = runner("ingest", "--explain", *arguments, str(sheet / "sheet.csv"), env=environment)
    assert result.exit_code == 0, result.stderr
    assert "sheet.csv [N-9]" in result.stdout
    assert "Full tray" in result.stdout


def test_a_role_that_is_none_is_misuse(runner: Callable[..., Any], sheet: Path) -> None:
    result = runner("ingest", "--columns", "moral=Bemerkung", str(sheet))
    assert result.exit_code == 2
    assert "'moral' is no role of a column; the roles are lesson, id" in result.stderr
