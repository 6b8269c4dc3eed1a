"""The script that anybody writes in an hour: split by 1,000 characters with 200 in common, embed, put into Chroma."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chromadb
from chromadb.config import Settings
from langchain_text_splitters import RecursiveCharacterTextSplitter

from benchmarks.peers import Ask
from benchmarks.peers.documents import documents, load_model

PACKAGES = ("langchain-text-splitters",)
CHUNK_CHARS, OVERLAP_CHARS = 1000, 200
# Chroma takes no more at once.
BATCH = 5000


def chunks(docs: Path) -> list[tuple[str, str]]:
    """(path, chunk) over all documents of the folder."""
    splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK_CHARS, chunk_overlap=OVERLAP_CHARS)
    return [(path, chunk) for path, text in documents(docs) for chunk in splitter.split_text(text)]


def build(docs: Path, home: Path) -> Ask:
    """Splits, embeds and stores."""
    model = load_model()
    found = chunks(docs)
    embeddings = model.encode([chunk for _, chunk in found])
    collection = _collection(home)
    for start in range(0, len(found), BATCH):
        batch = found[start : start + BATCH]
        collection.add(
            ids=[str(start + number) for number in range(len(batch))],
            embeddings=embeddings[start : start + BATCH],
            documents=[chunk for _, chunk in batch],
            metadatas=[{"path": path} for path, _ in batch],
        )
    return _ask(model, collection)


def load(home: Path) -> Ask:
    """Opens the collection and the model."""
    return _ask(load_model(), _collection(home))


def _collection(home: Path) -> Any:
    client = chromadb.PersistentClient(path=str(home), settings=Settings(anonymized_telemetry=False))
    return client.get_or_create_collection(
        "chunks", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
    )


def _ask(model: Any, collection: Any) -> Ask:
    def ask(query: str, k: int = 10) -> list[tuple[str, str]]:
        found = collection.query(query_embeddings=model.encode([query]), n_results=k)
        paths = (entry["path"] for entry in found["metadatas"][0])
        return list(zip(paths, found["documents"][0], strict=True))

    return ask
