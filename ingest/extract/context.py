"""What a terse lesson is about, in words that stand beside it."""

from __future__ import annotations

import re

from ingest.extract.features import cues_of
from ingest.extract.units import Outline, Unit

TERSE_WORDS = 14
LONGEST_SENTENCE = 240
SHORTEST_CAUSE = 5
LEANING = r"(?:This|That|These|Those|It|They|So|Thus|Hence|Therefore|Otherwise|As a result|Such|Which)\b"
"""How a sentence begins that leans on the one before it."""


def context_of(found: Outline, unit: Unit, title: str | None = None) -> str | None:
    """What a reader of the lesson alone would miss, None where it reads on its own.

    A sentence that leans on the one before it comes with that one; a terse lesson with the title, its section and
    the sentence that gives the cause.
    """
    leaning = _before(found, unit) if re.match(LEANING, unit.words) else None
    if len(unit.words.split()) > TERSE_WORDS:
        return leaning
    parts = [title or found.title, " > ".join(unit.above) or None, leaning or _cause(found, unit)]
    return " \u2014 ".join(part for part in parts if part) or None


def _before(found: Outline, unit: Unit) -> str | None:
    """The sentence that ends last before the unit begins, in the same block."""
    earlier = [other for other in found.units if other.block == unit.block and other.end <= unit.start]
    return earlier[-1].words if earlier else None


def _cause(found: Outline, unit: Unit) -> str | None:
    """The document's first sentence with a root cause in it, else with a cause, that is not the lesson itself."""
    for cue in ("root_cause", "cause"):
        for other in found.units:
            if cue in cues_of(other.words) and _can_explain(other, unit):
                return other.words
    return None


def _can_explain(other: Unit, unit: Unit) -> bool:
    elsewhere = other.end <= unit.start or other.start >= unit.end
    fits = len(other.words) <= LONGEST_SENTENCE and len(other.words.split()) >= SHORTEST_CAUSE
    return elsewhere and fits and not other.timed
