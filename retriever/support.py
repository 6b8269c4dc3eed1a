"""How far what was found rests on each word of a question, told by taking the words away one at a time.

Without a word the question's embedding lies elsewhere, and the move between the two is what the word says there. A text
that is near the whole question but not in the direction of these moves has its topic and not its point: "a laptop with
the credentials was stolen" is near to any talk of credentials. Erasure as in arXiv:1612.08220, of a question's words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retriever.words import without_each

if TYPE_CHECKING:
    from retriever.question import Floats, Ids, Question

# So many of the rarest words are taken away: each costs an embedding of the question, and the rest changes little.
MAX_WORDS = 6

# How much the least supported words count beside the others: 0 would be their mean, more comes near their minimum.
SHARPNESS = 5.0

# A move shorter than this has no direction to speak of.
_SHORTEST_MOVE = 1e-3


def rests(query: str, question: Question) -> tuple[tuple[str, float], ...]:
    """(the question without a word, how rare that word is) for the rarest of its words; empty where it has none."""
    rarity = {item.word.text: item.rarity for item in question.asked if not item.word.is_whole}
    told = [
        (rest, max(rarity[part] for part in parts & rarity.keys()))
        for rest, parts in without_each(query)
        if parts & rarity.keys() and rest.strip()
    ]
    return tuple(sorted(told, key=lambda item: -item[1])[:MAX_WORDS])


def weakest(question: Question, pieces: Ids) -> float:
    """How well pieces of words (n) hold the word of the question that they hold worst, in [-1, 1]; 0 without senses.

    A word is held as well as the nearest sense says (retriever/senses.py).
    """
    if question.senses is None or question.tokens is None or question.token_weights is None or not len(pieces):
        return 0.0
    # Each once; numpy's `unique` would bring its masked arrays with it, 8 ms that nobody else asks for.
    held = np.flatnonzero(np.bincount(pieces))
    nearest = question.senses.nearness(held, question.tokens).max(axis=0)
    return _soft_minimum(nearest, question.token_weights)


def support(question: Floats, without: Floats, rarities: Sequence[float], evidence: Floats) -> float:
    """How well the words are supported by `evidence`, in [-1, 1]: a soft minimum over them, rarer ones counting more.

    `question` and `evidence` are unit vectors (dim,), `without` (n, dim) those of the question without each of n >= 1
    words, `rarities` how rare each of these is.
    """
    moves = question - without
    lengths = np.maximum(np.linalg.norm(moves, axis=1), _SHORTEST_MOVE)
    return _soft_minimum((moves @ evidence) / lengths, rarities)


def _soft_minimum(values: Floats, weights: Sequence[float] | Floats) -> float:
    shares = np.maximum(np.asarray(weights, np.float64), 1e-6)
    return -math.log(float(shares @ np.exp(-SHARPNESS * values)) / float(shares.sum())) / SHARPNESS
