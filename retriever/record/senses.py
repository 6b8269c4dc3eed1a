"""The senses of the memory's words (retriever/senses.py), each read once for as long as it stays as it is."""

from __future__ import annotations

from retriever.record.database import Database
from retriever.record.kept import content_version
from retriever.record.sense_rows import ROUGH, clear_senses, mark_rough, read_senses
from retriever.senses import Senses


class SenseStore:
    """Reads the senses of one model, keeps them, and reads what changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # (version of the content, fingerprint, the senses then).
        self._kept: tuple[int, str, Senses | None] = (0, "", None)

    def all(self, fingerprint: str) -> Senses | None:
        """The senses that this model has made of the memory's words, None where it made none."""
        with self._database.read() as connection:
            version = content_version(connection)
            kept_at, whose, kept = self._kept
            if (version, fingerprint) == (kept_at, whose):
                return kept
            # An ingest changes a few of them with each document.
            known = (kept, kept_at) if kept is not None and whose == fingerprint and kept_at < version else None
            senses = read_senses(connection, fingerprint, known)
            if version > kept_at or whose != fingerprint:
                self._kept = (version, fingerprint, senses)
            return senses

    def are_rough(self) -> bool:
        """Whether every text should be read again for them, as after an upgrade from before there were senses."""
        with self._database.read() as connection:
            return connection.execute("SELECT 1 FROM meta WHERE name = ?", (ROUGH,)).fetchone() is not None

    def start_anew(self, fingerprint: str) -> None:
        """This model has made none yet; they are rough until it has read every text and the memory adopts it."""
        with self._database.write() as connection:
            clear_senses(connection, fingerprint)
            mark_rough(connection)
