"""Whether the record is what was written, and what can be mended of it without a backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retriever.errors import RecordDamaged
from retriever.record.backups import advice
from retriever.record.checksums import damaged_embeddings, damaged_texts, structural_damage
from retriever.record.schema import WORD_TABLES
from retriever.record.sense_rows import damaged_senses

if TYPE_CHECKING:
    from retriever.record.database import Database


class Soundness:
    """The checks of a record; they read everything and change nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def require(self) -> None:
        """Raises RecordDamaged, with what to do, when SQLite's own check finds the file damaged; 1 s for 1 GB."""
        damage = self.structural_damage()
        if damage:
            path = self._database.path
            raise RecordDamaged(f"{path} is damaged ({damage[0]}). Nothing was changed. {advice(path.parent)}")

    def structural_damage(self) -> tuple[str, ...]:
        """What SQLite's own check finds wrong with the file, nothing when it is sound."""
        with self._database.read() as connection:
            return structural_damage(connection)

    def damaged_texts(self) -> tuple[str, ...]:
        """Ids of documents whose text, or a lesson's share of it, is not what was written."""
        with self._database.read() as connection:
            return damaged_texts(connection)

    def damaged_embeddings(self) -> tuple[str, ...]:
        """Ids of documents of which an embedding does not match its checksum."""
        with self._database.read() as connection:
            return damaged_embeddings(connection)

    def damaged_senses(self, fingerprint: str) -> int:
        """How many pieces of words have a sense by this model that does not match its checksum."""
        with self._database.read() as connection:
            return damaged_senses(connection, fingerprint)

    def damaged_words(self) -> tuple[str, ...]:
        """The word indexes that do not hold what they should, by name."""
        return tuple(table for table in WORD_TABLES if not self._is_consistent(table))

    def mend_words(self) -> None:
        """The word indexes are made anew from the words beside them."""
        with self._database.write() as connection:
            for table in WORD_TABLES:
                connection.execute(f"INSERT INTO {table} ({table}) VALUES ('rebuild')")

    def _is_consistent(self, table: str) -> bool:
        """FTS5 checks itself when asked by an insert, which inserts nothing."""
        try:
            with self._database.write() as connection:
                connection.execute(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')")
        except RecordDamaged:
            return False
        return True
