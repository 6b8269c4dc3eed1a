"""What was forgotten is nowhere: a search for its bytes through every file of the home, and a look at the words."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.pipeline import IngestOptions, ingest
from ingest.scribe import Scribe
from retriever import keeping
from retriever.errors import HomeBusy, NotFound, StoreError
from retriever.memory import Memory
from retriever.record.database import Database
from retriever.record.schema import WORD_TABLES
from retriever.rounding import rounded
from retriever.share import Share
from retriever.sharing import Sharing

SECRET = "zanzibarquokka"
REPORT = f"""---
title: The {SECRET} affair
team: {SECRET}team
---
# The {SECRET} affair

The gatekeeper wrote {SECRET} on the blackboard.

## Lessons learned

- Never write {SECRET} where the {SECRET}ish visitors can read it.
"""


@pytest.fixture
def known(filled: Memory, folder: Path, read: Callable[..., Any]) -> Memory:
    """A memory that knows the secret."""
    (folder / "affair.md").write_text(REPORT)
    read()
    assert filled.ask(SECRET).hits
    return filled


def places(home: Path, needles: list[bytes]) -> list[str]:
    """Which file holds which needle, in either case, byte by byte."""
    found = []
    for path in sorted(home.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            either = (data, data.lower())
            found += [
                f"{path.relative_to(home)}: {needle[:20]!r}" for needle in needles if any(needle in it for it in either)
            ]
    return found


def words_left(home: Path) -> list[str]:
    connection = sqlite3.connect(home / "record.db")
    for table in WORD_TABLES:
        connection.execute(f"CREATE VIRTUAL TABLE temp.v_{table} USING fts5vocab (main, {table}, instance)")
    found = [
        row[0]
        for table in WORD_TABLES
        for row in connection.execute(f"SELECT term FROM temp.v_{table} WHERE term LIKE ?", (f"%{SECRET[:8]}%",))
    ]
    connection.close()
    return found


def embedding_needles(memory: Memory, document_id: str) -> list[bytes]:
    """Some numbers out of each embedding of the document, as the record and the index write them."""
    with sqlite3.connect(memory.settings.home / "record.db") as connection:
        rows = connection.execute(
            "SELECT p.key FROM passages p JOIN documents d ON d.key = p.document WHERE d.id = ?", (document_id,)
        ).fetchall()
    changes = memory.record.changes
    vectors = list(changes.embeddings("passage", memory.fingerprint, [row[0] for row in rows]).values())
    assert vectors
    # The word embedder's rows are mostly zeros: take sixty-four numbers where the fewest are.
    starts = [max(range(192), key=lambda at: np.count_nonzero(vector[at : at + 64])) for vector in vectors]
    chosen = [vector[start : start + 64] for vector, start in zip(vectors, starts, strict=True)]
    eighths = [rounded(vector)[start : start + 64] for vector, start in zip(vectors, starts, strict=True)]
    return [numbers.tobytes() for row in zip(chosen, eighths, strict=True) for numbers in row]


def needles_of(memory: Memory, document_id: str) -> list[bytes]:
    needles = [SECRET[:8].encode(), *embedding_needles(memory, document_id)]
    where = places(memory.settings.home, needles[1:])
    # The search can see what is there: the record and, for the embedding, the index.
    assert any(place.startswith("record.db") for place in where)
    assert any(place.startswith("index/") for place in where)
    return needles


def test_a_forgotten_document_is_nowhere_in_the_home(known, home):
    document = known.document("affair.md")
    needles = needles_of(known, document.id)
    known.forget(document.id)
    known.close()
    assert places(home, needles) == []
    assert words_left(home) == []


def test_a_forgotten_share_is_nowhere_in_the_home(filled, home):
    sharing = Sharing(filled, Scribe())
    shared = sharing.share(Share.of({"learned": f"Never write {SECRET} on a blackboard.", "title": SECRET}), key="once")
    needles = needles_of(filled, shared.document.id)
    sharing.withdraw(shared.lesson.id)
    filled.close()
    assert places(home, needles) == []
    assert words_left(home) == []


def test_generations_backups_and_exports_in_the_home_are_purged_and_outside_ones_left(known, home, tmp_path, caplog):
    document = known.document("affair.md")
    needles = needles_of(known, document.id)
    known.reindex()
    (home / "backups").mkdir()
    keeping.back_up(known.settings, home / "backups" / "mine.db")
    known.record.copy_to(home / "backups" / "version-1-old.db")
    with sqlite3.connect(home / "backups" / "version-1-old.db") as connection:
        connection.execute("PRAGMA user_version = 1")
    known.record.copy_to(home / "record.db.new.partial")
    keeping.export(known.settings, home / "backups" / "all.jsonl", embeddings=True)
    keeping.back_up(known.settings, tmp_path / "outside.db")
    known.forget(document.id)
    assert sorted(path.name for path in (home / "backups").iterdir()) == ["mine.db"]
    assert "version-1-old.db was removed" in caplog.text
    known.close()
    assert places(home, needles) == []
    assert any(place.startswith("outside.db") for place in places(tmp_path, needles))
    keeping.restore(_elsewhere(known, tmp_path), home / "backups" / "mine.db", replace=False)
    with Memory.open(_elsewhere(known, tmp_path)) as memory:
        assert memory.counts()["documents"] == 12
        with pytest.raises(NotFound):
            memory.document("affair.md")


def test_a_backup_that_cannot_be_changed_for_want_of_room_is_kept_and_changed_later(known, home, monkeypatch, read):
    (home / "backups").mkdir()
    keeping.back_up(known.settings, home / "backups" / "mine.db")
    real = sqlite3.connect

    def full(path: Any, **options: Any) -> sqlite3.Connection:
        connection = real(path, **options)
        if str(path).endswith("mine.db"):
            connection.execute(
                """CREATE TEMP TRIGGER full BEFORE DELETE ON main.documents
                   BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"""
            )
        return connection

    monkeypatch.setattr("retriever.record.erasure.sqlite3.connect", full)
    with pytest.raises(StoreError, match="no room left"):
        known.forget(known.document("affair.md").id)
    assert (home / "backups" / "mine.db").exists()
    monkeypatch.undo()
    read()
    known.close()
    assert (home / "backups" / "mine.db").exists()
    assert places(home, [SECRET[:8].encode()]) == []


def _elsewhere(memory: Memory, tmp_path: Path) -> Any:
    from dataclasses import replace

    return replace(memory.settings, home=tmp_path / "elsewhere")


def test_a_secret_that_was_edited_out_before_leaves_with_the_leftovers(known, home, folder, read):
    document = known.document("affair.md")
    # Its other embeddings are much like those of the text that stays.
    needles = needles_of(known, document.id)[:1]
    (home / "backups").mkdir()
    keeping.back_up(known.settings, home / "backups" / "mine.db")
    (folder / "affair.md").write_text(REPORT.replace(SECRET, "nobody"))
    read()
    known.forget_leftovers()
    assert known.document("affair.md").id == document.id
    known.close()
    assert places(home, needles) == []
    assert words_left(home) == []


def test_lines_that_documents_share_are_forgotten_with_the_last_of_them(filled, folder, home, read):
    for number in range(4):
        (folder / f"form-{number}.md").write_text(f"# Form {number}\n\n- Fill in {SECRET} on the second line here.\n")
    read()
    with sqlite3.connect(home / "record.db") as connection:
        assert SECRET in connection.execute("SELECT boilerplate FROM sources").fetchone()[0]
    for number in range(4):
        filled.forget(filled.document(f"form-{number}.md").id)
    filled.close()
    assert places(home, [SECRET.encode()]) == []


def test_a_kill_between_forgetting_and_cleaning_is_made_good_by_the_next_ingest(known, home, folder, open_memory):
    document = known.document("affair.md")
    needles = needles_of(known, document.id)
    known.record.erasure.forget(document.id)
    known.close()
    assert places(home, needles)
    memory = open_memory()
    ingest(memory, folder, IngestOptions())
    memory.close()
    assert places(home, needles) == []


def test_what_is_to_be_erased_while_the_same_is_being_erased_is_not_lost(known, home, folder, monkeypatch, read):
    needle, real, asked = SECRET[:8].encode(), Database.compact, []

    def compact(database: Database) -> None:
        real(database)
        if not asked:
            # Too late for the cleaning at hand, and asked for in the same words.
            asked.append(None)
            (folder / "affair.md").write_text(REPORT.replace(SECRET, "nobody"))
            read()
            known.record.erasure.forget_leftovers()

    monkeypatch.setattr(Database, "compact", compact)
    known.record.erasure.forget_leftovers()
    known.record.erasure.finish()
    assert known.record.erasure.is_pending()
    read()
    assert not known.record.erasure.is_pending()
    known.close()
    assert places(home, [needle]) == []


def test_a_cleaning_that_fails_is_said_and_done_later(known, home, folder, monkeypatch, read, caplog):
    document = known.document("affair.md")
    needles = needles_of(known, document.id)

    def fail(database: Database) -> None:
        raise HomeBusy("record.db was read for 30 s by another process. Try again.")

    monkeypatch.setattr(Database, "compact", fail)
    with pytest.raises(StoreError, match="was read for 30 s"):
        known.forget(document.id)
    with pytest.raises(NotFound):
        known.document(document.id)
    read()
    assert "what was forgotten is still on disk" in caplog.text
    monkeypatch.undo()
    read()
    known.close()
    assert places(home, needles) == []


def test_a_reader_that_holds_the_log_is_waited_for_and_named(known, home, monkeypatch):
    monkeypatch.setattr("retriever.record.database.BUSY_TIMEOUT_S", 0.2)
    reader = sqlite3.connect(home / "record.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM documents").fetchone()
    with Memory.open(known.settings) as memory, pytest.raises(HomeBusy, match="was read for"):
        memory.forget(known.document("affair.md").id)
    reader.close()


def test_a_server_builds_its_index_anew_when_another_process_forgets(known, home, open_memory):
    document = known.document("affair.md")
    needles = needles_of(known, document.id)
    server = open_memory()
    server.start_following()
    deadline = time.monotonic() + 30
    while not server.readiness()[0]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    asked = [hit for hit in server.ask("check pump 3").hits if hit.document.path != "affair.md"]
    known.forget(document.id)
    while places(home / "index", needles) or not server.readiness()[0]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [hit.lesson for hit in server.ask("check pump 3").hits] == [hit.lesson for hit in asked]
    server.close()
    known.close()
    assert places(home, needles) == []


def test_without_a_model_the_index_is_dropped(known, home, monkeypatch, open_memory):
    from retriever.errors import ModelError

    document = known.document("affair.md")
    needles = needles_of(known, document.id)

    def fail(memory: Memory) -> None:
        raise ModelError("There is no model.")

    monkeypatch.setattr(Memory, "keeper", fail)
    known.forget(document.id)
    known.close()
    assert places(home, needles) == []
    monkeypatch.undo()
    memory = open_memory()
    keeper = memory.keeper()
    assert keeper.open("a test")
    assert keeper.index.keys("passage") == memory.record.changes.owners("passage", memory.fingerprint)
    keeper.close()


def test_the_command_takes_a_document_or_the_leftovers_and_names_the_backup_outside(runner, folder, home, tmp_path):
    (folder / "affair.md").write_text(REPORT)
    runner("ingest", str(folder))
    runner("backup", str(tmp_path / "outside.db"))
    assert runner("forget").exit_code == 2
    assert runner("forget", "affair.md", "--leftovers").exit_code == 2
    done = runner("forget", "affair.md", "--yes")
    assert "outside.db" in done.stderr
    assert places(home, [SECRET[:8].encode()]) == []
    assert runner("forget", "--leftovers", input="n\n").exit_code == 1
    assert runner("forget", "--leftovers", "--yes").exit_code == 0
