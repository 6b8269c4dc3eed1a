"""Whole copies of the record: how one is taken and checked.

A copy is one SQLite file in rollback mode, so that it needs no file beside it and can lie on a medium that is never
written again. Everything is written under another name first: under its own a copy is whole or not there.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retriever.errors import NotAMemory, RecordDamaged, RecordTooNew, StoreError
from retriever.record.checksums import damaged_embeddings, damaged_texts, structural_damage
from retriever.record.schema import APPLICATION_ID, SCHEMA_VERSION

PARTIAL = ".partial"
_HEADER = b"SQLite format 3\x00"
FREE_SHARE = 0.1
# What SQLite may keep beside a file.
BESIDE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """What a sound copy holds, and how many of its documents hold a text or embedding that fails its checksum."""

    version: int
    documents: int
    lessons: int
    damaged: int


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path to write to, in the same folder; `path` is replaced by it, for its owner's eyes only, if nothing fails.

    Raises StoreError when the disk is full or the folder cannot be written.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        _remove(partial)
        yield partial
        partial.chmod(0o600)
        sync(partial)
        partial.replace(path)
        sync(path.parent)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}. Nothing was changed.") from error
    finally:
        with contextlib.suppress(OSError):
            _remove(partial)


def copy_out(connection: sqlite3.Connection, target: Path) -> CopyFacts:
    """The record as it is at one moment is in `target`, checked; other processes may read and write meanwhile."""
    with written_whole(target) as partial, explained(target):
        # Not from this process' umask: nobody else may look into it while it is being written either.
        partial.touch(mode=0o600)
        copy = sqlite3.connect(partial)
        try:
            # In one step, so that the copy is of one moment and no writer can make it begin again.
            connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            return _facts(copy, target)
        finally:
            copy.close()


def copy_in(path: Path, target: Path) -> CopyFacts:
    """`target` is a copy of the copy, but for its generations of the vector index, which are those of another home."""
    with written_whole(target) as partial, explained(path), contextlib.closing(_opened(path)) as source:
        partial.touch(mode=0o600)
        copy = sqlite3.connect(partial, isolation_level=None)
        try:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            facts = _facts(copy, path)
            copy.execute("UPDATE generations SET state = 'retired'")
            return facts
        finally:
            copy.close()


def is_copy(path: Path) -> bool:
    """Whether the file is a record of ours, whatever its name."""
    try:
        with path.open("rb") as file:
            head = file.read(72)
    except OSError:
        return False
    return head.startswith(_HEADER) and head[68:72] == APPLICATION_ID.to_bytes(4, "big")


def give_back_room(path: Path) -> None:
    """An SQLite file that nobody has open has no free pages, if they were more than a tenth of it."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        free, all_pages = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count")
        )
        if free > FREE_SHARE * all_pages:
            connection.execute("VACUUM")


def rows_in(path: Path, table: str) -> int:
    """How many rows the table of an SQLite file has, whoever else has it open; 0 where that cannot be told."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    except sqlite3.Error:
        return 0


def sync(path: Path) -> None:
    """What was written to the file, or renamed in the folder, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what SQLite says of a copy into an error with a finished sentence."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if "not a database" in text:
            raise NotAMemory(f"{path} is no backup of a memory: it is no SQLite file.") from error
        if "full" in text:
            raise StoreError(f"There is no room left for a copy at {path}. Free some; nothing was changed.") from error
        if "malformed" in text:
            raise RecordDamaged(f"{path} is damaged: {text}. Take another one.") from error
        raise StoreError(f"{path} cannot be used: {text}. Nothing was changed.") from error


def _facts(connection: sqlite3.Connection, path: Path) -> CopyFacts:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise NotAMemory(f"{path} is no backup of a memory: it belongs to another program.")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise RecordTooNew(
            f"{path} was made by a newer Lessons (version {version}; this one knows {SCHEMA_VERSION}). Upgrade Lessons."
        )
    damage = structural_damage(connection)
    if damage:
        raise RecordDamaged(f"{path} is damaged: {damage[0]}. Take another one.")
    documents, lessons = (
        int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in ("documents", "lessons")
    )
    damaged = {*damaged_texts(connection), *damaged_embeddings(connection)}
    return CopyFacts(version, documents, lessons, len(damaged))


def _opened(path: Path) -> sqlite3.Connection:
    """The file, for reading only. One that was copied by hand may be in another mode than our copies are."""
    if not path.is_file():
        raise StoreError(f"There is no file {path}. `lessons backup FILE` makes a backup.")
    is_alone = not path.with_name(path.name + "-wal").exists()
    options = "mode=ro&immutable=1" if is_alone else "mode=ro"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{options}", uri=True)


def _remove(path: Path) -> None:
    for suffix in ("", *BESIDE):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
