"""Questions while another process reads files into the same memory."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.speed.options import Options, anew
from benchmarks.speed.rows import Row, Sample
from benchmarks.speed.server import lessons_server

FILES = 2000
AT = 10_000
_PER_REST = 200


def rows(options: Options) -> Iterator[Row]:
    """p95 and p99 during an ingest of 2,000 files, beside p95 at rest, on a copy of the home."""
    home, docs = options.scratch / "during-home", options.scratch / "during-docs"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(options.largest(AT), home)
    _write_files(options.docs, docs)
    with lessons_server(home) as server:
        client = server.client()
        asked = iter(range(10**9))

        def ask() -> float:
            turn = next(asked)
            return client.lookup(anew(options.questions, turn, "?"))

        rest = Sample.of([ask() for _ in range(_PER_REST * options.rounds)])
        command = [sys.executable, "-m", "cli", "--home", str(home), "ingest", str(docs), "--source", "during"]
        reading = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        taken = []
        while reading.poll() is None:
            taken.append(ask())
        busy = Sample.of(taken)
    at_rest = Sample.of([rest.quantile(0.95)])
    note = f"{len(taken)} questions during {FILES:,} files, {AT:,} lessons"
    limit = max(3.0, 60.0 / at_rest.median)
    yield Row(
        "during", "p95 during an ingest", Sample.of([busy.quantile(0.95)]), "ms", "p95 at rest", at_rest, limit, note
    )
    yield Row("during", "p99 during an ingest", Sample.of([busy.quantile(0.99)]), "ms", bar=250.0, note=note)


def _write_files(docs: Path, target: Path) -> None:
    """2,000 files out of the documents' paragraphs, of some 1,000 characters each."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    paragraphs = [
        part.strip()
        for path in sorted(docs.rglob("*.md"))
        for part in path.read_text(encoding="utf-8", errors="replace").split("\n\n")
        if part.strip()
    ]
    for number in range(FILES):
        chosen = [paragraphs[(number * 3 + step * 101) % len(paragraphs)][:400] for step in range(3)]
        (target / f"{number:04}.md").write_text(f"# Note {number}\n\n" + "\n\n".join(chosen) + "\n", encoding="utf-8")
