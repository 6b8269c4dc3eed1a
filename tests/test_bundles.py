"""What is kept of the documents that questions looked into is never older than the record."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retriever.memory import Memory
from retriever.record.bundles import Bundles
from retriever.record.database import Database

WORDS = "words-for-tests"


def keys_of(memory: Memory) -> list[int]:
    with memory.record._database.read() as connection:
        return [row[0] for row in connection.execute("SELECT key FROM documents ORDER BY key")]


def test_a_document_is_read_once_while_nothing_changes(filled: Memory, monkeypatch: pytest.MonkeyPatch):
    keys = keys_of(filled)
    first = filled.record.candidates.bundles(keys, WORDS)
    monkeypatch.setattr("retriever.record.bundles.read_bundle", None)
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


def test_only_so_many_are_kept(filled: Memory):
    cache, keys = Bundles(limit=5), keys_of(filled)
    with filled.record._database.read() as connection:
        first = cache.read(connection, keys, WORDS)
        again = cache.read(connection, keys, WORDS)
    assert len(first) == 12
    assert [bundle.key for bundle in again] == keys
    assert len(cache._kept) == 5
