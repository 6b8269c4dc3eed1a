"""Records of older versions: brought to today's, with what they meant, or left as they were."""

from __future__ import annotations

import sqlite3
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retriever.errors import StoreError
from retriever.record import FILE_NAME, Record, portable
from retriever.record import backups as backups_module
from retriever.record.database import PAGE_BYTES
from retriever.record.packing import UNITS
from retriever.record.schema import MIGRATIONS, SCHEMA_VERSION, migrate
from retriever.record.sense_rows import read_senses
from retriever.rounding import unit_vectors
from tests.five_reports import QUESTION, change


def halves(blob: bytes, rows: int) -> bytes:
    """Rounded embeddings as versions 1 to 8 kept those of sentences."""
    return (
        bytes(unit_vectors(np.frombuffer(blob, np.int8).reshape(rows, -1)).astype(np.float16).tobytes())
        if rows
        else b""
    )


@pytest.fixture
def version_1(five_reports: Any, home: Path, tmp_path: Path) -> Path:
    """A home as version 1 left it: the tables of its schema, and in them what `five_reports` holds."""
    fingerprint, changes = five_reports.fingerprint, five_reports.record.changes
    old_rows = [
        (unit, owner, fingerprint, zlib.crc32(row.tobytes()), row.tobytes())
        for unit in UNITS
        for owner, row in changes.embeddings(unit, fingerprint, changes.owners(unit, fingerprint)).items()
    ]
    five_reports.close()
    old = tmp_path / "old"
    old.mkdir()
    connection = sqlite3.connect(old / FILE_NAME, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("ATTACH ? AS filled", (str(home / FILE_NAME),))
    connection.execute("BEGIN")
    migrate(connection, 0, 1)
    for table, columns in portable.tables(connection).items():
        if table not in ("embeddings", "lesson_words"):
            names = ", ".join(columns)
            connection.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM filled.{table}")
    connection.create_function("longer", 1, lambda blob: np.frombuffer(blob, np.uint16).astype(np.int32).tobytes())
    connection.create_function("halves", 2, halves)
    connection.execute(
        "UPDATE main.sentences SET pieces = longer(pieces), embeddings = halves(embeddings, length(spans) / 8)"
    )
    connection.create_function("checksum", 1, zlib.crc32)
    connection.execute("UPDATE main.sentences SET checksum = checksum(embeddings)")
    connection.executemany(
        "INSERT INTO main.embeddings (unit, owner, fingerprint, checksum, embedding) VALUES (?, ?, ?, ?, ?)", old_rows
    )
    connection.commit()
    connection.close()
    return old


def version_of(path: Path) -> int:
    connection = sqlite3.connect(path)
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    connection.close()
    return version


def test_an_older_home_is_migrated_keeps_a_copy_of_itself_and_answers_as_before(
    version_1, open_memory, home, tmp_path, caplog
):
    before = open_memory(home).ask(QUESTION).hits
    migrated = open_memory(version_1)
    assert migrated.ask(QUESTION).hits == before
    assert version_of(version_1 / FILE_NAME) == SCHEMA_VERSION
    kept = list((version_1 / "backups").iterdir())
    assert [path.name.split("-2")[0] for path in kept] == ["version-1"]
    assert version_of(kept[0]) == 1
    assert kept[0].stat().st_mode & 0o777 == 0o600
    assert str(kept[0]) in caplog.text
    open_memory(version_1)
    assert list((version_1 / "backups").iterdir()) == kept


def test_migrations_shorten_embeddings_and_pieces_and_keep_their_meaning(version_1, open_memory, home):
    before, after = open_memory(home).record, open_memory(version_1).record
    model = before.embeddings.model()
    for unit in UNITS:
        (keys, rows), (old_keys, old_rows) = (record.changes.all_embeddings(unit, model) for record in (before, after))
        assert keys.tolist() == old_keys.tolist()
        assert (rows * old_rows).sum(axis=1).min() > 0.999999
        assert np.abs(np.linalg.norm(rows, axis=1) - 1).max() < 1e-6
    for key in (1, 3):
        bundle, old_bundle = (record.candidates.bundles([key], model)[0] for record in (before, after))
        assert bundle.pieces.tolist() == old_bundle.pieces.tolist()
        assert np.array_equal(bundle.embeddings, old_bundle.embeddings)
    assert after.soundness.damaged_embeddings() == ()
    connection = sqlite3.connect(version_1 / FILE_NAME)
    assert connection.execute("PRAGMA page_size").fetchone()[0] == PAGE_BYTES
    assert connection.execute("PRAGMA freelist_count").fetchone()[0] == 0
    connection.close()


def old_record(version: int, embeddings: bytes, fingerprint: str) -> sqlite3.Connection:
    """A record of that version in memory, with one document of two sentences."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    migrate(connection, 0, version)
    connection.execute("INSERT INTO sources (key, name, created_at) VALUES (1, 'pumps', '')")
    connection.execute(
        """INSERT INTO documents (key, id, source, path, created_at, updated_at, checksum, text)
           VALUES (1, 'a', 1, 'a.md', '', '', '', '')"""
    )
    pieces = np.asarray([3, 5], np.int32 if version < 7 else np.uint16)
    spans, owners, ends = (np.asarray(numbers, np.int32) for numbers in ([[0, 1], [1, 2]], [0, 0], [1, 2]))
    blobs = (spans.tobytes(), owners.tobytes(), pieces.tobytes(), ends.tobytes(), embeddings)
    connection.execute(
        "INSERT INTO sentences VALUES (1, ?, ?, ?, ?, ?, ?, ?)", (fingerprint, zlib.crc32(embeddings), *blobs)
    )
    return connection


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_sentences_without_embeddings_as_an_import_may_leave_them_are_migrated(version):
    connection = old_record(version, b"", "")
    migrate(connection, version)
    assert connection.execute("SELECT embeddings FROM sentences").fetchone()[0] == b""
    assert connection.execute("SELECT count(*) FROM senses").fetchone()[0] == 0


@pytest.mark.parametrize("embeddings", [b"abc", np.full((2, 8), np.nan, np.float16).tobytes()])
def test_odd_embeddings_do_not_stop_a_migration(embeddings):
    connection = old_record(7, embeddings, "model")
    migrate(connection, 7)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION


def test_the_senses_of_version_8_keep_their_length_and_direction():
    rows = np.random.default_rng(6).standard_normal((3, 384)).astype(np.float32)
    rows *= np.asarray([0.9, 0.4, 0.7], np.float32)[:, None] / np.linalg.norm(rows, axis=1, keepdims=True)
    connection = old_record(8, b"", "")
    connection.execute("INSERT INTO models (number, fingerprint) VALUES (2, 'model')")
    keys = [2 << 32 | piece for piece in (7, 70_000, 250_000)]
    for key, row in zip(keys, rows, strict=True):
        connection.execute("INSERT INTO senses VALUES (?, 5, ?)", (key, row.astype(np.float16).tobytes()))
    connection.execute(
        "INSERT INTO generations (fingerprint, dim, state, made_at) VALUES ('model', 384, 'current', '')"
    )
    migrate(connection, 8)
    for key, row in zip(keys, rows, strict=True):
        contexts, length, checksum, sense = connection.execute(
            "SELECT contexts, length, checksum, sense FROM senses WHERE key = ?", (key,)
        ).fetchone()
        assert (contexts, checksum) == (5, zlib.crc32(sense))
        assert np.abs(length * unit_vectors(np.frombuffer(sense, np.int8)[None])[0] - row).max() < 0.002
    assert connection.execute("SELECT state FROM generations").fetchone()[0] == "retired"
    found = read_senses(connection, "model")
    assert found is not None
    assert np.flatnonzero(found.places >= 0).tolist() == [7, 70_000, 250_000]


def test_what_was_damaged_before_a_migration_is_damaged_after_it(version_1, open_memory):
    change(version_1, "UPDATE embeddings SET checksum = checksum + 1 WHERE key = 1")
    assert len(open_memory(version_1).record.soundness.damaged_embeddings()) == 1


def test_a_migration_beside_a_reader_leaves_the_room_for_later(version_1, open_memory, caplog):
    change(version_1, "UPDATE sources SET revision = revision + 1")
    reader = sqlite3.connect(version_1 / FILE_NAME, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM documents").fetchone()
    assert open_memory(version_1).counts()["documents"] == 5
    assert "could not be given back" in caplog.text
    reader.close()


def test_a_copy_of_the_version_before_can_be_restored(version_1, open_memory, home, models):
    from retriever.config import Settings
    from retriever.keeping import restore

    before = open_memory(home).ask(QUESTION).hits
    open_memory(version_1).close()
    kept = next((version_1 / "backups").iterdir())
    other = version_1.parent / "other"
    restore(Settings(home=other, models=models), kept, replace=False)
    assert open_memory(other).ask(QUESTION).hits == before


def test_a_migration_that_cannot_keep_the_old_record_changes_nothing(version_1, monkeypatch):
    def fail(*arguments: Any) -> None:
        raise StoreError("There is no room left for a copy.")

    monkeypatch.setattr(backups_module, "copy_out", fail)
    with pytest.raises(StoreError, match="no room left"):
        Record(version_1)
    assert version_of(version_1 / FILE_NAME) == 1


def test_a_migration_that_fails_half_way_changes_nothing(version_1, monkeypatch):
    monkeypatch.setattr("retriever.record.schema.MIGRATIONS", (*MIGRATIONS, "CREATE TABLE more (a);\nnonsense;\n"))
    monkeypatch.setattr("retriever.record.database.SCHEMA_VERSION", SCHEMA_VERSION + 1)
    monkeypatch.setattr(
        "retriever.record.database.migrate", lambda connection, version: migrate(connection, version, 99)
    )
    with pytest.raises(StoreError, match="syntax error"):
        Record(version_1)
    assert version_of(version_1 / FILE_NAME) == 1
    connection = sqlite3.connect(version_1 / FILE_NAME)
    assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name IN ('more', 'shares')").fetchall()
    connection.close()


def test_an_export_of_an_older_version_is_imported(version_1, open_memory, home, models, tmp_path):
    from retriever.config import Settings
    from retriever.keeping import import_from

    before = open_memory(home).ask(QUESTION).hits
    connection = sqlite3.connect(version_1 / FILE_NAME)
    connection.row_factory = sqlite3.Row
    lines = [
        line.replace(f'"schema":{SCHEMA_VERSION}', '"schema":1')
        for line in portable.export_lines(connection, embeddings=True)
    ]
    connection.close()
    (tmp_path / "old.jsonl").write_text("".join(lines))
    import_from(Settings(home=tmp_path / "new", models=models), tmp_path / "old.jsonl")
    assert open_memory(tmp_path / "new").ask(QUESTION).hits == before
