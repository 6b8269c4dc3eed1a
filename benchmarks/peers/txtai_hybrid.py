"""txtai as its own documentation sets up hybrid search: dense and sparse together, one entry a section."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from txtai import Embeddings

from benchmarks.peers import Ask
from benchmarks.peers.documents import documents, model_path, sections

PACKAGES = ("txtai",)


def build(docs: Path, home: Path) -> Ask:
    """Embeds and indexes every section."""
    embeddings = Embeddings(path=model_path(), content=True, hybrid=True, gpu=False)
    found = [(path, section) for path, text in documents(docs) for section in sections(text)]
    embeddings.index({"text": section, "path": path} for path, section in found)
    embeddings.save(str(home))
    return _ask(embeddings)


def load(home: Path) -> Ask:
    """Opens the saved index, and the model with it."""
    embeddings = Embeddings()
    embeddings.load(str(home))
    return _ask(embeddings)


def _ask(embeddings: Any) -> Ask:
    def ask(query: str, k: int = 10) -> list[tuple[str, str]]:
        sql = "select path, text, score from txtai where similar(:query) limit :k"
        found = embeddings.search(sql, limit=k, parameters={"query": query, "k": k})
        return [(row["path"], row["text"]) for row in found]

    return ask
