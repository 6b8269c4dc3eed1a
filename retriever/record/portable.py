"""The record as lines of JSON, out and in: everything but what belongs to the vector index.

The first line says what the file is and which version of the schema its rows have, the last how many rows came before
it; between them each line is one row of one table. Which tables there are is read from the record itself, so that a
table of a later version is exported without anybody remembering to.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retriever.errors import SourceError
from retriever.lesson import digest
from retriever.record.copies import explained, written_whole
from retriever.record.schema import SCHEMA_VERSION, migrate

FORMAT = "lessons-export"
FORMAT_VERSION = 1

# What an export leaves out, and why; the tables in which FTS5 keeps its index belong to the table they are named after.
LEFT_OUT: Mapping[str, str] = {
    "changes": "what the vector index has still to follow; an import builds its own index",
    "generations": "builds of the vector index, which is not exported",
    "content": "a number that grows whenever the rows change, wherever it began",
    "document_vocabulary": "a view of document_words",
    "sqlite_sequence": "SQLite's own; it follows from the rows",
    "sqlite_schema": "SQLite's own; it follows from the version",
    "sqlite_temp_schema": "SQLite's own, and empty",
}

# Rows that say what this home has still to do about its own files.
_ROWS: Mapping[str, str] = {"meta": " WHERE name NOT LIKE 'erase%'"}

# Embeddings can be made again from the texts, and are most of the size.
_EMBEDDINGS = "embeddings"
_UNEMBEDDED: Mapping[str, object] = {"fingerprint": "", "checksum": 0, "embeddings": b""}


@dataclass(frozen=True, slots=True)
class Imported:
    """What an export held; without embeddings words answer until they are made again."""

    rows: int
    documents: int
    lessons: int
    has_embeddings: bool


def tables(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """{table: its columns} of everything that is exported, in an order that puts what is referred to first."""
    rows = connection.execute("SELECT schema, name, type FROM pragma_table_list").fetchall()
    kinds = {row[1]: row[2] for row in rows if row[0] == "main" and row[2] != "shadow" and row[1] not in LEFT_OUT}
    order = [row[0] for row in connection.execute("SELECT name FROM sqlite_master ORDER BY rowid") if row[0] in kinds]
    found = {}
    for name in order:
        columns = tuple(row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (name,)))
        found[name] = ("rowid", *columns) if kinds[name] == "virtual" else columns
    return found


def export_lines(connection: sqlite3.Connection, *, embeddings: bool) -> Iterator[str]:
    """The record, line by line, as one transaction sees it; each ends with a newline."""
    yield _line(
        {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "schema": SCHEMA_VERSION,
            "made_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "embeddings": embeddings,
        }
    )
    count = 0
    for name, columns in tables(connection).items():
        if name == _EMBEDDINGS and not embeddings:
            continue
        blank = _UNEMBEDDED if name == "sentences" and not embeddings else {}
        for row in connection.execute(f"SELECT {', '.join(columns)} FROM {name}{_ROWS.get(name, '')}"):
            count += 1
            yield _line({"table": name, "row": {key: _out(value) for key, value in ({**dict(row), **blank}).items()}})
    yield _line({"end": count})


def import_lines(connection: sqlite3.Connection, lines: Iterable[str], name: str) -> Imported:
    """Fills an empty database with what the lines of the file `name` say; in the caller's transaction.

    Raises SourceError that names the line and what is wrong with it. An export of an older version is migrated.
    """
    numbered = _numbered(name, lines)
    header = _header(name, numbered)
    migrate(connection, 0, header["schema"])
    connection.execute("PRAGMA defer_foreign_keys = ON")
    known = tables(connection)
    counts: dict[str, int] = {}
    is_whole = False
    for number, value in numbered:
        if is_whole:
            raise _fault(name, number, "comes after the end of the export")
        if "end" in value:
            is_whole = True
            if value["end"] != sum(counts.values()):
                raise _fault(name, number, f"says that {value['end']} rows came before it, and there were {number - 2}")
            continue
        table = _put(connection, known, name, number, value)
        counts[table] = counts.get(table, 0) + 1
    if not is_whole:
        raise SourceError(f"{name} ends before its last line: it was cut short. Nothing was imported; export again.")
    _check_references(connection, name)
    migrate(connection, header["schema"])
    # The version of the content they were written at was that of another record.
    connection.execute("UPDATE senses SET version = 0")
    return Imported(
        sum(counts.values()), counts.get("documents", 0), counts.get("lessons", 0), bool(header.get("embeddings"))
    )


def import_file(target: Path, file: Path) -> Imported:
    """`target` is a record that holds what the export `file` says, and is not there when anything fails."""
    try:
        lines = file.open(encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror}. `lessons export FILE` makes an export.") from error
    with lines, written_whole(target) as partial, explained(target):
        partial.touch(mode=0o600)
        with contextlib.closing(sqlite3.connect(partial, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            imported = import_lines(connection, lines, str(file))
            connection.commit()
    return imported


def is_export(file: Path) -> bool:
    """Whether the file begins as an export does."""
    try:
        with file.open(encoding="utf-8") as lines:
            return bool(json.loads(lines.readline(1000))["format"] == FORMAT)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _numbered(name: str, lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    try:
        for number, line in enumerate(lines, start=1):
            yield number, _read(name, number, line)
    except UnicodeDecodeError as error:
        raise _fault(name, number + 1, f"is not UTF-8: {error.reason}") from error


def _header(name: str, numbered: Iterator[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    _, header = next(numbered, (0, {}))
    if header.get("format") != FORMAT:
        raise SourceError(f"{name} is no export of a memory: its first line does not say {FORMAT!r}.")
    version, schema = header.get("version"), header.get("schema")
    if not isinstance(version, int) or not isinstance(schema, int) or schema < 1:
        raise _fault(name, 1, "does not say which version it has")
    if version > FORMAT_VERSION or schema > SCHEMA_VERSION:
        raise SourceError(
            f"{name} was made by a newer Lessons (schema {schema}; this one knows {SCHEMA_VERSION}). Upgrade Lessons."
        )
    return header


def _put(
    connection: sqlite3.Connection, known: Mapping[str, tuple[str, ...]], name: str, number: int, value: dict[str, Any]
) -> str:
    """The table into which the row of this line went."""
    table, row = str(value.get("table")), value.get("row")
    if table not in known or not isinstance(row, dict):
        raise _fault(name, number, f"holds no row of a known table, but {str(value)[:60]!r}")
    columns = known[table]
    if set(row) != set(columns):
        differing = ", ".join(sorted(map(str, set(row) ^ set(columns))))
        raise _fault(name, number, f"has too many or too few columns for {table}: {differing}")
    values = {column: _in(row[column], name, number) for column in columns}
    if table in _CHECKS and not _CHECKS[table](values):
        raise _fault(name, number, f"was changed since it was exported: it does not match its checksum ({table})")
    marks = ", ".join("?" * len(columns))
    try:
        connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", tuple(values.values()))
    except (
        sqlite3.IntegrityError,
        sqlite3.InterfaceError,
        sqlite3.ProgrammingError,
        OverflowError,
        UnicodeError,
    ) as error:
        raise _fault(name, number, f"cannot be a row of {table}: {error}") from error
    return table


_CHECKS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "documents": lambda row: isinstance(row["text"], str) and digest(row["text"]) == row["checksum"],
    "embeddings": lambda row: isinstance(row["embedding"], bytes) and zlib.crc32(row["embedding"]) == row["checksum"],
    # Senses have one from version 9 on.
    "senses": lambda row: (
        isinstance(row["sense"], bytes) and ("checksum" not in row or zlib.crc32(row["sense"]) == row["checksum"])
    ),
    "sentences": lambda row: isinstance(row["embeddings"], bytes) and zlib.crc32(row["embeddings"]) == row["checksum"],
}


def _check_references(connection: sqlite3.Connection, name: str) -> None:
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise SourceError(f"{name} is incomplete: a row of {broken[0]} refers to one of {broken[2]} that is not there.")


def _read(name: str, number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _fault(name, number, f"is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise _fault(name, number, f"must be an object, not {str(value)[:60]!r}")
    return value


def _fault(name: str, number: int, what: str) -> SourceError:
    return SourceError(f"{name}, line {number}: it {what}. Nothing was imported.")


def _line(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def _out(value: object) -> object:
    return {"base64": base64.b64encode(value).decode("ascii")} if isinstance(value, bytes) else value


def _in(value: object, name: str, number: int) -> object:
    if not isinstance(value, dict):
        return value
    try:
        return base64.b64decode(value["base64"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise _fault(name, number, "holds bytes that are not spelled in base64") from error
