"""Timing. On a machine that others use too, only ratios of things measured alternately mean anything."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import ParamSpec

from benchmarks.speed.rows import Sample

P = ParamSpec("P")


def seconds(run: Callable[P, object], *arguments: P.args, **options: P.kwargs) -> float:
    """How long `run` takes with these arguments."""
    started = time.perf_counter()
    run(*arguments, **options)
    return time.perf_counter() - started


def alternately(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Sample]:
    """Seconds of each, one after the other, `rounds` times round."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            taken[name].append(seconds(run))
    return {name: Sample.of(values) for name, values in taken.items()}


def python(*arguments: str, environment: Mapping[str, str] | None = None) -> Callable[[], object]:
    """A run of this Python in a process of its own; raises when it ends badly."""
    return lambda: process([sys.executable, *arguments], environment)


def process(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """The command has run; a question that nobody has answered (exit code 3) counts as done."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
