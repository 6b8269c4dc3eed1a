"""What a terse lesson is about, in words that stand beside it."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from ingest.extract.features import cues_of
from ingest.extract.units import Outline, Unit

TERSE_WORDS = 14
LONGEST_SENTENCE = 240
SHORTEST_CAUSE = 5
LEANING = r"(?:This|That|These|Those|It|They|So|Thus|Hence|Therefore|Otherwise|As a result|Such|Which)\b"
"""How a sentence begins that leans on the one before it."""


class Surroundings:
    """What stands beside the lessons of one document; looked for once, however many there are."""

    def __init__(self, found: Outline) -> None:
        self._found = found
        self._blocks: dict[int, list[Unit]] = {}
        for unit in found.units:
            self._blocks.setdefault(unit.block, []).append(unit)

    def context_of(self, unit: Unit, title: str | None = None) -> str | None:
        """What a reader of the lesson alone would miss, None where it reads on its own.

        A sentence that leans on the one before it comes with that one; a terse lesson with the title, its section and
        the sentence that gives the cause.
        """
        leaning = self._before(unit) if re.match(LEANING, unit.words) else None
        if len(unit.words.split()) > TERSE_WORDS:
            return leaning
        parts = [title or self._found.title, " > ".join(unit.above) or None, leaning or self._cause(unit)]
        return " \u2014 ".join(part for part in parts if part) or None

    def _before(self, unit: Unit) -> str | None:
        """The sentence that ends last before the unit begins, in the same block."""
        beside = self._blocks.get(unit.block, [])
        earlier = bisect_right(beside, unit.start, key=lambda other: other.end)
        return beside[earlier - 1].words if earlier else None

    def _cause(self, unit: Unit) -> str | None:
        """The document's first sentence with a root cause in it, else with a cause, that is not the lesson itself."""
        elsewhere = (other for other in self._causes if other.end <= unit.start or other.start >= unit.end)
        return next((other.words for other in elsewhere), None)

    @cached_property
    def _causes(self) -> list[Unit]:
        """The sentences that can explain, those with a root cause first."""
        able = [unit for unit in self._found.units if _can_explain(unit)]
        cues = {id(unit): cues_of(unit.words) for unit in able}
        return [unit for cue in ("root_cause", "cause") for unit in able if cue in cues[id(unit)]]


def _can_explain(unit: Unit) -> bool:
    fits = len(unit.words) <= LONGEST_SENTENCE and len(unit.words.split()) >= SHORTEST_CAUSE
    return fits and not unit.timed
