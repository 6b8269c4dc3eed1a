"""Embeddings of a whole memory by another model, beside those of the model before, until the switch."""

from __future__ import annotations

import json

from retriever.record.database import Database
from retriever.record.documents import write_embedding, write_sentences
from retriever.record.draft import Draft, Embedded


class EmbeddingStore:
    """What moving to another model needs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def documents_without(self, fingerprint: str) -> tuple[str, ...]:
        """Ids of the documents that this model has not embedded, in the order in which they came."""
        with self._database.read() as connection:
            rows = connection.execute(
                """SELECT id FROM documents d WHERE NOT EXISTS (SELECT 1 FROM sentences n
                   WHERE n.document = d.key AND n.fingerprint = ?) ORDER BY key""",
                (fingerprint,),
            ).fetchall()
        return tuple(row[0] for row in rows)

    def boilerplate_of(self, document_id: str) -> frozenset[str]:
        """The boilerplate lines of the document's source."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT s.boilerplate FROM sources s JOIN documents d ON d.source = s.key WHERE d.id = ?",
                (document_id,),
            ).fetchone()
        return frozenset(json.loads(row[0])) if row else frozenset()

    def store(self, document_id: str, draft: Draft, embedded: Embedded) -> None:
        """The document's passages, lessons and sentences have these embeddings; what other models made stays.

        `draft` must be what the document was recorded from; rows it does not match are left to the next ingest.
        """
        with self._database.write() as connection:
            row = connection.execute("SELECT key FROM documents WHERE id = ?", (document_id,)).fetchone()
            if row is None:
                return
            for unit, digests, vectors in (
                ("passage", draft.passage_digests, embedded.passages),
                ("lesson", tuple(item.digest for item in draft.lessons), embedded.lessons),
            ):
                by_digest = dict(zip(digests, vectors, strict=True))
                owners = connection.execute(f"SELECT key, digest FROM {unit}s WHERE document = ?", (row[0],))
                for owner in owners.fetchall():
                    if owner["digest"] in by_digest:
                        key = (unit, owner["key"])
                        write_embedding(connection, key, by_digest[owner["digest"]], embedded.fingerprint)
            write_sentences(connection, row[0], draft, embedded)

    def drop(self, fingerprint: str) -> None:
        """No embedding made by this model is left."""
        with self._database.write() as connection:
            for table in ("embeddings", "sentences"):
                connection.execute(f"DELETE FROM {table} WHERE fingerprint = ?", (fingerprint,))

    def drop_others(self, fingerprint: str) -> None:
        """Only embeddings made by this model are left."""
        with self._database.write() as connection:
            for table in ("embeddings", "sentences"):
                connection.execute(f"DELETE FROM {table} WHERE fingerprint <> ?", (fingerprint,))
