"""Questions that were asked, without secrets, for a while: what nobody has recorded yet can be seen in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from retriever.record.database import Database
from retriever.record.rows import moment

if TYPE_CHECKING:
    from retriever.embedder import Embeddings

# How long a question is kept.
KEPT = timedelta(days=90)

_COLUMNS = "key, text, asked_at, learned_at, told_at, fingerprint, embedding"


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question in the record; `embedding` is that of the model `fingerprint`, None where it has none."""

    key: int
    text: str
    asked_at: str
    learned_at: str | None
    told_at: str | None
    fingerprint: str | None
    embedding: Embeddings | None


class QuestionStore:
    """What was asked in the last 90 days; what is older is deleted whenever anything is written or listed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, text: str, *, is_gap: bool, feed: str | None) -> None:
        """The question is recorded; `feed` is the digest of its private address."""
        with self._database.write() as connection:
            _expire(connection)
            connection.execute(
                "INSERT INTO questions (text, is_gap, feed, asked_at) VALUES (?, ?, ?, ?)",
                (text, is_gap, feed, moment()),
            )

    def gaps(self) -> tuple[AskedQuestion, ...]:
        """The questions to which nothing has been learned, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM questions WHERE is_gap AND learned_at IS NULL AND asked_at >= ? "
                "ORDER BY key DESC",
                (_ago(KEPT),),
            ).fetchall()
        return tuple(_question(row) for row in rows)

    def by_feed(self, feed: str) -> AskedQuestion | None:
        """The question whose feed's address has this digest."""
        with self._database.read() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM questions WHERE feed = ? AND asked_at >= ?", (feed, _ago(KEPT))
            ).fetchone()
        return _question(row) if row else None

    def embed(self, fingerprint: str, embeddings: Mapping[int, Embeddings]) -> None:
        """The embeddings of these questions, by their keys, are remembered."""
        with self._database.write() as connection:
            connection.executemany(
                "UPDATE questions SET fingerprint = ?, embedding = ? WHERE key = ?",
                [
                    (fingerprint, np.ascontiguousarray(row, np.float32).tobytes(), key)
                    for key, row in embeddings.items()
                ],
            )

    def learned(self, keys: Iterable[int]) -> None:
        """Somebody has learned about these by now: they are no gaps any more."""
        with self._database.write() as connection:
            connection.executemany(
                "UPDATE questions SET learned_at = ? WHERE key = ? AND learned_at IS NULL",
                [(moment(), key) for key in keys],
            )

    def tell(self, key: int) -> bool:
        """Whether its asker had not been told before that somebody has learned about it."""
        with self._database.write() as connection:
            told = connection.execute(
                "UPDATE questions SET told_at = ? WHERE key = ? AND told_at IS NULL", (moment(), key)
            )
            return told.rowcount == 1

    def remove(self, keys: Iterable[int]) -> None:
        """The questions are gone."""
        with self._database.write() as connection:
            connection.executemany("DELETE FROM questions WHERE key = ?", [(key,) for key in keys])

    def expire(self) -> None:
        """What is older than 90 days is gone; nothing is written where nothing is."""
        with self._database.read() as connection:
            is_any = connection.execute("SELECT 1 FROM questions WHERE asked_at < ?", (_ago(KEPT),)).fetchone()
        if is_any:
            with self._database.write() as connection:
                _expire(connection)


def _expire(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM questions WHERE asked_at < ?", (_ago(KEPT),))


def _ago(span: timedelta) -> str:
    return (datetime.now(UTC) - span).strftime("%Y-%m-%dT%H:%M:%SZ")


def _question(row: sqlite3.Row) -> AskedQuestion:
    return AskedQuestion(
        key=row["key"],
        text=row["text"],
        asked_at=row["asked_at"],
        learned_at=row["learned_at"],
        told_at=row["told_at"],
        fingerprint=row["fingerprint"],
        embedding=np.frombuffer(row["embedding"], np.float32) if row["embedding"] is not None else None,
    )
