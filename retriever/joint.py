"""How far a text says what is asked, told by reading the two together.

A model reads each word in the light of those around it. A text that says what is asked reads the same after the
question as by itself; one that speaks of something else, in the same words, is bent towards it. So a model that was
made to embed texts one by one also compares two of them, as a cross-encoder does (arXiv:1901.04085).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from retriever.encoded import Encoded
    from retriever.question import Floats
    from retriever.ranking import Ranked

# Of a document's likeliest sentences so many, and of them so many characters: more tells no better and takes longer.
SENTENCES = 2
TEXT_CHARS = 120


@dataclass(frozen=True, slots=True)
class Meant:
    """What a text means: the sum (dim,) of the vectors of so many tokens."""

    tokens: int
    direction: Floats


def likeliest_text(ranked: Ranked) -> str:
    """A document's title, and the beginning of its likeliest sentence with the one after it."""
    return f"{ranked.bundle.document.title}. " + " ".join(_words(ranked))[:TEXT_CHARS]


def _words(ranked: Ranked) -> Iterator[str]:
    bundle = ranked.bundle
    first = int(np.argmax(ranked.likelihood))
    for row in range(first, min(first + SENTENCES, len(bundle.spans))):
        if row not in bundle.silent:
            start, end = bundle.spans[row].tolist()
            yield from bundle.document.text[start:end].split()


def meaning_by_itself(read: Encoded) -> Meant:
    """What a text means where nothing was asked; of no tokens for a model that shows none."""
    tokens = read.tokens[read.pieces >= 0]
    return Meant(len(tokens), tokens.sum(axis=0))


def steadiness(alone: Meant, after: Encoded) -> float:
    """How little a text's meaning moves where `after` reads it at the end of a question: a cosine, in [-1, 1]."""
    moved = after.tokens[after.pieces >= 0][-alone.tokens :].sum(axis=0)
    lengths = float(np.linalg.norm(alone.direction) * np.linalg.norm(moved))
    return float(alone.direction @ moved) / max(lengths, 1e-12)
