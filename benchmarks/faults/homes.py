"""Homes full of invented reports, for the faults that begin with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.faults.reports import word_of, write_report
from ingest.pipeline import IngestOptions, ingest
from retriever.config import Settings, load_settings
from retriever.lesson import Answer
from retriever.memory import Memory

ASKED = (3, 7, 11)


def fill(folder: Path, reports: int) -> tuple[Settings, Path]:
    """(settings, documents) of a new home in the folder that holds so many reports, and is closed."""
    docs = folder / "docs"
    docs.mkdir(parents=True)
    for number in range(reports):
        write_report(docs, number)
    settings = load_settings({"home": str(folder / "home"), "threads": 1})
    with Memory.open(settings, create=True) as memory:
        ingest(memory, docs, IngestOptions(source="reports"))
    return settings, docs


def answers(memory: Memory) -> list[Any]:
    """What the memory says to some questions, as values that two processes can compare."""
    return [plainly(memory.ask(f"what about the {word_of(number)} crew")) for number in ASKED]


def plainly(answer: Answer) -> list[Any]:
    """[path, text, score] of each hit."""
    return [[hit.document.path, hit.lesson.text, hit.score] for hit in answer.hits]
