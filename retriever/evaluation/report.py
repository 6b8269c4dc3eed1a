"""What the outcomes of all queries come to, as text and as JSON, and which of them went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from retriever.evaluation.figures import Figure, auroc, mean_of
from retriever.evaluation.outcome import MEASURES, Outcome


@dataclass(frozen=True, slots=True)
class Report:
    """The outcomes of all queries, and what they come to."""

    outcomes: tuple[Outcome, ...] = field(repr=False)

    def figures(self, kind: str | None = None) -> dict[str, Figure]:
        """{measure: figure} over the queries that something answers, or over those of one kind."""
        chosen = [item for item in self.outcomes if item.judged.relevant and kind in (None, item.judged.kind)]
        values = {name: [item.measures[name] for item in chosen if name in item.measures] for name in MEASURES}
        return {name: mean_of(found) for name, found in values.items() if found}

    def verdict(self) -> dict[str, Figure]:
        """{name: figure} for the verdict; empty where there was none."""
        judged = [item for item in self.outcomes if item.confidence is not None]
        real = [item for item in judged if item.judged.relevant]
        unreal = [item for item in judged if not item.judged.relevant]
        shares = {
            "answered": real,
            "answered falsely": unreal,
            "answered falsely, traps": [item for item in unreal if item.judged.trap],
        }
        found = {
            name: mean_of([float(bool(item.answered)) for item in items]) for name, items in shares.items() if items
        }
        if real and unreal:
            found["AUROC"] = auroc(*([item.confidence or 0.0 for item in items] for items in (real, unreal)))
        return found

    def kinds(self) -> tuple[str, ...]:
        """The kinds of the queries that something answers, in their order."""
        return tuple(dict.fromkeys(item.judged.kind for item in self.outcomes if item.judged.relevant))

    def failures(self) -> tuple[Outcome, ...]:
        """What is answered but not by the first document, said to have no answer, or answered falsely."""
        wrong = [
            item
            for item in self.outcomes
            if item.judged.relevant and (item.measures["MRR@10"] < 1 or item.answered is False)
        ]
        false = [item for item in self.outcomes if not item.judged.relevant and item.answered]
        return (*sorted(wrong, key=lambda item: (item.measures["nDCG@10"], item.judged.id)), *false)

    def as_json(self) -> dict[str, Any]:
        """Everything that was measured."""
        return {
            "queries": len(self.outcomes),
            "answers": {name: figure.as_json() for name, figure in self.figures().items()},
            "kinds": {
                kind: {name: figure.as_json() for name, figure in self.figures(kind).items()} for kind in self.kinds()
            },
            "verdict": {name: figure.as_json() for name, figure in self.verdict().items()},
            "failures": [_failure_json(item) for item in self.failures()],
            "each": [item.as_json() for item in self.outcomes],
        }

    def as_text(self, *, failures: bool = False) -> str:
        """A table for a terminal; with `failures`, also what went wrong and what came instead."""
        lines = [f"{len(self.outcomes)} queries, means with 95 % intervals over queries"]
        for kind in (None, *self.kinds()):
            figures = self.figures(kind)
            if figures:
                lines += [
                    "",
                    f"{kind or 'all'} ({max(figure.count for figure in figures.values())} answerable)",
                ]
                lines += [f"  {name:<26}{figure}" for name, figure in figures.items()]
        verdict = self.verdict()
        if verdict:
            lines += ["", "verdict", *(f"  {name:<26}{figure}" for name, figure in verdict.items())]
        if failures:
            lines += ["", "failures", *(line for item in self.failures() for line in _failure_lines(item))]
        return "\n".join(lines)


def _failure_json(item: Outcome) -> dict[str, Any]:
    return {
        "id": item.judged.id,
        "query": item.judged.query,
        "kind": item.judged.kind,
        "answered": item.answered,
        "confidence": item.confidence,
        "measures": {name: round(value, 4) for name, value in item.measures.items()},
        "expected": dict(item.judged.relevant),
        "came": list(item.came[:5]),
    }


def _failure_lines(item: Outcome) -> list[str]:
    relevant = item.judged.relevant
    what = f"nDCG@10 {item.measures['nDCG@10']:.2f}" if relevant else "answered, but nobody recorded it"
    said = ", said to have no answer" if relevant and item.answered is False else ""
    places = {path: place for place, path in enumerate(item.came, start=1)}
    lines = ["", f"  {item.judged.id} ({item.judged.kind}, {what}{said}): {item.judged.query}"]
    for path, grade in sorted(relevant.items(), key=lambda pair: (-pair[1], pair[0]))[:3]:
        lines.append(f"    expected {grade}  at {places.get(path, '-'):>2}  {path}")
    for place, path in enumerate(item.came[:3], start=1):
        lines.append(f"    came     {relevant.get(path, 0)}  at {place:>2}  {path}")
    return lines
