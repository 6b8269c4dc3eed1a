"""How far a text says what is asked, told by reading the two together.

A model reads each word in the light of those around it. A text that says what is asked reads the same after the
question as by itself; one that speaks of something else, in the same words, is bent towards it. So a model that was
made to embed texts one by one also compares two of them, as a cross-encoder does (arXiv:1901.04085).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from retriever.encoded import Encoded
    from retriever.question import Floats, Ids
    from retriever.ranking import Ranked

# A document's likeliest sentence and the next, and of them so many characters: more tells no better and takes longer.
SENTENCES = 2
TEXT_CHARS = 120
TITLE_CHARS = 120

# The longer what stands before a text, the more it is bent, whatever it says: a pasted log would bend every text. No
# question that this was fitted on is longer than 130.
QUESTION_CHARS = 200


@dataclass(frozen=True, slots=True)
class Meant:
    """What a text means by itself: the ids (n) of its pieces, and the sum (dim,) of their vectors."""

    pieces: Ids
    total: Floats


def likeliest_text(ranked: Ranked) -> str:
    """A document's title, and the beginning of its likeliest sentence with the one after it.

    Empty where only hidden lessons say these: a title may repeat the first of them.
    """
    bundle = ranked.bundle
    first = int(np.argmax(ranked.likelihood))
    rows = range(first, min(first + SENTENCES, len(bundle.spans)))
    spans = [bundle.spans[row].tolist() for row in rows if row not in bundle.silent]
    words = [word for start, end in spans for word in bundle.document.text[start:end].split()]
    return f"{bundle.document.title[:TITLE_CHARS]}. {' '.join(words)[:TEXT_CHARS]}" if words else ""


def meaning_by_itself(read: Encoded) -> Meant:
    """What a text means where nothing was asked; of no pieces for a model that shows none."""
    own = read.pieces >= 0
    return Meant(read.pieces[own], read.tokens[own].sum(axis=0))


def steadiness(alone: Meant, after: Encoded) -> float | None:
    """How little a text's meaning moves where `after` reads it at the end of a question: a cosine, in [-1, 1].

    None where `after` does not end with the text's own pieces: the model was given more than it reads, puts a prompt
    before a text, or shows no pieces.
    """
    if not len(alone.pieces):
        return None
    own = np.flatnonzero(after.pieces >= 0)[-len(alone.pieces) :]
    if not np.array_equal(after.pieces[own], alone.pieces):
        return None
    moved = after.tokens[own].sum(axis=0)
    lengths = float(np.linalg.norm(alone.total) * np.linalg.norm(moved))
    return float(alone.total @ moved) / max(lengths, 1e-12)
