"""A process that is to be killed: it ingests, shares, forgets and reindexes, and says what it was told is done.

    python -m benchmarks.faults.driver HOME DOCS SEED [POINT]

Each line of standard output is one JSON object, written at once: what has been acknowledged. With POINT the process
kills itself there, as if the plug were pulled: see `POINTS`.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.faults.reports import word_of
from ingest.pipeline import IngestOptions, ingest
from ingest.reembed import embed_missing
from ingest.scribe import Scribe
from retriever.config import load_settings
from retriever.lesson import NO_FILTERS
from retriever.memory import Memory
from retriever.record import files
from retriever.record.changes import Changes
from retriever.record.database import Database
from retriever.record.embeddings import EmbeddingStore
from retriever.record.erasure import Erasure
from retriever.record.files import Files
from retriever.record.shares import Shares
from retriever.share import Share
from retriever.sharing import Sharing
from retriever.vectors import VectorIndex


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the program: a function of `owner`, before or after its call of that number."""

    owner: Any
    name: str
    is_after: bool = False
    call: int = 1


POINTS: dict[str, Point] = {
    "inside a document's transaction": Point(files, "record_document", is_after=True, call=2),
    "a document recorded, nothing said": Point(Files, "record_file", is_after=True),
    "between record and index": Point(Memory, "follow"),
    "before repeated lines are settled": Point(Files, "settle"),
    "half a batch in the index": Point(VectorIndex, "apply", is_after=True),
    "in the index, not marked so": Point(Changes, "mark_applied"),
    "a new generation begun": Point(Changes, "begin_generation", is_after=True),
    "a new generation filled, not switched to": Point(Changes, "switch"),
    "switched, the old one still there": Point(Changes, "switch", is_after=True),
    "all embedded, model not adopted": Point(EmbeddingStore, "adopt"),
    "a share recorded, nothing said": Point(Shares, "add", is_after=True),
    "forgotten, the disk not cleaned": Point(Erasure, "finish"),
    "before free pages are given up": Point(Database, "compact"),
    "the disk cleaned, not marked so": Point(Database, "compact", is_after=True),
    "while the index is closed": Point(VectorIndex, "close"),
}


def say(**what: Any) -> None:
    """One line, past every buffer."""
    os.write(1, (json.dumps(what) + "\n").encode())


def die_at(point: Point) -> None:
    """The process is killed at the point."""
    real = getattr(point.owner, point.name)
    calls = 0

    @functools.wraps(real)
    def deadly(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == point.call and not point.is_after:
            os.kill(os.getpid(), signal.SIGKILL)
        value = real(*arguments, **options)
        if calls == point.call:
            os.kill(os.getpid(), signal.SIGKILL)
        return value

    setattr(point.owner, point.name, deadly)


def tell_of_files() -> None:
    """A file counts as acknowledged when the record has committed it: sooner than any person is told."""
    real = Files.record_file

    @functools.wraps(real)
    def told(files: Files, source: Any, reading: Any, *rest: Any, **options: Any) -> Any:
        outcome = real(files, source, reading, *rest, **options)
        say(did="ingested", path=reading.path, sha256=reading.sha256)
        return outcome

    Files.record_file = told


def act_ingest(memory: Memory, docs: Path, chance: random.Random) -> None:
    """The folder is read."""
    ingest(memory, docs, IngestOptions(source="reports", prune=True, yes=True))


def act_share(memory: Memory, docs: Path, chance: random.Random) -> None:
    """Two lessons are told."""
    for _ in range(2):
        number = 1_000_000 + chance.randrange(1_000_000)
        learned = f"Tell the {word_of(number)} watch when the tide turns early."
        shared = Sharing(memory, Scribe()).share(Share.of({"learned": learned}))
        say(did="shared", id=shared.lesson.id, text=shared.lesson.text)


def is_as_read(memory: Memory, file: Path) -> bool:
    """Whether the file has the bytes that the memory read."""
    source = next(item for item in memory.record.files.sources() if item.name == "reports")
    reading = memory.record.files.reading(source, file.name)
    return reading is not None and hashlib.sha256(file.read_bytes()).hexdigest() == reading.sha256


def act_forget(memory: Memory, docs: Path, chance: random.Random) -> None:
    """A report is forgotten."""
    found = memory.browse_documents(NO_FILTERS, limit=100, after=None).items
    # A file that has changed since it was read comes back, forgotten or not: that is another file.
    reports = [item for item in found if item.path.startswith("report-") and is_as_read(memory, docs / item.path)]
    if len(reports) > 20:
        document = chance.choice(reports)
        say(doing="forget", id=document.id, path=document.path)
        memory.forget(document.id)
        say(did="forgot", id=document.id, path=document.path)


def act_reindex(memory: Memory, docs: Path, chance: random.Random) -> None:
    """The index is built anew, every other time with all embeddings."""
    everything = chance.random() < 0.5
    embedded: list[int] = []
    memory.reindex(
        lambda: embedded.append(
            embed_missing(memory, lambda *step: None, everything=everything and not embedded, first=not embedded)
        )
    )
    say(did="reindexed")


ACTS: dict[str, Callable[[Memory, Path, random.Random], None]] = {
    "ingest": act_ingest,
    "share": act_share,
    "forget": act_forget,
    "reindex": act_reindex,
}


def main() -> None:
    """Does everything once, in an order that the seed gives."""
    home, docs, seed, *point = sys.argv[1:]
    chance = random.Random(seed)
    tell_of_files()
    if point:
        die_at(POINTS[point[0]])
    order = chance.sample(list(ACTS), len(ACTS))
    with Memory.open(load_settings({"home": home, "threads": 1}), create=True) as memory:
        assert memory.embedder
        say(doing="begin", order=order)
        for act in order:
            ACTS[act](memory, Path(docs), chance)
    say(did="everything")


if __name__ == "__main__":
    main()
