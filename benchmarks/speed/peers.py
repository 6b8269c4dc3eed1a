"""The peers on the same folder: what building costs, a cold question, a warm one, and the disk.

Each is run in processes of its own through `python -m benchmarks.peers`; one whose packages are missing is left out.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.peers import PEERS
from benchmarks.speed.clock import python, seconds
from benchmarks.speed.ingest import FLOOR
from benchmarks.speed.options import Options
from benchmarks.speed.rows import Row, Sample

_TOOK = re.compile(r"\(([\d.]+) ms\)$", re.MULTILINE)
_WARM_UP = 10


def rows(options: Options) -> Iterator[Row]:
    """Four rows a peer."""
    floor = Sample.of([seconds(python("-m", "benchmarks.speed.floors", str(options.docs)))])
    source = Sample.of([sum(path.stat().st_size for path in options.docs.rglob("*") if path.is_file()) / 1e6])
    for name in PEERS:
        home = options.scratch / f"peer-{name}"
        shutil.rmtree(home, ignore_errors=True)
        try:
            built = seconds(_run, name, home, "--build", str(options.docs))
        except ModuleNotFoundError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        cold = [seconds(_run, name, home, options.questions[0]) for _ in range(3)]
        warm = _warm(name, home, options.questions)
        yield Row("peers", f"{name}: build", Sample.of([built]), "s", FLOOR, floor)
        yield Row("peers", f"{name}: cold question", Sample.of(cold), "s")
        yield Row("peers", f"{name}: warm question, in process", warm, "ms")
        yield Row("peers", f"{name}: disk", Sample.of([_bytes(home) / 1e6]), "MB", "the source", source)


def _run(name: str, home: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.peers", name, str(home), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in done.stderr:
        raise ModuleNotFoundError(done.stderr.strip().splitlines()[-1])
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return done.stdout


def _warm(name: str, home: Path, questions: Sequence[str]) -> Sample:
    asked = [question for question in questions if not question.startswith("-")]
    return Sample.of([float(took) for took in _TOOK.findall(_run(name, home, *asked))][_WARM_UP:])


def _bytes(home: Path) -> int:
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
