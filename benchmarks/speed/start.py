"""Starting: what a person waits for before anything happens."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from benchmarks.speed.clock import alternately, process, python
from benchmarks.speed.options import Options
from benchmarks.speed.rows import Row

COLD = 10_000
ROOT = Path(__file__).parents[2]


def rows(options: Options) -> Iterator[Row]:
    """Help, and a question to a memory that no server serves, both beside the imports that they cannot do without."""
    few = "import click, sqlite3, json"
    many = "import onnxruntime, tokenizers, numpy"
    program = [sys.executable, "-m", "cli"]
    # As the libraries beside it are: an environment may keep Python from writing its bytecode.
    process(
        [sys.executable, "-m", "compileall", "-q", *(str(ROOT / name) for name in ("cli.py", "ingest", "retriever"))]
    )
    took = alternately({"help": lambda: process([*program, "--help"]), "few": python("-c", few)}, 10 * options.rounds)
    yield Row("start", "lessons --help", took["help"], "s", f"`{few}`", took["few"], 2.0)
    # Some questions have the model read ten times as much as others: a dozen of them, each as often.
    home, questions = options.largest(COLD), cycle(options.questions[:: max(1, len(options.questions) // 12)][:12])
    asked = alternately(
        {"ask": lambda: process([*program, "--home", str(home), "ask", next(questions)]), "many": python("-c", many)},
        12 * options.rounds,
    )
    yield Row("start", f"cold lessons ask, {COLD:,} lessons", asked["ask"], "s", f"`{many}`", asked["many"], 2.0)
