"""What became of every line of a document and why, for `lessons ingest --explain`."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.extract.extractor import Judged, extract, judge, page_kind, second_look
from ingest.extract.model import weights
from ingest.extract.units import outline

LIKELY_ENOUGH_TO_SHOW = 0.005


@dataclass(frozen=True, slots=True)
class Explanation:
    """One unit: the 1-based line it starts on, the kind and polarity it was taken as ("" where it was not).

    `why` names what spoke most for (+) or against (-) it, strongest first; `probability` is 0 where a rule ruled
    it out.
    """

    line: int
    start: int
    end: int
    kind: str
    polarity: str
    rule: str
    probability: float
    why: tuple[str, ...]


def explain(
    text: str, *, title: str | None = None, path: str = "", boilerplate: frozenset[str] = frozenset()
) -> tuple[Explanation, ...]:
    """Every unit of a document in order, as `extract` with the same arguments judged it."""
    found = outline(text)
    extraction = extract(text, title=title, path=path, boilerplate=boilerplate)
    page = page_kind(found, path, title) or extraction.why_not
    rows = []
    for one in second_look(tuple(judge(weights(), found, boilerplate))):
        lesson = next((x for x in extraction.lessons if x.start <= one.unit.start and one.unit.end <= x.end), None)
        rule = f"{one.rule} (document: {page})" if page else one.rule
        kind, polarity = (lesson.kind, lesson.polarity) if lesson else ("", "")
        line = text.count("\n", 0, one.unit.start) + 1
        rows.append(Explanation(line, one.unit.start, one.unit.end, kind, polarity, rule, one.probability, _why(one)))
    return tuple(rows)


def _why(one: Judged) -> tuple[str, ...]:
    if one.probability < LIKELY_ENOUGH_TO_SHOW:
        return ()
    return tuple(f"{'+' if weight > 0 else '-'}{name}" for name, weight in weights().reasons(one.features))
