"""What one judged query got, and the same as JSON and back, so that two runs can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retriever.evaluation.queries import JudgedQuery, judged_from

MEASURES = ("nDCG@10", "recall@5", "MRR@10", "lesson@10", "lesson@3")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one query got; `measures` lacks what cannot be said of it, `came` are the documents' paths."""

    judged: JudgedQuery
    measures: Mapping[str, float]
    came: tuple[str, ...]
    answered: bool | None
    confidence: float | None

    def as_json(self) -> dict[str, Any]:
        """The outcome, whole enough to be compared with another run's."""
        return {
            "id": self.judged.id,
            "query": self.judged.query,
            "kind": self.judged.kind,
            "relevant": dict(self.judged.relevant),
            "trap": self.judged.trap,
            "measures": dict(self.measures),
            "answered": self.answered,
            "confidence": self.confidence,
            "came": list(self.came[:5]),
        }


def outcome_from(row: Any) -> Outcome:
    """The outcome that `as_json` made this of. Raises ValueError, TypeError or KeyError for anything else."""
    measures = {str(name): float(value) for name, value in row["measures"].items()}
    answered, confidence = row["answered"], row["confidence"]
    if not (answered is None or isinstance(answered, bool)):
        raise ValueError("`answered` is neither true, false nor null")
    sure = None if confidence is None else float(confidence)
    return Outcome(judged_from(row, 0), measures, tuple(map(str, row["came"])), answered, sure)
