"""The rows in which senses (retriever/senses.py) are kept: written with the documents that words stand in."""

from __future__ import annotations

import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from retriever.record.kept import content_version
from retriever.record.packing import model_of, new_model, packed, unpacked, unpacked_pieces
from retriever.senses import ENOUGH, Contexts, Senses

if TYPE_CHECKING:
    from retriever.senses import Floats, Ids

# The key of a sense: the number of its model, and in the lower half that of the piece.
_PIECE_BITS = 32
_PIECE = (1 << _PIECE_BITS) - 1

# Name in `meta`.
ROUGH = "rough_senses"

# SQLite takes more variables in one statement, and gains nothing by them.
_MANY = 500


def add_contexts(connection: sqlite3.Connection, fingerprint: str, contexts: Contexts) -> None:
    """The pieces' senses are means over these places too, as far as they had not been seen often enough."""
    if not len(contexts.pieces):
        return
    first = new_model(connection, fingerprint) << _PIECE_BITS
    known = _known(connection, [first | piece for piece in contexts.pieces.tolist()], contexts.sums.shape[1])
    version, changed = content_version(connection), []
    for piece, count, total in zip(contexts.pieces.tolist(), contexts.counts.tolist(), contexts.sums, strict=True):
        before, mean = known.get(first | piece, (0, None))
        if before < ENOUGH:
            together = total if mean is None else total + before * mean
            mean = together / (before + count)
            blob = packed(mean)
            length = float(np.linalg.norm(mean))
            changed.append((first | piece, before + count, length, zlib.crc32(blob), version, blob))
    connection.executemany("INSERT OR REPLACE INTO senses VALUES (?, ?, ?, ?, ?, ?)", changed)


def mark_rough(connection: sqlite3.Connection) -> None:
    """The senses are not, or not yet, those that reading every text would give; `lessons reindex` reads them."""
    connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, '1')", (ROUGH,))


def drop_senses(connection: sqlite3.Connection, *, but: str) -> None:
    """The senses that other models made are gone, and those of this one are what reading every text gave."""
    first = new_model(connection, but) << _PIECE_BITS
    connection.execute("DELETE FROM senses WHERE key NOT BETWEEN ? AND ?", (first, first | _PIECE))
    connection.execute("DELETE FROM meta WHERE name = ?", (ROUGH,))
    _note_drop(connection)


def clear_senses(connection: sqlite3.Connection, fingerprint: str) -> None:
    """The senses that this model made are gone."""
    first = new_model(connection, fingerprint) << _PIECE_BITS
    connection.execute("DELETE FROM senses WHERE key BETWEEN ? AND ?", (first, first | _PIECE))
    _note_drop(connection)


def drop_unheld(connection: sqlite3.Connection) -> None:
    """Pieces that no document holds have no sense any more; takes time in proportion to the record."""
    held: set[int] = set()
    for pieces, ends in connection.execute("SELECT pieces, piece_ends FROM sentences"):
        held.update(unpacked_pieces(pieces, np.frombuffer(ends, np.int32)).tolist())
    keys = [row[0] for row in connection.execute("SELECT key FROM senses")]
    connection.executemany("DELETE FROM senses WHERE key = ?", [(key,) for key in keys if key & _PIECE not in held])
    _note_drop(connection)


def damaged_senses(connection: sqlite3.Connection, fingerprint: str) -> int:
    """How many pieces of words have a sense by this model that is not what was written."""
    model = model_of(connection, fingerprint)
    if model is None:
        return 0
    first = model << _PIECE_BITS
    rows = connection.execute("SELECT checksum, sense FROM senses WHERE key BETWEEN ? AND ?", (first, first | _PIECE))
    return sum(zlib.crc32(sense) != checksum for checksum, sense in rows)


def read_senses(
    connection: sqlite3.Connection, fingerprint: str, known: tuple[Senses, int] | None = None
) -> Senses | None:
    """The senses that this model made, None where it made none.

    Where some are `known`, with the version of the content that they were read at, only those written since are read.
    """
    model = model_of(connection, fingerprint)
    if model is None:
        return None
    before, since = known or (None, 0)
    if before is not None and connection.execute("SELECT senses_dropped FROM content").fetchone()[0] > since:
        before, since = None, 0
    first = model << _PIECE_BITS
    rows = connection.execute(
        # Without the plus all of them would be looked through by key, however few are new.
        f"""SELECT key & ?, checksum, sense FROM senses
            WHERE version >= ? AND {"+" if since else ""}key BETWEEN ? AND ? ORDER BY key""",
        (_PIECE, since, first, first | _PIECE),
    ).fetchall()
    return _with_rows(before, rows)


def read_senses_of(connection: sqlite3.Connection, fingerprint: str, pieces: Ids) -> Senses | None:
    """The senses that this model made of these distinct pieces, None where it made none of them."""
    model = model_of(connection, fingerprint)
    if model is None:
        return None
    first = model << _PIECE_BITS
    rows = []
    for part in _parts([first | piece for piece in pieces.tolist()]):
        query = f"SELECT key & ?, checksum, sense FROM senses WHERE key IN ({_marks(part)})"
        rows += connection.execute(query, (_PIECE, *part)).fetchall()
    return _with_rows(None, rows)


def _with_rows(before: Senses | None, rows: Sequence[sqlite3.Row]) -> Senses | None:
    # A word whose sense is damaged counts as one that is not known, until its documents are read again.
    sound = [row for row in rows if zlib.crc32(row[2]) == row[1]]
    if not sound:
        return before
    # One of another size, as an import may bring it, must not shift the others.
    size = Counter(len(row[2]) for row in sound).most_common(1)[0][0] if before is None else before.rows.shape[1]
    whole = [row for row in sound if len(row[2]) == size]
    pieces = np.asarray([row[0] for row in whole], np.int64)
    directions = np.frombuffer(b"".join([row[2] for row in whole]), np.int8).reshape(-1, size)
    return (before or Senses.none(size)).with_changed(pieces, directions)


def _note_drop(connection: sqlite3.Connection) -> None:
    """The senses that were read before are kept no longer."""
    connection.execute("UPDATE content SET version = version + 1, senses_dropped = version + 1")


def _known(connection: sqlite3.Connection, keys: Sequence[int], dim: int) -> dict[int, tuple[int, Floats]]:
    """{key: (in how many places it stood, the mean of its vectors there)} of those that are known."""
    found = {}
    for part in _parts(keys):
        for key, contexts, length, checksum, sense in connection.execute(
            f"SELECT key, contexts, length, checksum, sense FROM senses WHERE key IN ({_marks(part)})", part
        ):
            # One of another size came with an import: it begins anew.
            if zlib.crc32(sense) == checksum and len(sense) == dim:
                found[key] = (contexts, length * unpacked([sense])[0])
    return found


def _parts(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    """The keys in parts that one statement takes."""
    return (keys[start : start + _MANY] for start in range(0, len(keys), _MANY))


def _marks(part: Sequence[int]) -> str:
    return ", ".join("?" * len(part))
