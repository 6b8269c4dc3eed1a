"""Measurements and the table they make."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from retriever.processor import processor_name, usable_cores

LIBRARIES = ("chromadb", "sentence-transformers", "torch", "onnxruntime", "openvino", "tokenizers", "flask", "gunicorn")


@dataclass(frozen=True, slots=True)
class Sample:
    """Repeated measurements of one thing, in order of size."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Sample:
        """The sample of these."""
        return cls(tuple(sorted(values)))

    @property
    def median(self) -> float:
        """The middle."""
        return statistics.median(self.values)

    def quantile(self, share: float) -> float:
        """The value that this share of all does not exceed."""
        return self.values[min(len(self.values) - 1, math.ceil(share * len(self.values)) - 1)]

    @property
    def interval(self) -> tuple[float, float]:
        """95 % for the median, by order statistics (normal approximation); all there is where that is little."""
        count = len(self.values)
        reach = 1.96 * math.sqrt(count) / 2
        low, high = math.floor(count / 2 - reach), math.ceil(count / 2 + reach)
        return self.values[max(0, low)], self.values[min(count - 1, high)]


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a measurement beside another, and the ratio that counts. `bar` is what it should stay below."""

    part: str
    what: str
    value: Sample
    unit: str
    beside: str = ""
    floor: Sample | None = None
    bar: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Of the medians; None with nothing beside it."""
        return self.value.median / self.floor.median if self.floor is not None else None

    @property
    def judged(self) -> float:
        """What the bar is for: the ratio where there is a floor, else the value."""
        return self.ratio if self.ratio is not None else self.value.median

    def as_json(self) -> dict[str, Any]:
        """Everything, with every measurement."""
        return {
            "part": self.part,
            "what": self.what,
            "unit": self.unit,
            "median": self.value.median,
            "interval": self.value.interval,
            "runs": len(self.value.values),
            "beside": self.beside,
            "floor": self.floor.median if self.floor else None,
            "floor_interval": self.floor.interval if self.floor else None,
            "ratio": self.ratio,
            "bar": self.bar,
            "within": None if self.bar is None else self.judged <= self.bar,
            "note": self.note,
        }


def facts() -> dict[str, Any]:
    """The machine, and what ran on it."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "processor": processor_name(),
        "cores": usable_cores(),
        "load_at_start": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "libraries": found,
    }


def as_markdown(rows: Sequence[Row], about: dict[str, Any]) -> str:
    """The table, with what it was measured on above it."""
    libraries = ", ".join(f"{name} {number}" for name, number in about["libraries"].items())
    lines = [
        f"{about['processor'].split(' avx')[0]}, {about['cores']} cores, Python {about['python']}, {libraries}; "
        f"load {about['load_at_start']} when it began.",
        "",
        "| what | measured | beside it | that | ratio | bar |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_line(row) for row in rows]
    return "\n".join(lines)


def as_json(rows: Sequence[Row], about: dict[str, Any]) -> str:
    """The same for programs."""
    return json.dumps({"about": about, "rows": [row.as_json() for row in rows]}, indent=1)


def _line(row: Row) -> str:
    floor = f"{_shown(row.floor)} {row.unit}" if row.floor else ""
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    bar = "" if row.bar is None else f"{row.bar:g}{'' if row.judged <= row.bar else ' **missed**'}"
    what = f"{row.what} ({row.note})" if row.note else row.what
    return f"| {what} | {_shown(row.value)} {row.unit} | {row.beside} | {floor} | {ratio} | {bar} |"


def _shown(sample: Sample) -> str:
    low, high = sample.interval
    if len(sample.values) == 1:
        return _short(sample.median)
    return f"{_short(sample.median)} [{_short(low)}, {_short(high)}]"


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
