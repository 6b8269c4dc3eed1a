"""Two runs over the same judged queries: paired differences, how easily chance gives them, and what moved most."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retriever.errors import SourceError
from retriever.evaluation.figures import Difference, difference_of
from retriever.evaluation.outcome import MEASURES, Outcome, outcome_from

# How many queries are listed that got better, and how many that got worse.
MOVED_SHOWN = 5

_MEND = "Make it with `lessons eval QUERIES.jsonl --json`."


@dataclass(frozen=True, slots=True)
class Moved:
    """A query of which a measure changed."""

    id: str
    kind: str
    query: str
    measure: str
    before: float
    after: float

    @property
    def by(self) -> float:
        """How far, above 0 for better."""
        return self.after - self.before

    def as_json(self) -> dict[str, Any]:
        """The query with what it got before and after."""
        return {
            "id": self.id,
            "kind": self.kind,
            "query": self.query,
            "measure": self.measure,
            "before": round(self.before, 4),
            "after": round(self.after, 4),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run beside an earlier one; `pairs` are (before, after) of each query."""

    pairs: tuple[tuple[Outcome, Outcome], ...] = field(repr=False)

    def differences(self, kind: str | None = None) -> dict[str, Difference]:
        """{measure: after minus before} over the queries that something answers, or over those of one kind."""
        chosen = [pair for pair in self.pairs if pair[0].judged.relevant and kind in (None, pair[0].judged.kind)]
        found = {name: _differences(chosen, functools.partial(_measured, name)) for name in MEASURES}
        return {name: difference_of(values) for name, values in found.items() if values}

    def verdict(self) -> dict[str, Difference]:
        """{name: after minus before} of the shares answered; empty unless both runs have a verdict."""
        shares = {
            "answered": [pair for pair in self.pairs if pair[0].judged.relevant],
            "answered falsely": [pair for pair in self.pairs if not pair[0].judged.relevant],
        }
        found = {name: _differences(pairs, _answered) for name, pairs in shares.items()}
        return {name: difference_of(values) for name, values in found.items() if values}

    def kinds(self) -> tuple[str, ...]:
        """The kinds of the queries that something answers, in their order."""
        return tuple(dict.fromkeys(pair[0].judged.kind for pair in self.pairs if pair[0].judged.relevant))

    def moved(self) -> tuple[Moved, ...]:
        """The queries whose nDCG@10 moved most, or where it did not whose lesson@3 did: worse ones first."""
        found = sorted((item for pair in self.pairs for item in _moves(*pair)), key=lambda item: (item.by, item.id))
        worse = [item for item in found if item.by < 0][:MOVED_SHOWN]
        better = [item for item in found if item.by > 0][-MOVED_SHOWN:]
        return (*worse, *better)

    def as_json(self) -> dict[str, Any]:
        """Everything that was compared."""
        return {
            "queries": len(self.pairs),
            "answers": _json(self.differences()),
            "kinds": {kind: _json(self.differences(kind)) for kind in self.kinds()},
            "verdict": _json(self.verdict()),
            "moved": [item.as_json() for item in self.moved()],
        }

    def as_text(self) -> str:
        """A table for a terminal."""
        lines = [f"against the run before: {len(self.pairs)} queries, differences with 95 % intervals, paired by query"]
        for kind in (None, *self.kinds()):
            lines += ["", kind or "all", *_lines(self.differences(kind))]
        if self.verdict():
            lines += ["", "verdict", *_lines(self.verdict())]
        lines += ["", "what moved most" if self.moved() else "no query moved"]
        for item in self.moved():
            lines.append(
                f"  {item.measure} {item.before:.2f} → {item.after:.2f}  {item.id} ({item.kind}): {item.query}"
            )
        return "\n".join(lines)


def read_outcomes(path: Path) -> tuple[Outcome, ...]:
    """The outcomes in a report that was written as JSON. Raises SourceError, naming the file and the mend."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["each"]
        return tuple(outcome_from(row) for row in rows)
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"The run {path} cannot be read: {error}. {_MEND}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SourceError(f"{path} is no report of a run, or one without its queries ({error}). {_MEND}") from error


def compare(before: Sequence[Outcome], after: Sequence[Outcome], name: str) -> Comparison:
    """The two runs by query; `name` is where `before` comes from.

    Raises SourceError when they were over other queries, or judged by other answers.
    """
    known: Mapping[str, Outcome] = {item.judged.id: item for item in before}
    asked = {item.judged.id: item for item in after}
    for key in (*asked, *known):
        one, other = known.get(key), asked.get(key)
        if one is None or other is None or _judgement(one) != _judgement(other):
            raise SourceError(
                f"{name} was made with other queries than these: {key!r} {_how(one, other)}. Run `lessons eval` with "
                "--json on the same queries in both settings, and compare these two."
            )
    return Comparison(tuple((known[key], item) for key, item in asked.items()))


def _judgement(item: Outcome) -> tuple[str, dict[str, int]]:
    return item.judged.query, dict(item.judged.relevant)


def _how(one: Outcome | None, other: Outcome | None) -> str:
    if one is None:
        return "is not in it"
    return "is only in it" if other is None else "is another query, or has other answers there"


def _measured(name: str, item: Outcome) -> float | None:
    return item.measures.get(name)


def _answered(item: Outcome) -> float | None:
    return None if item.answered is None else float(item.answered)


def _differences(pairs: Sequence[tuple[Outcome, Outcome]], value_of: Callable[[Outcome], float | None]) -> list[float]:
    values = [(value_of(before), value_of(after)) for before, after in pairs]
    return [after - before for before, after in values if before is not None and after is not None]


def _moves(before: Outcome, after: Outcome) -> Iterator[Moved]:
    judged = before.judged
    for name in ("nDCG@10", "lesson@3"):
        old, new = before.measures.get(name), after.measures.get(name)
        if old is not None and new is not None and old != new:
            yield Moved(judged.id, judged.kind, judged.query, name, old, new)
            return


def _json(differences: Mapping[str, Difference]) -> dict[str, Any]:
    return {name: difference.as_json() for name, difference in differences.items()}


def _lines(differences: Mapping[str, Difference]) -> list[str]:
    return [f"  {name:<26}{difference}" for name, difference in differences.items()]
