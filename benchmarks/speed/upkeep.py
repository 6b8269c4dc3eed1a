"""Upkeep: how soon a server is ready, how fast an index is built anew, what the disk holds, and what churn leaves."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.speed.clock import process, seconds
from benchmarks.speed.options import Options
from benchmarks.speed.rows import Row, Sample
from benchmarks.speed.server import lessons_server
from retriever.record import Record

AT = 100_000
CHURN_ROUNDS = 50
CHURN_FILES = 40


def recovery(options: Options) -> Iterator[Row]:
    """Start to ready over 100,000 lessons: after a clean stop, after a kill, and with an index that must be rebuilt."""
    home = options.scratch / "recovery"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(options.largest(AT), home)
    size = f"{AT:,} lessons"
    with lessons_server(home):
        pass
    clean = []
    for _ in range(options.rounds):
        with lessons_server(home) as server:
            clean.append(server.took_s)
    yield Row("recovery", f"start to ready, clean, {size}", Sample.of(clean), "s", bar=5.0)
    unclean = []
    for _ in range(options.rounds):
        _kill_server(home)
        with lessons_server(home) as server:
            unclean.append(server.took_s)
    yield Row("recovery", f"start to ready, after a kill, {size}", Sample.of(unclean), "s", bar=15.0)
    yield _rebuild(home, size)


def disk(options: Options) -> Iterator[Row]:
    """What a home takes, beside 5 kB a vector and three times the text."""
    for lessons, home in options.homes.items():
        record = Record(home)
        counts = record.library.counts()
        with record._database.read() as connection:
            text = connection.execute("SELECT sum(length(CAST(text AS BLOB))) FROM documents").fetchone()[0]
        record.close()
        vectors = counts["lessons"] + counts["passages"]
        allowed = Sample.of([(5000 * vectors + 3 * text) / 1e6])
        what = f"5 kB a vector ({vectors:,}) + 3 × the text ({text / 1e6:.0f} MB)"
        yield Row("disk", f"disk, {lessons:,} lessons", Sample.of([_bytes(home) / 1e6]), "MB", what, allowed, 1.0)


def churn(options: Options) -> Iterator[Row]:
    """Fifty rounds in which a quarter of the files change, beside a fresh build of what is left."""
    docs, home, fresh = (options.scratch / f"churn-{name}" for name in ("docs", "home", "fresh"))
    for path in (docs, home, fresh):
        shutil.rmtree(path, ignore_errors=True)
    files = sorted(options.docs.rglob("*.md"))[:CHURN_FILES]
    docs.mkdir(parents=True)
    for number, path in enumerate(files):
        shutil.copy(path, docs / f"{number:03}.md")
    for turn in range(CHURN_ROUNDS):
        _ingest(home, docs)
        for path in sorted(docs.iterdir())[turn % 4 :: 4]:
            words = path.read_text(encoding="utf-8", errors="replace").split("\n\n")
            path.write_text("\n\n".join([*words[1:], words[0], f"Turn {turn} of {path.stem}."]), encoding="utf-8")
    _ingest(home, docs)
    _ingest(fresh, docs)
    sizes = [Sample.of([_bytes(path) / 1e6]) for path in (home, fresh)]
    note = f"{len(files)} files, a quarter changed each time"
    yield Row("churn", f"disk after {CHURN_ROUNDS} rounds", sizes[0], "MB", "a fresh build", sizes[1], 1.2, note)


def _rebuild(home: Path, size: str) -> Row:
    """Words answer meanwhile; vectors a second, from the start of the command to its end."""
    record = Record(home)
    counts = record.library.counts()
    record.close()
    vectors = counts["lessons"] + counts["passages"]
    took = seconds(process, [sys.executable, "-m", "cli", "--home", str(home), "reindex"])
    note = "higher is better: at least 1,000"
    return Row("recovery", f"rebuilding the index, {size}", Sample.of([vectors / took]), "vectors/s", note=note)


def _kill_server(home: Path) -> None:
    with lessons_server(home) as server:
        server.client().lookup("what went wrong with the queue?")
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text(encoding="ascii")
        for process_id in (server.process.pid, *map(int, children.split())):
            os.kill(process_id, signal.SIGKILL)
        time.sleep(0.2)


def _ingest(home: Path, docs: Path) -> None:
    command = [sys.executable, "-m", "cli", "--home", str(home), "ingest", str(docs), "--source", "docs", "--prune"]
    process([*command, "--yes"])


def _bytes(home: Path) -> int:
    """What the folder's files take on the disk, without backups, which are somebody's wish."""
    kept = (path for path in home.rglob("*") if path.is_file() and "backups" not in path.parts)
    return sum(path.stat().st_size for path in kept)
