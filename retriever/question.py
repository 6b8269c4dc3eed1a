"""A question as ranking needs it: its embedding, and its words with what each of them says."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from retriever.words import QueryWord

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    Floats = NDArray[float32]
    Ids = NDArray[Any]


class Pieces(Protocol):
    """The part of an embedder that knows a model's pieces of words."""

    def piece_ids(self, texts: Sequence[str]) -> list[Ids]:
        """For each text its token ids without special tokens, int32."""

    def piece_vectors(self, pieces: Ids) -> Floats:
        """float32 (len(pieces), width): rows of the model's table of input token vectors, of unit length."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A word of the question, how rare it is here, and how rare in the language at large."""

    word: QueryWord
    idf: float
    rarity: float


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `embedding` is None without a model.

    `pieces` holds the unit vectors of the words' pieces, `piece_weights` their shares, which add up to 1;
    both are None where the model has no table of pieces.
    """

    embedding: Floats | None
    asked: tuple[Asked, ...]
    pieces: Floats | None = None
    piece_weights: Floats | None = None
    piece_vectors: Callable[[Ids], Floats] | None = None

    @property
    def total_idf(self) -> float:
        """What a document that holds every word of the question has in idf."""
        return sum(item.idf for item in self.asked) or 1.0


def read_question(
    words: Sequence[QueryWord],
    embedding: Floats | None,
    frequencies: Mapping[str, int],
    documents: int,
    pieces: Pieces | None = None,
) -> Question:
    """The question made of `words`; `frequencies` says how many of the `documents` hold each token.

    A whole compound that occurs nowhere is left out, because its parts are asked for too.
    """
    kept = [word for word in words if not word.is_whole or frequencies.get(word.token, 0)]
    counts = [frequencies.get(word.token, 0) for word in kept]
    # While documents come in, they may have been counted a moment before their words were.
    documents = max([documents, *counts])
    idf = [math.log(1 + (documents - count + 0.5) / (count + 0.5)) for count in counts]
    parts = [number for number, word in enumerate(kept) if not word.is_whole]
    if pieces is None or not parts:
        return Question(embedding, tuple(Asked(word, value, 1.0) for word, value in zip(kept, idf, strict=True)))
    ids = dict(zip(parts, pieces.piece_ids([kept[number].text for number in parts]), strict=True))
    asked = tuple(
        Asked(word, idf[number], _rarity(ids[number]) if number in ids else 0.0) for number, word in enumerate(kept)
    )
    weights = np.concatenate([np.full(len(row), idf[number] / max(len(row), 1)) for number, row in ids.items()])
    vectors = pieces.piece_vectors(np.concatenate(list(ids.values())).astype(np.int32))
    shares = (weights / max(float(weights.sum()), 1e-9)).astype(np.float32)
    return Question(embedding, asked, vectors, shares, pieces.piece_vectors)


def doubtful(
    words: Sequence[QueryWord], frequencies: Mapping[str, int], pieces: Pieces | None
) -> tuple[QueryWord, ...]:
    """The words that may be mistyped: in no document, and not whole in the model's vocabulary.

    A real word that nobody here used must stay as it is, or "ransomware" would be read as something that is
    there.
    """
    unknown = [word for word in words if not word.is_whole and not frequencies.get(word.token, 0)]
    if pieces is None or not unknown:
        return ()
    ids = pieces.piece_ids([word.text for word in unknown])
    return tuple(word for word, row in zip(unknown, ids, strict=True) if len(row) > 1)


def unit_rows(rows: Floats) -> Floats:
    """The rows at length 1; a row of zeros stays one."""
    unit: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit


def _rarity(ids: Ids) -> float:
    """How rare a word is in the language at large, in [0, 2].

    A vocabulary of word pieces lists them by frequency, and rare words fall into several pieces: the sum of
    the pieces' log ranks is a word's surprise, by Zipf's law. The first 1,000 entries are not words.
    """
    return min(2.0, sum(math.log(max(int(number) - 1000, 20)) for number in ids) / math.log(29_000))
