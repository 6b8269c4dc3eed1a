"""What a unit shows of itself, its place and its neighbours: named features, each either there or not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ingest.extract.cues import IMPERATIVES, PATTERNS
from ingest.extract.units import Outline, Unit

STRONG_ROLES = frozenset(
    {"lesson", "went_wrong", "went_well", "lucky", "action", "recommendation", "cause", "decision", "consequences"}
)
WEAK_ROLES = frozenset({"timeline", "impact", "people", "links", "log", "thanks", "template", "question"})
_WORD = re.compile(r"[a-z][a-z'\u2019-]+")
_LINK = re.compile(r"https?://")
_LENGTHS = (3, 5, 8, 12, 18, 26, 40)
_CROSSED = frozenset(
    {
        "cause",
        "root_cause",
        "absence",
        "advice",
        "hindsight",
        "learned",
        "follow_up",
        "remedy",
        "worked",
        "flaw",
        "discovery",
        "decision",
        "quantity",
        "impact",
        "moment",
        "luck",
        "extent",
        "explanation",
        "guess",
        "pointer",
        "comparison",
    }
)


@dataclass(frozen=True, slots=True)
class Profile:
    """What the whole document shows: its roles, and whether it is prose without sections."""

    roles: frozenset[str]
    has_sections: bool
    count: int


def profile(outline: Outline) -> Profile:
    """The profile of a document."""
    roles = frozenset(unit.role for unit in outline.units if unit.role)
    return Profile(roles, any(unit.above for unit in outline.units), len(outline.units))


def group_of(role: str) -> str:
    """How much a role promises: "strong", "weak" or "open"."""
    return "strong" if role in STRONG_ROLES else "weak" if role in WEAK_ROLES else "open"


@lru_cache(maxsize=2048)
def cues_of(words: str) -> tuple[str, ...]:
    """The families of cues in a text, in the order of the table."""
    lower = words.lower().replace("\u2019", "'")
    return tuple(name for name, pattern in PATTERNS if pattern.search(lower))


def document_features(outline: Outline) -> list[list[str]]:
    """The features of every unit of a document, in order."""
    whole = profile(outline)
    cues = [cues_of(unit.words) for unit in outline.units]
    return [
        [*_own(unit, cues[at]), *_place(outline.units, at, whole), *_neighbours(outline.units, cues, at)]
        for at, unit in enumerate(outline.units)
    ]


def words_of(unit: Unit) -> list[str]:
    """The words of a unit, lower case, as the vocabulary counts them."""
    return _WORD.findall(unit.words.lower())


def _own(unit: Unit, cues: Sequence[str]) -> Iterator[str]:
    words = words_of(unit)
    group = group_of(unit.role)
    yield f"kind:{unit.kind}"
    yield f"length:{sum(len(words) >= limit for limit in _LENGTHS)}"
    yield f"length:{sum(len(words) >= limit for limit in _LENGTHS)}|{unit.kind}"
    for cue in cues:
        yield f"cue:{cue}"
        if cue in _CROSSED:
            yield f"cue:{cue}|{group}"
    if not cues:
        yield f"uncued|{group}"
    first = words[0] if words else ""
    if first in IMPERATIVES:
        yield "imperative"
        yield f"imperative|{group}"
        yield f"imperative|{unit.kind}"
    elif first.endswith("ing"):
        yield "gerund"
    elif first.endswith("ed"):
        yield "participle"
    yield from _surface(unit)
    yield f"first:{first}"
    for word in set(words):
        yield f"word:{word}"


def _surface(unit: Unit) -> Iterator[str]:
    words = unit.words
    ending = words.rstrip(")\"' ")[-1:]
    yield f"ends:{ending if ending in '.?!:,' else 'open'}"
    if ending == "?":
        yield f"asks|{group_of(unit.role)}"
    shown = (
        ("timed", unit.timed),
        ("quoted", unit.quoted),
        ("checkbox", unit.checked is not None),
        ("link", bool(_LINK.search(words))),
        ("lower", not words[:1].isupper()),
        ("digits", sum(map(str.isdigit, words)) * 6 > len(words)),
        ("symbols", (sum(map(str.isalpha, words)) + words.count(" ")) * 10 < len(words) * 8),
    )
    yield from (name for name, holds in shown if holds)


def _place(units: Sequence[Unit], at: int, whole: Profile) -> Iterator[str]:
    unit = units[at]
    yield f"role:{unit.role}"
    yield f"group:{group_of(unit.role)}|{unit.kind}"
    yield f"outer:{unit.outer}"
    yield f"group:{group_of(unit.role)}"
    yield f"nth:{min(unit.nth, 3)}|{group_of(unit.role)}"
    if unit.of > 1 and unit.nth == unit.of - 1:
        yield "last_of_block"
    if unit.depth > 1:
        yield f"deep|{group_of(unit.role)}"
    if unit.labelled:
        yield "labelled"
    yield "sections" if whole.has_sections else "prose"
    if not whole.has_sections:
        yield f"prose_at:{5 * at // max(1, whole.count)}"
    if at == 0:
        yield "opening"


def _neighbours(units: Sequence[Unit], cues: Sequence[Sequence[str]], at: int) -> Iterator[str]:
    for name, other in (("before", at - 1), ("after", at + 1)):
        if 0 <= other < len(units) and units[other].above == units[at].above:
            for cue in cues[other]:
                if cue in (
                    "cause",
                    "root_cause",
                    "learned",
                    "follow_up",
                    "remedy",
                    "absence",
                    "impact",
                    "moment",
                    "pointer",
                ):
                    yield f"{name}:{cue}"
            if units[other].timed:
                yield f"{name}:timed"
        else:
            yield f"{name}:edge"
