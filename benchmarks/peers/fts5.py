"""SQLite's FTS5 alone, as its documentation sets it up: stems, BM25, the words of the question joined by OR."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from benchmarks.peers import Ask
from benchmarks.peers.documents import documents, sections

PACKAGES: tuple[str, ...] = ()
_FILE = "words.db"


def build(docs: Path, home: Path) -> Ask:
    """Indexes every section."""
    home.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(home / _FILE, check_same_thread=False)
    with connection:
        connection.execute("CREATE VIRTUAL TABLE sections USING fts5 (path UNINDEXED, text, tokenize = 'porter')")
        connection.executemany(
            "INSERT INTO sections (path, text) VALUES (?, ?)",
            ((path, section) for path, text in documents(docs) for section in sections(text)),
        )
    return _ask(home)


def load(home: Path) -> Ask:
    """Opens the file."""
    return _ask(home)


def _ask(home: Path) -> Ask:
    def ask(query: str, k: int = 10) -> list[tuple[str, str]]:
        # In quotes, so that no word is taken for FTS5's own syntax.
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", query))
        connection = sqlite3.connect(home / _FILE)
        try:
            rows = connection.execute(
                "SELECT path, text FROM sections WHERE sections MATCH ? ORDER BY rank LIMIT ?", (words or '""', k)
            )
            return [(path, text) for path, text in rows]
        finally:
            connection.close()

    return ask
