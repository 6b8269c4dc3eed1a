"""The change log, the generations of the vector index, and the embeddings they are built from."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from retriever.record.database import Database
from retriever.record.packing import UNITS, last_of, owner_of, place_of, unpacked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retriever.embedder import Embeddings

__all__ = ["UNITS", "Change", "Changes", "Generation"]

# So many keys in one statement: SQLite takes more, and gains nothing by them.
MANY = 500

# So many embeddings are read at a time.
AT_ONCE = 500

# What every generation that answers or is being built holds.
_FORGET_APPLIED = "DELETE FROM changes WHERE seq <= (SELECT min(applied) FROM generations WHERE state <> 'retired')"


@dataclass(frozen=True, slots=True)
class Generation:
    """One build of the vector index; the first `applied` entries of the change log are in it."""

    number: int
    fingerprint: str
    dim: int
    state: str
    applied: int


@dataclass(frozen=True, slots=True)
class Change:
    """The passage or lesson `owner` was written or deleted."""

    seq: int
    unit: str
    owner: int


class Changes:
    """What the vector index follows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self) -> Generation | None:
        """The generation that answers, if one was ever finished."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT number, fingerprint, dim, state, applied FROM generations WHERE state = 'current'"
            ).fetchone()
        return Generation(*row) if row else None

    def begin_generation(self, fingerprint: str, dim: int) -> Generation:
        """A new generation, not yet answering, that has to hold everything written up to now."""
        with self._database.write() as connection:
            last = _last_seq(connection)
            connection.execute("UPDATE generations SET state = 'retired' WHERE state = 'building'")
            row = connection.execute(
                """INSERT INTO generations (fingerprint, dim, state, applied, made_at)
                   VALUES (?, ?, 'building', ?, ?) RETURNING number, fingerprint, dim, state, applied""",
                (fingerprint, dim, last, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
            ).fetchone()
        return Generation(*row)

    def switch(self, generation: Generation) -> None:
        """From now on this generation answers, and the ones before it are retired."""
        with self._database.write() as connection:
            connection.execute("UPDATE generations SET state = 'retired' WHERE state = 'current'")
            connection.execute("UPDATE generations SET state = 'current' WHERE number = ?", (generation.number,))
            connection.execute(_FORGET_APPLIED)

    def retire(self, generation: Generation) -> None:
        """A build that failed holds the log back no longer; one that answers is left alone."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE generations SET state = 'retired' WHERE number = ? AND state = 'building'", (generation.number,)
            )

    def retire_all(self) -> None:
        """No generation answers any more; whoever opens the index next builds one."""
        with self._database.write() as connection:
            connection.execute("UPDATE generations SET state = 'retired'")

    def retire_unfinished(self) -> None:
        """Builds that were killed hold the log back no longer. To be called by whoever has the index's lock."""
        with self._database.read() as connection:
            is_any = connection.execute("SELECT 1 FROM generations WHERE state = 'building'").fetchone()
        if is_any:
            with self._database.write() as connection:
                connection.execute("UPDATE generations SET state = 'retired' WHERE state = 'building'")

    def live(self) -> frozenset[int]:
        """The numbers of the generations that answer or are being built; files of any other may be removed."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT number FROM generations WHERE state <> 'retired'").fetchall()
        return frozenset(row[0] for row in rows)

    def pending(self, generation: Generation, limit: int, after: int | None = None) -> tuple[Change, ...]:
        """The oldest changes that are not in the generation yet, oldest first; only those `after` a seq, if given."""
        start = generation.applied if after is None else max(generation.applied, after)
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT seq, unit, owner FROM changes WHERE seq > ? ORDER BY seq LIMIT ?", (start, limit)
            ).fetchall()
        return tuple(Change(*row) for row in rows)

    def mark_applied(self, generation: Generation, seq: int) -> Generation:
        """The generation holds everything up to `seq`; what no generation needs any more leaves the log."""
        with self._database.write() as connection:
            connection.execute("UPDATE generations SET applied = ? WHERE number = ?", (seq, generation.number))
            connection.execute(_FORGET_APPLIED)
        return Generation(generation.number, generation.fingerprint, generation.dim, generation.state, seq)

    def owners(self, unit: str, fingerprint: str) -> set[int]:
        """The keys of all passages or lessons that have an embedding under `fingerprint`, sound or not."""
        with self._database.read() as connection:
            place = place_of(connection, unit, fingerprint)
            if place is None:
                return set()
            rows = connection.execute("SELECT key FROM embeddings WHERE key BETWEEN ? AND ?", (place, last_of(place)))
            return {owner_of(row[0]) for row in rows}

    def embeddings(self, unit: str, fingerprint: str, owners: Iterable[int]) -> dict[int, Embeddings]:
        """{owner: embedding} of those owners that have one and whose checksum holds."""
        listed = list(owners)
        found: dict[int, bytes] = {}
        with self._database.read() as connection:
            place = place_of(connection, unit, fingerprint)
            for start in range(0, len(listed) if place is not None else 0, MANY):
                part = [(place or 0) + owner for owner in listed[start : start + MANY]]
                rows = connection.execute(
                    f"SELECT key, checksum, embedding FROM embeddings WHERE key IN ({', '.join('?' * len(part))})", part
                )
                found.update((owner_of(key), blob) for key, checksum, blob in rows if zlib.crc32(blob) == checksum)
        kept = [owner for owner in listed if owner in found]
        return dict(zip(kept, unpacked([found[owner] for owner in kept]), strict=True))

    def each_embedding(
        self, unit: str, fingerprint: str, *, is_checked: bool = True
    ) -> Iterator[tuple[NDArray[np.int64], Embeddings]]:
        """All of one unit, some at a time: owners, int64 (n,) ascending, and float32 (n, dim).

        Without those whose checksum does not hold, if they are to be checked. A few at a time fit into a processor's
        cache: to go through them once costs half of what one large array would.
        """
        with self._database.read() as connection:
            place = place_of(connection, unit, fingerprint)
            if place is None:
                return
            cursor = connection.cursor()
            # Plain tuples are made sooner than rows with names.
            cursor.row_factory = None
            columns = "key, embedding, checksum" if is_checked else "key, embedding"
            cursor.execute(
                f"SELECT {columns} FROM embeddings WHERE key BETWEEN ? AND ? ORDER BY key", (place, last_of(place))
            )
            while rows := cursor.fetchmany(AT_ONCE):
                sound = [row for row in rows if zlib.crc32(row[1]) == row[2]] if is_checked else rows
                if sound:
                    keys, blobs, *_ = zip(*sound, strict=True)
                    yield np.asarray(keys, np.int64) - place, unpacked(blobs)

    def all_embeddings(self, unit: str, fingerprint: str) -> tuple[NDArray[np.int64], Embeddings]:
        """(owners, embeddings) whose checksum holds: int64 (n,) in ascending order and float32 (n, dim)."""
        parts = list(self.each_embedding(unit, fingerprint))
        if not parts:
            return np.zeros(0, np.int64), np.zeros((0, 1), np.float32)
        return np.concatenate([owners for owners, _ in parts]), np.concatenate([rows for _, rows in parts])

    def fingerprints(self) -> tuple[tuple[str, int], ...]:
        """(fingerprint, embeddings made by it), most first."""
        with self._database.read() as connection:
            counts = [
                (name, sum(_count(connection, place_of(connection, unit, name)) for unit in UNITS))
                for (name,) in connection.execute("SELECT fingerprint FROM models").fetchall()
            ]
        return tuple(sorted((pair for pair in counts if pair[1]), key=lambda pair: -pair[1]))

    def last_seq(self) -> int:
        """The number of the newest change, 0 when nothing was ever written."""
        with self._database.read() as connection:
            return _last_seq(connection)

    def is_behind(self) -> bool:
        """Whether the change log holds anything that the current generation does not, or there is none yet."""
        generation = self.current()
        return self.last_seq() > (generation.applied if generation else 0)


def _last_seq(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
    return int(row[0]) if row else 0


def _count(connection: sqlite3.Connection, place: int | None) -> int:
    if place is None:
        return 0
    query = "SELECT count(*) FROM embeddings WHERE key BETWEEN ? AND ?"
    return int(connection.execute(query, (place, last_of(place))).fetchone()[0])
