"""The senses of the memory's words (retriever/senses.py), each read once for as long as it stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retriever.record.database import Database
from retriever.record.kept import content_version
from retriever.record.sense_rows import ROUGH, clear_senses, mark_rough, read_senses, read_senses_of
from retriever.senses import Senses

if TYPE_CHECKING:
    from retriever.senses import Ids


class SenseStore:
    """Reads the senses of one model, keeps them, and reads what changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # (version of the content, fingerprint, the senses then).
        self._kept: tuple[int, str, Senses | None] = (0, "", None)
        self._asked = ""

    def of(self, fingerprint: str, held: Sequence[Ids]) -> Senses | None:
        """The senses that this model has made of at least the pieces that these texts hold, None where it made none.

        All are read, and kept, from the second time on: who asks one question needs a quarter of them.
        """
        if self._asked == fingerprint or not held:
            return self.all(fingerprint)
        self._asked = fingerprint
        with self._database.read() as connection:
            return read_senses_of(connection, fingerprint, np.flatnonzero(np.bincount(np.concatenate(held))))

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
