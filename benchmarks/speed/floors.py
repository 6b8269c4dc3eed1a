"""The bare libraries that ours is measured beside; `python -m benchmarks.speed.floors DOCS` encodes a folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.peers.documents import documents, load_model

if TYPE_CHECKING:
    from flask import Flask

CHUNK_CHARS, OVERLAP_CHARS = 1000, 200
VECTORS = 5000


def chunks(docs: Path) -> list[str]:
    """Every document in pieces of 1,000 characters, each beginning with the last 200 of the one before."""
    step = CHUNK_CHARS - OVERLAP_CHARS
    return [
        text[at : at + CHUNK_CHARS]
        for _, text in documents(docs)
        for at in range(0, max(len(text) - OVERLAP_CHARS, 1), step)
    ]


def encode_query() -> Callable[[str], Any]:
    """sentence-transformers' own encode of one query."""
    model = load_model()
    return lambda query: model.encode([query])[0]


def chroma_query(folder: Path, vectors: int, dim: int = 384) -> Callable[[Any], Any]:
    """A bare query for ten neighbours, with Chroma's defaults, over so many random unit vectors."""
    import chromadb
    import numpy as np
    from chromadb.config import Settings

    client = chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))
    collection = client.get_or_create_collection("bare", embedding_function=None)
    chance = np.random.default_rng(7)
    for start in range(collection.count(), vectors, VECTORS):
        rows = chance.standard_normal((min(VECTORS, vectors - start), dim)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        collection.add(ids=[str(start + number) for number in range(len(rows))], embeddings=rows)
    return lambda embedding: collection.query(query_embeddings=[embedding], n_results=10)


def empty_app() -> Flask:
    """A Flask application with one route that answers an empty object; for gunicorn."""
    from flask import Flask, Response

    app = Flask(__name__)

    @app.get("/")
    def empty() -> Response:
        """Nothing, as JSON."""
        return Response("{}", mimetype="application/json")

    return app


def main() -> None:
    """Loads the model and encodes; what takes the time is measured from outside."""
    load_model().encode(chunks(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
