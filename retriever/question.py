"""A question as ranking needs it: its embedding, and its words with what each of them says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from retriever.senses import unit_rows
from retriever.words import QueryWord

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from retriever.encoded import Encoded
    from retriever.senses import Senses

    Floats = NDArray[float32]
    Ids = NDArray[Any]


class Pieces(Protocol):
    """The part of an embedder that knows a model's pieces of words."""

    def piece_ids(self, texts: Sequence[str]) -> list[Ids]:
        """For each text its token ids without special tokens, int32."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A word of the question, how rare it is here, and how rare in the language at large."""

    word: QueryWord
    idf: float
    rarity: float


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of so many `documents`. `embedding` is None without a model.

    `tokens` are the unit vectors (n, dim) that the model gives the words' pieces in this question, `token_weights`
    their shares, which add up to 1, and `senses` what they are compared with; None for a model that shows none.
    """

    embedding: Floats | None
    asked: tuple[Asked, ...]
    documents: int = 0
    tokens: Floats | None = None
    token_weights: Floats | None = None
    senses: Senses | None = None

    @property
    def idf(self) -> dict[str, float]:
        """{token: idf}, in order; two words may have one token, where one of them is taken for a slip of the pen."""
        return {item.word.token: item.idf for item in self.asked}

    @property
    def total_idf(self) -> float:
        """What a document that holds every word of the question has in idf."""
        return sum(item.idf for item in self.asked) or 1.0


def read_question(
    words: Sequence[QueryWord],
    encoded: Encoded | None,
    frequencies: Mapping[str, int],
    documents: int,
    pieces: Pieces | None = None,
) -> Question:
    """The question made of `words`, without senses; `frequencies` says how many of the `documents` hold each token.

    A whole compound that occurs nowhere is left out, because its parts are asked for too.
    """
    kept = [word for word in words if not word.is_whole or frequencies.get(word.token, 0)]
    counts = [frequencies.get(word.token, 0) for word in kept]
    # While documents come in, they may have been counted a moment before their words were.
    documents = max([documents, *counts])
    idf = [math.log(1 + (documents - count + 0.5) / (count + 0.5)) for count in counts]
    parts = [number for number, word in enumerate(kept) if not word.is_whole]
    embedding = None if encoded is None else encoded.embedding
    if pieces is None or not parts:
        told = tuple(Asked(word, value, 1.0) for word, value in zip(kept, idf, strict=True))
        return Question(embedding, told, documents)
    ids = dict(zip(parts, pieces.piece_ids([kept[number].text for number in parts]), strict=True))
    asked = tuple(
        Asked(word, idf[number], _rarity(ids[number]) if number in ids else 0.0) for number, word in enumerate(kept)
    )
    question = Question(embedding, asked, documents)
    if encoded is None or not len(encoded.pieces):
        return question
    shares: dict[int, float] = {}
    for number, row in ids.items():
        for piece in row.tolist():
            shares[piece] = max(shares.get(piece, 0.0), idf[number] / len(row))
    weights = np.asarray([shares.get(piece, 0.0) for piece in encoded.pieces.tolist()], np.float32)
    if not weights.any():
        weights[:] = encoded.pieces >= 0
    telling = np.flatnonzero(weights)
    if not len(telling):
        return question
    tokens = unit_rows(encoded.tokens[telling])
    return replace(question, tokens=tokens, token_weights=weights[telling] / max(float(weights.sum()), 1e-9))


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


def _rarity(ids: Ids) -> float:
    """How rare a word is in the language at large, in [0, 2].

    A vocabulary of word pieces lists them by frequency, and rare words fall into several pieces: the sum of
    the pieces' log ranks is a word's surprise, by Zipf's law. The first 1,000 entries are not words.
    """
    return min(2.0, sum(math.log(max(int(number) - 1000, 20)) for number in ids) / math.log(29_000))
