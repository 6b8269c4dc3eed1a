"""The embedder for any model that sentence-transformers can load: complete, and slow to start."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retriever.encoded import Encoded, without_tokens
from retriever.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from retriever.embedder import Embeddings


def sentence_transformers() -> Any:
    """The library, imported so that it never looks for anything outside and says nothing while it loads."""
    import os

    # Set before the import: the libraries read them once, and would otherwise look for updates.
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    import sentence_transformers as library
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return library


def load_sentence_transformer(path: Path) -> SentenceTransformer:
    """The model at `path` on the processor; never downloads, never runs a model's own code."""
    library = sentence_transformers()
    try:
        loaded: SentenceTransformer = library.SentenceTransformer(
            str(path),
            device="cpu",
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )
        return loaded
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"sentence-transformers cannot load the model at {path}: {error}") from error


class SentenceTransformerEmbedder:
    """Runs a model with sentence-transformers, honouring its prompts for queries and documents."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        self._model = load_sentence_transformer(path)
        self._lock = threading.Lock()
        self.fingerprint = fingerprint
        self.dim = int(self._model.get_embedding_dimension() or 0)

    def encode_documents(self, texts: Sequence[str]) -> Embeddings:
        """float32 (len(texts), dim), rows of unit length, in input order."""
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        # A fast tokenizer used by two threads at once raises "Already borrowed".
        with self._lock:
            rows = self._model.encode_document(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(rows, np.float32)

    def encode_query(self, query: str) -> Embeddings:
        """float32 (dim,), of unit length."""
        row: Embeddings = self.encode_queries([query])[0]
        return row

    def encode_queries(self, queries: Sequence[str]) -> Embeddings:
        """float32 (len(queries), dim), rows of unit length, in input order."""
        if not queries:
            return np.zeros((0, self.dim), np.float32)
        with self._lock:
            rows = self._model.encode_query(list(queries), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(rows, np.float32)

    def read_documents(self, texts: Sequence[str]) -> list[Encoded]:
        """The embeddings alone: a model of any kind need not show its tokens."""
        return [without_tokens(row) for row in self.encode_documents(texts)]

    def read_query(self, query: str) -> Encoded:
        """The same for a query."""
        return without_tokens(self.encode_query(query))

    def piece_ids(self, texts: Sequence[str]) -> list[Embeddings]:
        """Empty for each text."""
        return [np.zeros(0, np.int32) for _ in texts]
