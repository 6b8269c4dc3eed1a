"""From a document to its lessons: candidates, what rules them out, what the weights say, kind, polarity, context."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.extract.context import LEANING, Surroundings
from ingest.extract.features import document_features, group_of
from ingest.extract.model import Weights, weights
from ingest.extract.notes import as_in_note, title_lesson
from ingest.extract.templates import is_sign_post, is_template
from ingest.extract.units import Outline, Unit, outline
from ingest.extract.vetoes import veto_of
from retriever.lesson import KINDS, Finding

EXTRACTOR_VERSION = "1"

LONGEST_JOINED = 220
LIKELY, LIKELIEST = 0.3, 0.2
"""Probabilities that do on a second look, where nothing better was said: chosen leaving one corpus out."""
SECTION_KINDS = {
    "lucky": ("got_lucky",),
    "went_well": ("went_well",),
    "went_wrong": ("went_wrong",),
    "cause": ("cause", "recommendation", "insight"),
    "recommendation": ("recommendation", "action"),
}
"""The kinds that the author's section leaves open; any under the other roles."""
KIND_POLARITIES = {
    "got_lucky": ("neutral",),
    "went_well": ("success",),
    "went_wrong": ("failure",),
    "cause": ("failure",),
    "recommendation": ("neutral",),
    "action": ("neutral", "success"),
    "insight": ("failure", "neutral", "success"),
}


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a document teaches. `why_not` says in a word why a document that is no source of lessons is none."""

    lessons: tuple[Finding, ...]
    is_source: bool
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A unit with what became of it: `rule` names what took it or ruled it out."""

    unit: Unit
    taken: bool
    rule: str
    probability: float
    features: tuple[str, ...] = ()


def extract(
    text: str, *, title: str | None = None, path: str = "", boilerplate: frozenset[str] = frozenset()
) -> Extraction:
    """The lessons that `text` states, in document order.

    `title` is the document's, where something besides the text knows it; `path` is where it lies, which tells
    templates and index pages; `boilerplate` are lines that its folder has from a template, normalised. Pure and
    deterministic; never raises.
    """
    return extract_with(weights(), text, title=title, path=path, boilerplate=boilerplate)


def extract_with(
    model: Weights, text: str, *, title: str | None = None, path: str = "", boilerplate: frozenset[str] = frozenset()
) -> Extraction:
    """`extract` by other weights than those that ship: for training, which must not see what it is judged by."""
    found = outline(text)
    page = page_kind(found, path, title)
    if page:
        return Extraction((), False, page)
    judged = list(judge(model, found, boilerplate))
    headline = title_lesson(found, path)
    if not headline and not any(_makes_source(model, one) for one in judged):
        return Extraction((), False, "no lesson stated")
    taken = (one for one in second_look(judged) if one.taken)
    beside = Surroundings(found)
    lessons = [_finding(beside, joined, title, model) for joined in _joined(taken)]
    if headline:
        lessons = [headline, *(as_in_note(lesson) for lesson in lessons)]
    return Extraction(tuple(lessons), True)


def _makes_source(model: Weights, one: Judged) -> bool:
    return one.taken and one.probability >= model.source_thresholds[group_of(one.unit.role)]


def page_kind(found: Outline, path: str, title: str | None) -> str:
    """What a page is that reports nothing, "template" or "index"; "" for the others."""
    if is_template(found, path, title or found.title):
        return "template"
    return "index" if is_sign_post(found, path, title or found.title) else ""


def judge(model: Weights, found: Outline, boilerplate: frozenset[str] = frozenset()) -> Iterator[Judged]:
    """Every unit of a document, with what becomes of it."""
    for unit, features in zip(found.units, document_features(found), strict=True):
        veto = veto_of(unit, boilerplate)
        probability = 0.0 if veto else model.probability(features)
        taken = probability >= model.thresholds[group_of(unit.role)]
        yield Judged(unit, taken, veto or _rule(unit), probability, tuple(features))


def second_look(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """`judged`, where a section that promises lessons and has none yet gives up the likely ones in it.

    A report that names no cause under any heading also gives up its likeliest sentence outside of those: the writer
    of three lines on what happened put the cause in one of them.
    """
    served = {one.unit.above for one in judged if one.taken}
    told = any(one.taken and (group_of(one.unit.role) == "open" or one.unit.role == "cause") for one in judged)
    untold = [one for one in judged if group_of(one.unit.role) == "open" and one.probability >= LIKELIEST]
    likeliest = None if told else max(untold, key=lambda one: one.probability, default=None)

    def again(one: Judged) -> Judged:
        promised = group_of(one.unit.role) == "strong" and one.unit.above not in served and one.probability >= LIKELY
        if one.taken or not (promised or one is likeliest):
            return one
        return replace(one, taken=True, rule=f"{one.rule}, the likeliest there")

    return tuple(again(one) for one in judged)


def _rule(unit: Unit) -> str:
    return f"{unit.kind} under {unit.role}" if unit.role else f"{unit.kind} by its words"


def _joined(taken: Iterable[Judged]) -> list[Judged]:
    """`taken` with a sentence that only finishes the point of the one before it joined to that one."""
    found: list[Judged] = []
    for one in taken:
        last = found[-1] if found else None
        if last and _finishes(last.unit, one.unit):
            whole = replace(last.unit, end=one.unit.end, words=f"{last.unit.words} {one.unit.words}", nth=one.unit.nth)
            found[-1] = replace(last, unit=whole)
        else:
            found.append(one)
    return found


def _finishes(first: Unit, second: Unit) -> bool:
    follows = first.block == second.block and first.above == second.above and second.nth == first.nth + 1
    return follows and second.end - first.start <= LONGEST_JOINED and bool(re.match(LEANING, second.words))


def _finding(beside: Surroundings, one: Judged, title: str | None, model: Weights) -> Finding:
    unit = one.unit
    kind = model.kind(one.features, SECTION_KINDS.get(unit.role, KINDS))
    polarity = model.polarity(one.features, KIND_POLARITIES[kind])
    section = " > ".join(unit.above) or None
    return Finding(unit.start, unit.end, kind, polarity, section, beside.context_of(unit, title), one.rule)
