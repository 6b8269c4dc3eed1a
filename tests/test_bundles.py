"""What is kept of the documents that questions looked into is never older than the record."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.reembed import embed_missing
from retriever.memory import Memory
from retriever.record.bundles import Bundles
from retriever.record.database import Database
from retriever.record.kept import Kept, edition

WORDS = "words-for-tests"


def keys_of(memory: Memory) -> list[int]:
    with memory.record._database.read() as connection:
        return [row[0] for row in connection.execute("SELECT key FROM documents ORDER BY key")]


def test_a_document_is_read_once_while_nothing_changes(filled: Memory, monkeypatch: pytest.MonkeyPatch):
    keys = keys_of(filled)
    first = filled.record.candidates.bundles(keys, WORDS)
    monkeypatch.setattr("retriever.record.bundles.read_bundles", None)
    again = filled.record.candidates.bundles(keys[::-1], WORDS)
    assert [id(bundle) for bundle in again] == [id(bundle) for bundle in first[::-1]]


@pytest.mark.parametrize("by", ["this thread", "another thread"])
def test_what_was_changed_is_read_anew(
    by: str, filled: Memory, folder: Path, report: Callable[[str], str], read: Callable[..., Any]
):
    keys = keys_of(filled)
    before = filled.record.candidates.bundles(keys[:1], WORDS)[0]
    path = folder / before.document.path
    path.write_text(report("changed") + "\nThe hinge was oiled.\n")
    if by == "this thread":
        read()
    else:
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    assert "hinge" in filled.record.candidates.bundles(keys[:1], WORDS)[0].document.text


def test_what_was_read_is_kept_while_new_files_come_in(
    filled: Memory,
    folder: Path,
    report: Callable[[str], str],
    read: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
):
    keys = keys_of(filled)
    first = filled.record.candidates.bundles(keys, WORDS)
    (folder / "new.md").write_text("# Hinge\n\nThe hinge was oiled, and since then nobody has heard the gate.\n")
    read()
    assert len(keys_of(filled)) == len(keys) + 1
    monkeypatch.setattr("retriever.record.bundles.read_bundles", None)
    again = filled.record.candidates.bundles(keys, WORDS)
    assert [id(bundle) for bundle in again] == [id(bundle) for bundle in first]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE documents SET title = 'New' WHERE key = 1",
        "DELETE FROM documents WHERE key = 1",
        "INSERT INTO remarks (lesson_id, hidden) VALUES ('any', 1)",
        "UPDATE remarks SET hidden = 1",
        "DELETE FROM remarks",
        "UPDATE sources SET url_template = 'https://example.org/{path}'",
        "DELETE FROM sentences WHERE document = 1",
        """INSERT INTO sentences SELECT document, 'another', checksum, spans, passages, pieces, piece_ends, embeddings
           FROM sentences WHERE document = 1""",
    ],
)
def test_each_change_to_what_is_there_is_an_edition(filled: Memory, change: str):
    with filled.record._database.write() as connection:
        connection.execute("INSERT INTO remarks (lesson_id) VALUES ('one')")
        before = edition(connection)
        connection.execute(change)
        assert edition(connection) > before


def test_what_changes_nothing_that_is_shown_is_no_edition(filled: Memory):
    with filled.record._database.write() as connection:
        before = edition(connection)
        connection.execute("UPDATE sources SET name = name, root = root, url_template = url_template, report = '{}'")
        assert edition(connection) == before


def test_embeddings_that_are_made_again_are_an_edition(filled: Memory):
    filled.record.candidates.bundles(keys_of(filled), WORDS)
    with filled.record._database.write() as connection:
        before = edition(connection)
    filled.record.senses.start_anew(filled.fingerprint)
    embed_missing(filled, lambda done, total: None)
    with filled.record._database.read() as connection:
        assert edition(connection) > before


def test_a_reader_from_before_a_change_leaves_nothing_to_those_after_it(filled: Memory, home: Path):
    cache, keys = Bundles(), keys_of(filled)
    database = Database(home / "record.db")
    with filled.record._database.read() as old:
        old.execute("SELECT count(*) FROM documents").fetchone()
        writer = sqlite3.connect(home / "record.db")
        with writer:
            writer.execute("UPDATE documents SET title = 'New' WHERE key = ?", (keys[0],))
        writer.close()
        with database.read() as new:
            assert cache.read(new, keys[:1], WORDS)[0].document.title == "New"
        assert cache.read(old, keys[:1], WORDS)[0].document.title != "New"
    with database.read() as new:
        assert cache.read(new, keys[:1], WORDS)[0].document.title == "New"
    database.close()


def test_only_so_many_sentences_are_kept_those_asked_for_last(filled: Memory):
    keys = keys_of(filled)
    cache = Bundles(limit=11)
    with filled.record._database.read() as connection:
        first = cache.read(connection, keys, WORDS)
        again = cache.read(connection, keys[-2:], WORDS)
    assert len(first) == 12
    kept = [bundle for bundle, _ in cache._kept._values.values()]
    assert 0 < len(kept) < 12
    assert sum(len(bundle.spans) for bundle in kept) <= 11
    assert [id(bundle) for bundle in again] == [id(bundle) for bundle in first[-2:]]


def test_what_is_heavier_than_all_that_may_be_kept_is_not_and_what_is_put_again_weighs_once():
    kept: Kept[str] = Kept(5)
    kept.put(1, "a", "heavy", 6)
    assert kept.get(1, "a") is None
    for _ in range(3):
        kept.put(1, "b", "light", 2)
    kept.put(1, "c", "light", 3)
    assert [kept.get(1, name) for name in "bc"] == ["light", "light"]
    kept.put(2, "d", "new", 5)
    assert (len(kept), kept.get(2, "d")) == (1, "new")
