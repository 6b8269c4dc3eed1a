"""The long fault suite: `make faults`, or `python -m benchmarks.faults [--only kills,soak] [--scale 0.1] [--seed 1]`.

Prints a Markdown table, a row as each series ends, and makes exit 1 when anything was lost or wrong. All of it takes an
hour or two.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults.broken_index import broken_index
from benchmarks.faults.figures import HEADER, Figures
from benchmarks.faults.full_disk import full_disk
from benchmarks.faults.kills import kills, kills_at_points
from benchmarks.faults.machine import sequences
from benchmarks.faults.server import endings
from benchmarks.faults.soak import soak

Series = Callable[[Path, float, int], Figures]


def _times(count: int, scale: float) -> int:
    return max(1, round(count * scale))


SERIES: dict[str, Series] = {
    "points": lambda folder, scale, seed: kills_at_points(folder, seed, _times(2, scale)),
    "kills": lambda folder, scale, seed: kills(folder, _times(200, scale), seed),
    "server": lambda folder, scale, seed: endings(folder, _times(30, scale), seed),
    "index": lambda folder, scale, seed: broken_index(folder, _times(60, scale), seed),
    "disk": lambda folder, scale, seed: full_disk(folder),
    "sequences": lambda folder, scale, seed: sequences(_times(60, scale), 30),
    "soak": lambda folder, scale, seed: soak(folder, _times(50_000, scale), _times(500, scale), seed, _progress),
}


def _progress(line: str) -> None:
    print(line, file=sys.stderr)


def main() -> None:
    """Runs the series that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default=",".join(SERIES), help=f"Which series, by commas: {', '.join(SERIES)}.")
    parser.add_argument("--scale", type=float, default=1.0, help="A share of all counts.")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    unknown = sorted(set(given.only.split(",")) - set(SERIES))
    if unknown:
        parser.error(f"there is no series {unknown[0]!r}")
    print(HEADER, flush=True)
    wrong: list[str] = []
    for name in given.only.split(","):
        # A worker whose owner was killed may still be writing there for a moment.
        with tempfile.TemporaryDirectory(prefix="lessons-faults-", ignore_cleanup_errors=True) as folder:
            figures = SERIES[name](Path(folder) / name, given.scale, given.seed)
        print(figures.row(), flush=True)
        wrong += figures.wrong
    for line in wrong:
        print(line, file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
