"""This program, behind the peers' interface."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.peers import Ask
from ingest.pipeline import IngestOptions, ingest
from retriever.config import Settings, load_settings
from retriever.memory import Memory

PACKAGES: tuple[str, ...] = ()


def build(docs: Path, home: Path) -> Ask:
    """Ingests the folder."""
    with Memory.open(_settings(home), create=True) as memory:
        ingest(memory, docs, IngestOptions(source="docs"))
    return load(home)


def load(home: Path) -> Ask:
    """Opens the memory; it stays open for as long as the process."""
    memory = Memory.open(_settings(home))

    def ask(query: str, k: int = 10) -> list[tuple[str, str]]:
        return [(hit.document.path, hit.lesson.text) for hit in memory.ask(query, k=k).hits]

    return ask


def _settings(home: Path) -> Settings:
    return replace(load_settings({}), home=home)
