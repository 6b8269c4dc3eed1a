"""The senses of the memory's words (retriever/senses.py), read once for each state of the record."""

from __future__ import annotations

from retriever.record.database import Database
from retriever.record.kept import Kept, content_version
from retriever.record.sense_rows import ROUGH, clear_senses, mark_rough, read_senses
from retriever.senses import Senses


class SenseStore:
    """Reads the senses of one model, and keeps them for as long as nothing changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: Kept[tuple[Senses | None]] = Kept(1)

    def all(self, fingerprint: str) -> Senses | None:
        """The senses that this model has made of the memory's words, None where it made none."""
        with self._database.read() as connection:
            version = content_version(connection)
            kept = self._kept.get(version, fingerprint)
            if kept is None:
                kept = (read_senses(connection, fingerprint),)
                self._kept.put(version, fingerprint, kept)
            return kept[0]

    def are_rough(self) -> bool:
        """Whether every text should be read again for them, as after an upgrade from before there were senses."""
        with self._database.read() as connection:
            return connection.execute("SELECT 1 FROM meta WHERE name = ?", (ROUGH,)).fetchone() is not None

    def start_anew(self, fingerprint: str) -> None:
        """This model has made none yet; they are rough until it has read every text and the memory adopts it."""
        with self._database.write() as connection:
            clear_senses(connection, fingerprint)
            mark_rough(connection)
