"""What people told by hand: the fields of each share beside the document that was made of them."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from retriever.errors import KeyReused, NotFound
from retriever.lesson import SHARED_SOURCE, digest
from retriever.record.database import Database
from retriever.record.documents import hold_model, record_document
from retriever.record.draft import PreparedShare
from retriever.record.rows import source_from_row
from retriever.share import Share

# How long a request that is sent again is known to be the same.
REQUESTS_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Request:
    """A request that its sender may repeat: whose it is, the key it was given, and a digest of what it says."""

    owner: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class StoredShare:
    """A share in the record: the id of its lesson, of its document, and what was told."""

    id: str
    document_id: str
    share: Share


class Shares:
    """Shared lessons; every method that changes something is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, identity: str, prepared: PreparedShare, *, by: str = "", request: Request | None = None) -> str:
        """The id of the shared lesson: `identity`, or that of the first when this request came before.

        Raises KeyReused when its key was another request's, ModelError when the memory is another model's.
        """
        with self._database.write() as connection:
            known = _known(connection, request) if request is not None else None
            if known is not None:
                return known
            hold_model(connection, prepared.embedded.fingerprint)
            _write(connection, identity, prepared, by)
            if request is not None:
                connection.execute("DELETE FROM requests WHERE at < ?", (_moment(REQUESTS_KEPT),))
                connection.execute(
                    "INSERT INTO requests (owner, key, digest, lesson_id, at) VALUES (?, ?, ?, ?, ?)",
                    (request.owner, request.key, request.digest, identity, _moment()),
                )
        return identity

    def change(self, known: StoredShare, prepared: PreparedShare, *, by: str = "") -> bool:
        """Whether the share now says `prepared`; not when it is no longer the `known` one that this was made from.

        Raises NotFound when it is gone.
        """
        with self._database.write() as connection:
            row = connection.execute("SELECT id, fields FROM shares WHERE id = ?", (known.id,)).fetchone()
            if row is None:
                raise _unknown(known.id)
            if Share.of(json.loads(row["fields"])) != known.share:
                return False
            hold_model(connection, prepared.embedded.fingerprint)
            _write(connection, known.id, prepared, by)
        return True

    def known_request(self, request: Request) -> str | None:
        """The id of the lesson that this request made when it came before. Raises KeyReused for another's key."""
        with self._database.read() as connection:
            return _known(connection, request)

    def by_lesson(self, lesson_id: str) -> StoredShare | None:
        """The share that the lesson belongs to, None for one that was extracted. Raises nothing for unknown ids."""
        return self._find("JOIN lessons l ON l.document = h.document WHERE l.id = ?", lesson_id)

    def by_document(self, document_id: str) -> StoredShare | None:
        """The share that the document was made of, None for one that was read from a file."""
        return self._find("WHERE d.id = ?", document_id)

    def _find(self, condition: str, value: str) -> StoredShare | None:
        with self._database.read() as connection:
            row = connection.execute(
                f"""SELECT h.id, h.fields, d.id AS document_id FROM shares h
                    JOIN documents d ON d.key = h.document {condition}""",
                (value,),
            ).fetchone()
        return StoredShare(row["id"], row["document_id"], Share.of(json.loads(row["fields"]))) if row else None


def next_lesson_id(identity: str) -> str:
    """The id of the recommendation in the share whose lesson is `identity`; it outlives every rewording."""
    return digest("next", identity)


def _write(connection: sqlite3.Connection, identity: str, prepared: PreparedShare, by: str) -> None:
    moment = _moment()
    connection.execute("INSERT OR IGNORE INTO sources (name, created_at) VALUES (?, ?)", (SHARED_SOURCE, moment))
    source = source_from_row(connection.execute("SELECT * FROM sources WHERE name = ?", (SHARED_SOURCE,)).fetchone())
    path = f"{SHARED_SOURCE}/{identity}"
    record_document(connection, (source, None, path), prepared.draft, prepared.embedded)
    connection.execute(
        """INSERT INTO shares (document, id, fields, by, shared_at, changed_at)
           SELECT key, ?, ?, ?, ?5, ?5 FROM documents WHERE source = ?4 AND path = ?6
           ON CONFLICT (document) DO UPDATE SET fields = excluded.fields, by = excluded.by,
           changed_at = excluded.changed_at""",
        (identity, json.dumps(prepared.share.as_json(), ensure_ascii=False), by, source.key, moment, path),
    )


def _known(connection: sqlite3.Connection, request: Request) -> str | None:
    row = connection.execute(
        "SELECT digest, lesson_id FROM requests WHERE owner = ? AND key = ? AND at >= ?",
        (request.owner, request.key, _moment(REQUESTS_KEPT)),
    ).fetchone()
    if row is None:
        return None
    if row["digest"] != request.digest:
        raise KeyReused(
            f"The Idempotency-Key {request.key!r} was given to another request before. Give each lesson its own."
        )
    return str(row["lesson_id"])


def _unknown(lesson_id: str) -> NotFound:
    return NotFound(f"There is no shared lesson with the id {lesson_id!r}.")


def _moment(ago: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) - ago).strftime("%Y-%m-%dT%H:%M:%SZ")
