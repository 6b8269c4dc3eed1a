"""What rules a unit out whatever else it says: nothing said, a hole to fill in, thanks, a status report, a lead-in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.extract.cues import IMPERATIVES
from ingest.extract.features import cues_of, group_of
from ingest.extract.templates import NOTHING, PLACEHOLDER
from ingest.extract.units import Unit
from retriever.lesson import normalised

_UNKNOWN_CAUSE = re.compile(
    r"\b(cause|reason)\b.{0,40}\b(unknown|unclear|not (yet )?(known|clear|identified|understood))"
    r"|(?:\bnot|n't) (yet )?(know|clear|sure|understand|understood|identified)\b.{0,40}"
    r"\b(why|what|which|cause|the specific)"
    r"|\b(under|further) investigation\b|\binvestigation is\b"
)
_ADMINISTRATION = re.compile(
    r"\b(write|add|publish|send|post|finish|complete|create|upload|file|update)\b.{0,25}"
    r"\b(incident|post-?mortem|report|retrospective|tweet|e?-?mail|announcement|ticket)\b.{0,30}$"
)
_EMPTY_PROMISE = re.compile(
    r"\b(learn(ed|t)|reveal(ed|s)|show(ed|s)|taught us|highlighted|discovered|identified|found)"
    r" (a few|some|several|many|a number of|lots of|various) (\w+ )?(things|lessons|points|issues|areas)\b(?!:? .*:)"
)
_CONTENTS_LINE = re.compile(r"(?:\u2026|\.\.\.|\. \. \.)\s*\d+\Z")
_CATEGORIES = re.compile(r"(?:[\w ,/&()+.-]{2,60};\s*)+")
_LONGEST_ADMINISTRATION = 11
_LONGEST_STATUS = 24
_LONGEST_LEAD_IN = 21
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class _Evidence:
    """A unit with what the vetoes look at."""

    unit: Unit
    words: str
    cues: frozenset[str]
    count: int


def veto_of(unit: Unit, boilerplate: frozenset[str]) -> str:
    """The name of what rules a unit out, "" where nothing does."""
    if normalised(unit.words) in boilerplate:
        return "boilerplate"
    words = unit.words.lower().replace("\u2019", "'")
    evidence = _Evidence(unit, words, frozenset(cues_of(unit.words)), len(words.split()))
    return next((name for name, applies in _VETOES if applies(evidence)), "")


def _says_nothing(one: _Evidence) -> bool:
    is_value = one.unit.labelled or group_of(one.unit.role) != "strong"
    return (
        bool(NOTHING.fullmatch(one.words) or _CATEGORIES.fullmatch(one.words) or _CONTENTS_LINE.search(one.words))
        or one.count < _SHORTEST
        and is_value
    )


def _is_status(one: _Evidence) -> bool:
    teaches = one.cues & {"root_cause", "cause", "absence", "learned", "advice", "follow_up", "remedy"}
    return (
        "in_progress" in one.cues
        and not teaches
        and one.count < _LONGEST_STATUS
        and group_of(one.unit.role) != "strong"
    )


def _is_lead_in(one: _Evidence) -> bool:
    if _EMPTY_PROMISE.search(one.words) and "root_cause" not in one.cues:
        return True
    return "empty" in one.cues and one.count <= _LONGEST_LEAD_IN and not one.cues & {"root_cause", "absence"}


def _is_unknown(one: _Evidence) -> bool:
    return bool(_UNKNOWN_CAUSE.search(one.words)) and one.words.split()[0] not in IMPERATIVES


_VETOES = (
    ("nothing said", _says_nothing),
    ("placeholder", lambda one: bool(PLACEHOLDER.search(one.unit.words))),
    ("thanks", lambda one: "thanks" in one.cues and not one.cues & {"root_cause", "advice", "learned"}),
    ("lead-in", _is_lead_in),
    ("status", _is_status),
    ("unknown cause", _is_unknown),
    ("paperwork", lambda one: one.count <= _LONGEST_ADMINISTRATION and bool(_ADMINISTRATION.search(one.words))),
)
