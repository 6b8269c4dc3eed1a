"""What older versions of the record kept in another form, made what it is today: what the migrations call from SQL."""

from __future__ import annotations

import sqlite3
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from retriever.record.packing import packed_pieces, place, unpacked_pieces
from retriever.record.sense_rows import add_contexts, mark_rough
from retriever.rounding import rounded, unit_vectors
from retriever.senses import summed

if TYPE_CHECKING:
    from numpy.typing import NDArray


def add_functions(connection: sqlite3.Connection) -> None:
    """SQL may call what a migration needs."""
    if connection.execute("SELECT 1 FROM pragma_function_list WHERE name = 'rounded'").fetchone():
        # An import migrates twice, and SQLite refuses to replace a function.
        return
    for name, function in (
        ("place", place),
        ("halved", _halved),
        ("halved_checksum", _halved_checksum),
        ("shortened", _shortened),
        ("rounded", _rounded),
        ("rounded_checksum", _rounded_checksum),
        ("checksum_of", zlib.crc32),
        ("length_of", _length),
    ):
        connection.create_function(name, -1, function, deterministic=True)


def gather_senses(connection: sqlite3.Connection) -> None:
    """Senses for a record of before there were any, out of what it holds.

    The vectors of its words are gone; those of the sentences that hold a word stand for them.
    """
    rows = connection.execute(
        "SELECT fingerprint, pieces, piece_ends, embeddings, checksum FROM sentences ORDER BY document"
    )
    for fingerprint, pieces, piece_ends, embeddings, checksum in rows.fetchall():
        ends = np.frombuffer(piece_ends, np.int32)
        # An import without embeddings leaves none behind, and says so with a checksum that holds.
        if not len(ends) or not embeddings or zlib.crc32(embeddings) != checksum:
            continue
        held = unpacked_pieces(pieces, ends)
        sentences = unit_vectors(np.frombuffer(embeddings, np.int8).reshape(len(ends), -1))
        owners = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
        add_contexts(connection, fingerprint, summed(held, sentences[owners]))
        mark_rough(connection)


def _halved(blob: bytes) -> bytes:
    """Numbers of four bytes in two each: how embeddings were kept from version 7 to 8."""
    # One that was damaged may hold what has no half; its checksum says so afterwards too.
    with np.errstate(over="ignore", invalid="ignore"):
        return np.frombuffer(blob[: len(blob) // 4 * 4], np.float32).astype(np.float16).tobytes()


def _halved_checksum(blob: bytes, checksum: int) -> int:
    return _checksum_after(_halved(blob), blob, checksum)


def _shortened(pieces: bytes) -> bytes:
    return packed_pieces(np.frombuffer(pieces, np.int32))


def _rounded(blob: bytes, rows: int) -> bytes:
    """Halves of so many rows in one byte each."""
    numbers = _halves(blob)
    if not rows or len(numbers) % rows:
        return b""
    with np.errstate(invalid="ignore"):
        return rounded(np.nan_to_num(numbers).reshape(rows, -1)).tobytes() if len(numbers) else b""


def _rounded_checksum(blob: bytes, checksum: int, rows: int) -> int:
    return _checksum_after(_rounded(blob, rows), blob, checksum)


def _length(blob: bytes) -> float:
    return float(np.linalg.norm(_halves(blob)))


def _halves(blob: bytes) -> NDArray[Any]:
    return np.frombuffer(blob[: len(blob) // 2 * 2], np.float16).astype(np.float32)


def _checksum_after(made: bytes, blob: bytes, checksum: int) -> int:
    """The checksum of what was made of the blob; a wrong one where it was wrong before, so that damage stays known."""
    found = zlib.crc32(made)
    return found if zlib.crc32(blob) == checksum else found ^ 1
