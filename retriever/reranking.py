"""The first texts of an answer ordered anew by a model that reads question and text together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from retriever.choosing import Choice

# How many texts are read again. A cross-encoder of six layers takes some 10 ms for each on a core, so this is a fifth
# of a second, and what answers is among the first twenty texts where it was found at all.
RERANKED = 20

# What a text that certainly answers gains. The scores of the first twenty texts differ by less, so the re-ranker
# decides where it is sure, and the ranking where it is not.
WEIGHT = 4.0


class Reranker(Protocol):
    """Says how well texts answer a question."""

    def probabilities(self, query: str, texts: Sequence[str]) -> list[float]:
        """For each text, in their order, a number in [0, 1]: higher answers better."""


def reranked(query: str, choices: Sequence[Choice], reranker: Reranker) -> tuple[Choice, ...]:
    """The choices with the first ones in the re-ranker's order; those behind stay behind.

    Nobody's score falls, so what was read again stays before what was not.
    """
    first = choices[:RERANKED]
    found = reranker.probabilities(query, [item.ranked.bundle.document.text[item.start : item.end] for item in first])
    gained = [
        replace(item, score=item.score + WEIGHT * value, reranked=WEIGHT * value)
        for item, value in zip(first, found, strict=True)
    ]
    ordered = sorted(gained, key=lambda item: (-item.score, item.ranked.bundle.document.id))
    return (*ordered, *choices[RERANKED:])
