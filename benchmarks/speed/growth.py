"""How cost grows with the memory: how fast new files are read into each home, and the plot of all that grows."""

from __future__ import annotations

import math
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.speed.clock import process, seconds
from benchmarks.speed.options import Options
from benchmarks.speed.rows import Row, Sample

FILES = 60
_WIDTH, _HEIGHT, _LEFT, _TOP = 240, 150, 62, 30
_LESSONS = re.compile(r", ([\d,]+) lessons$")

# {title: (how the rows' names begin, unit)}, in the order in which they are drawn.
PANELS: Mapping[str, tuple[str, str]] = {
    "a warm lookup, p50": ("warm lookup, p50", "ms"),
    f"an ingest of {FILES} new files": (f"ingest of {FILES} new files", "s"),
    "memory of the server": ("memory of the server", "MB"),
    "disk": ("disk,", "MB"),
}


def rows(options: Options) -> Iterator[Row]:
    """The same new files, read into a copy of each home."""
    docs = options.scratch / "growth-docs"
    shutil.rmtree(docs, ignore_errors=True)
    docs.mkdir(parents=True)
    for number, path in enumerate(sorted(options.docs.rglob("*.md"))[:FILES]):
        shutil.copy(path, docs / f"{number:03}.md")
    for lessons, original in options.homes.items():
        home = options.scratch / "growth-home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(original, home)
        command = [sys.executable, "-m", "cli", "--home", str(home), "ingest", str(docs), "--source", "growth"]
        took = seconds(process, command)
        yield Row("growth", f"ingest of {FILES} new files, {lessons:,} lessons", Sample.of([took]), "s")
        shutil.rmtree(home)


def plot(found: Sequence[Mapping[str, Any]]) -> str:
    """An SVG with a panel for each thing that grows, out of the rows of a JSON report; both axes by powers of ten."""
    panels = [
        _panel(number, title, unit, _points(found, begins))
        for number, (title, (begins, unit)) in enumerate(PANELS.items())
    ]
    width, height = len(PANELS) * (_WIDTH + _LEFT + 20), _HEIGHT + _TOP + 40
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'aria-label="Cost against the number of lessons">\n'
        "<style>text{font:11px sans-serif;fill:#444}.title{font-weight:bold}.line{fill:none;stroke:#2a6f97;"
        "stroke-width:2}.dot{fill:#2a6f97}.axis{stroke:#bbb}</style>\n" + "\n".join(panels) + "\n</svg>\n"
    )


def _told(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _points(found: Sequence[Mapping[str, Any]], begins: str) -> list[tuple[int, float]]:
    """(lessons, median) of the rows whose names begin so."""
    points = []
    for row in found:
        size = _LESSONS.search(row["what"])
        if size and row["what"].startswith(begins):
            points.append((int(size[1].replace(",", "")), float(row["median"])))
    return sorted(points)


def _panel(number: int, title: str, unit: str, points: list[tuple[int, float]]) -> str:
    left = number * (_WIDTH + _LEFT + 20) + _LEFT
    parts = [f'<text class="title" x="{left}" y="16">{title}</text>']
    if points:
        low = math.floor(math.log10(min(value for _, value in points)))
        high = max(low + 1, math.ceil(math.log10(max(value for _, value in points))))
        spots = [
            (
                left + _WIDTH * (math.log10(lessons) - 3) / 2.5,
                _TOP + _HEIGHT * (high - math.log10(value)) / (high - low),
                lessons,
                value,
            )
            for lessons, value in points
        ]
        for power in range(low, high + 1):
            y = _TOP + _HEIGHT * (high - power) / (high - low)
            parts.append(f'<line class="axis" x1="{left}" x2="{left + _WIDTH}" y1="{y:.0f}" y2="{y:.0f}"/>')
            parts.append(f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{_told(10.0**power)} {unit}</text>')
        parts.append('<path class="line" d="M' + " L".join(f"{x:.0f},{y:.0f}" for x, y, _, _ in spots) + '"/>')
        for x, y, lessons, value in spots:
            parts.append(f'<circle class="dot" cx="{x:.0f}" cy="{y:.0f}" r="3"/>')
            parts.append(f'<text x="{x:.0f}" y="{y - 7:.0f}" text-anchor="middle">{_told(value)}</text>')
            base = _TOP + _HEIGHT + 16
            parts.append(f'<text x="{x:.0f}" y="{base}" text-anchor="middle">{lessons // 1000} k</text>')
    return "\n".join(parts)
