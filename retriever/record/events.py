"""The log of what happened to lessons and documents, which feeds and digests read."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime


def log_event(
    connection: sqlite3.Connection, kind: str, document_id: str, lesson: str | None = None, **data: object
) -> None:
    """The log has one more event; `data` says what else there is to know of it."""
    connection.execute(
        "INSERT INTO events (at, type, document_id, lesson_id, data) VALUES (?, ?, ?, ?, ?)",
        (
            datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            *(kind, document_id, lesson),
            json.dumps(data, ensure_ascii=False),
        ),
    )
