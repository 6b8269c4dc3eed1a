"""The version of a record, and how one of an older version becomes one of today's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from retriever.record.old_forms import add_functions, gather_senses
from retriever.record.versions import MIGRATIONS

# "LESN" as a number: how a record of ours is told from any other SQLite file.
APPLICATION_ID = 0x4C45534E

WORD_TABLES = ("document_words",)

SCHEMA_VERSION = len(MIGRATIONS)

# The version from which on there are senses.
_SENSES_FROM = 8


def migrate(connection: sqlite3.Connection, version: int, target: int = SCHEMA_VERSION) -> None:
    """The record of that version, 0 for an empty file, is of the `target` version; in the caller's transaction."""
    if version < target:
        add_functions(connection)
    for migration in MIGRATIONS[version:target]:
        for statement in _statements(migration):
            connection.execute(statement)
    if version < _SENSES_FROM <= target:
        gather_senses(connection)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {target}")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one: `executescript` would commit in between."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
