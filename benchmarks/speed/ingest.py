"""Ingest: the first time, again with nothing changed, and with one file changed; the floor is the bare model.

The floor is one process that loads sentence-transformers and encodes the corpus in chunks of 1,000 characters with
200 in common; ours is one `lessons ingest`, everything from start to index included, but the one-time export.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.speed.clock import alternately, process, python, seconds
from benchmarks.speed.options import Options
from benchmarks.speed.rows import Row, Sample

FLOOR = "sentence-transformers encode, 1,000/200 chunks"
CHANGED_OF = 500


def rows(options: Options) -> Iterator[Row]:
    """First in float32 and in the fastest precision, again, one changed of at most 500 files."""
    runs: dict[str, Callable[[], object]] = {"floor": python("-m", "benchmarks.speed.floors", str(options.docs))}
    homes = {name: options.scratch / f"ingest-{name}" for name in ("float32", "fastest")}
    for name, home in homes.items():
        runs[name] = functools.partial(_first, home, options.docs, name)
    took = alternately(runs, options.rounds)
    yield Row("ingest", "first ingest, float32", took["float32"], "s", FLOOR, took["floor"], 0.85)
    yield Row("ingest", "first ingest, fastest precision", took["fastest"], "s", FLOOR, took["floor"], 0.55)
    yield from _changes(options, homes, took)


def _changes(options: Options, homes: dict[str, Path], took: dict[str, Sample]) -> Iterator[Row]:
    copy = options.scratch / "ingest-docs"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(options.docs, copy)
    files = sorted(path for path in copy.rglob("*.md"))
    for path in files[CHANGED_OF:]:
        path.unlink()
    for name in homes:
        home = options.scratch / f"change-{name}"
        first = Sample.of([seconds(_first, home, copy, name)])
        again, changed = [], []
        for turn in range(max(3, options.rounds)):
            again.append(seconds(_ingest, home, copy, name))
            path = files[(turn * 97) % min(CHANGED_OF, len(files))]
            path.write_text(
                path.read_text(encoding="utf-8") + f"\nNote {turn}: the gate was oiled.\n", encoding="utf-8"
            )
            changed.append(seconds(_ingest, home, copy, name))
        what = f"the first, {name}, of {len(list(copy.rglob('*.md')))} files"
        yield Row("ingest", "ingest again, nothing changed", Sample.of(again), "s", what, first, 0.02)
        yield Row("ingest", "one changed file", Sample.of(changed), "s", what, first, 0.03)


def _first(home: Path, docs: Path, precision: str) -> None:
    shutil.rmtree(home, ignore_errors=True)
    _ingest(home, docs, precision)


def _ingest(home: Path, docs: Path, precision: str) -> None:
    environment = {**os.environ, "LESSONS_PRECISION": precision}
    process([sys.executable, "-m", "cli", "--home", str(home), "ingest", str(docs), "--source", "docs"], environment)
