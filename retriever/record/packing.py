"""How numbers are kept: embeddings in eight bits a number under keys that say whose they are, token ids in two bytes.

An embedding is rounded when it is made (ingest/embedding.py), so nothing of a lesson's is lost here; a passage's is
pooled in float32 and rounded now. What is read is of unit length again, and all that the vector index ever gets.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retriever.rounding import rounded, unit_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retriever.embedder import Embeddings

UNITS = ("passage", "lesson")

# The key of an embedding is its place, of one model and unit, and in it the key of the passage or lesson. So it needs
# no index, no column repeats in each row what a whole place has in common, and a place is read from end to end.
OWNER_BITS = 40
_OWNER = (1 << OWNER_BITS) - 1

_LARGEST_SHORT = 0xFFFF


def model_of(connection: sqlite3.Connection, fingerprint: str) -> int | None:
    """The model's number in this record, None where it embedded nothing."""
    row = connection.execute("SELECT number FROM models WHERE fingerprint = ?", (fingerprint,)).fetchone()
    return None if row is None else int(row[0])


def new_model(connection: sqlite3.Connection, fingerprint: str) -> int:
    """The same; a model that was not known is from now on."""
    known = model_of(connection, fingerprint)
    if known is not None:
        return known
    row = connection.execute("INSERT INTO models (fingerprint) VALUES (?) RETURNING number", (fingerprint,)).fetchone()
    return int(row[0])


def place_of(connection: sqlite3.Connection, unit: str, fingerprint: str) -> int | None:
    """What the key of each embedding of that unit by that model begins with, None where it made none."""
    model = model_of(connection, fingerprint)
    return None if model is None else place(model, unit)


def places_of(connection: sqlite3.Connection, unit: str) -> tuple[int, ...]:
    """The same of every model that embedded anything."""
    return tuple(place(row[0], unit) for row in connection.execute("SELECT number FROM models ORDER BY number"))


def new_place(connection: sqlite3.Connection, unit: str, fingerprint: str) -> int:
    """The same; a model that was not known is from now on."""
    return place(new_model(connection, fingerprint), unit)


def owner_of(key: int) -> int:
    """The key of the passage or lesson that the embedding's key names."""
    return key & _OWNER


def last_of(place: int) -> int:
    """The largest key of that place."""
    return place | _OWNER


def packed(embedding: Embeddings) -> bytes:
    """An embedding, or several, as they are kept."""
    return rounded(embedding).tobytes()


def unpacked(blobs: Sequence[bytes]) -> Embeddings:
    """float32 (n, dim), rows of unit length, of so many embeddings as they were kept; (0, 1) of none."""
    if not blobs:
        return np.zeros((0, 1), np.float32)
    return unit_vectors(np.frombuffer(b"".join(blobs), np.int8).reshape(len(blobs), -1))


def packed_pieces(pieces: NDArray[Any]) -> bytes:
    """Token ids as they are kept: in two bytes each, or in four where the model's vocabulary is larger."""
    is_short = not len(pieces) or int(pieces.max()) <= _LARGEST_SHORT
    return pieces.astype(np.uint16 if is_short else np.int32).tobytes()


def unpacked_pieces(blob: bytes, ends: NDArray[Any]) -> NDArray[Any]:
    """int32 (n): the token ids; `ends` says how many there are, and so how many bytes each has."""
    count = int(ends[-1]) if len(ends) else 0
    return np.frombuffer(blob, np.uint16 if len(blob) == 2 * count else np.int32).astype(np.int32)


def place(model: int, unit: str) -> int:
    """The same for the model with that number."""
    return (model * len(UNITS) + UNITS.index(unit)) << OWNER_BITS
