"""bm25s over sections, with English stop words and stems: words only, as good as they get without tuning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bm25s
import Stemmer

from benchmarks.peers import Ask
from benchmarks.peers.documents import documents, sections

PACKAGES = ("bm25s",)
_FILE = "sections.json"


def build(docs: Path, home: Path) -> Ask:
    """Indexes every section."""
    found = [(path, section) for path, text in documents(docs) for section in sections(text)]
    retriever = bm25s.BM25()
    retriever.index(_tokens([section for _, section in found]), show_progress=False)
    retriever.save(str(home), show_progress=False)
    (home / _FILE).write_text(json.dumps(found), encoding="utf-8")
    return _ask(retriever, found)


def load(home: Path) -> Ask:
    """Opens the saved index."""
    found = [(path, section) for path, section in json.loads((home / _FILE).read_text(encoding="utf-8"))]
    return _ask(bm25s.BM25.load(str(home)), found)


def _tokens(texts: list[str]) -> Any:
    return bm25s.tokenize(texts, stopwords="en", stemmer=Stemmer.Stemmer("english"), show_progress=False)


def _ask(retriever: Any, found: list[tuple[str, str]]) -> Ask:
    def ask(query: str, k: int = 10) -> list[tuple[str, str]]:
        numbers, scores = retriever.retrieve(_tokens([query]), k=min(k, len(found)), show_progress=False)
        ranked = zip(numbers[0].tolist(), scores[0].tolist(), strict=True)
        return [found[number] for number, score in ranked if score > 0]

    return ask
