"""Other ways to answer the same questions, behind one small interface, so that ours can be compared with them.

Each module is one peer with two functions: `build(docs, home)` reads a folder of documents into a new folder `home`
and gives what answers; `load(home)` gives the same from a home that was built before. What answers takes a question
and how many texts are wanted, and returns (path below the docs, text), best first; a document may come several times.
All of them get the text that our own readers make of a file, and those that embed use our default model, so what is
compared is what happens after reading. `python -m benchmarks.peers` runs one from the terminal.

script         the hour-long script: text splitter, sentence-transformers, Chroma
txtai_hybrid   txtai, hybrid, one entry a section
bm25s_sections bm25s over the same sections: words only
fts5           SQLite FTS5 over whole documents: words only
ours           this program
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Protocol, cast

PEERS = ("ours", "script", "txtai_hybrid", "bm25s_sections", "fts5")


class Ask(Protocol):
    """What answers."""

    def __call__(self, query: str, k: int = 10) -> list[tuple[str, str]]:
        """At most `k` of (path, text), best first."""


class Peer(Protocol):
    """A module of this package. `PACKAGES` are what it needs from PyPI beside what the program itself needs."""

    PACKAGES: tuple[str, ...]

    def build(self, docs: Path, home: Path) -> Ask:
        """Reads the documents below `docs` into the new folder `home`."""

    def load(self, home: Path) -> Ask:
        """Opens what `build` left in `home`."""


def peer(name: str) -> Peer:
    """The peer of that name, imported; raises ImportError when a package it needs is not installed."""
    if name not in PEERS:
        raise ValueError(f"There is no peer {name!r}; there are {', '.join(PEERS)}.")
    return cast(Peer, importlib.import_module(f"benchmarks.peers.{name}"))
