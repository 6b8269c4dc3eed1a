"""The embedder that runs an exported graph with onnxruntime: the same vectors as sentence-transformers, sooner."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retriever.errors import ModelError

if TYPE_CHECKING:
    from retriever.embedder import Embeddings

# Padded tokens in one call of the model. Larger batches were no faster on two cores and pad more.
BATCH_TOKENS = 2048


class GraphEmbedder:
    """Runs the graph in `folder`; safe to use from several threads."""

    def __init__(self, folder: Path, fingerprint: str, threads: int = 0) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self.fingerprint = fingerprint
        self.dim = int(manifest["dim"])
        self._first_token = manifest["pooling"] == "first"
        self._prompts: dict[str, str] = manifest["prompts"]
        self._pad = int(manifest["pad"])
        self._lock = threading.Lock()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or _cores()
        options.log_severity_level = 3
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._session = onnxruntime.InferenceSession(
                str(folder / "graph.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise bare Exception for a damaged file
            raise ModelError(
                f"The exported model in {folder} cannot be loaded: {error}. Remove that folder; it is made again."
            ) from error
        self._table = np.load(folder / "pieces.npy", mmap_mode="r")
        # The file may carry the padding and length it was published with; the model's own settings decide.
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(int(manifest["length"]))

    def encode_documents(self, texts: Sequence[str]) -> Embeddings:
        """float32 (len(texts), dim), rows of unit length, in input order."""
        prompt = next((self._prompts[name] for name in ("document", "passage", "corpus") if name in self._prompts), "")
        return self._encode([prompt + text for text in texts])

    def encode_query(self, query: str) -> Embeddings:
        """float32 (dim,), of unit length."""
        vector: Embeddings = self._encode([self._prompts.get("query", "") + query])[0]
        return vector

    def piece_ids(self, texts: Sequence[str]) -> list[Embeddings]:
        """For each text its token ids without special tokens, int32."""
        with self._lock:
            found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [np.asarray(encoding.ids, np.int32) for encoding in found]

    def piece_vectors(self, pieces: Embeddings) -> Embeddings:
        """float32 (len(pieces), width): the rows of the model's table of input token vectors, of unit length."""
        rows: Embeddings = self._table[pieces]
        return rows

    def _encode(self, texts: list[str]) -> Embeddings:
        # One lock around the tokenizer: used by two threads at once it raises "Already borrowed".
        with self._lock:
            ids = [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]
        rows = np.zeros((len(ids), self.dim), np.float32)
        for batch in _batches([len(row) for row in ids]):
            rows[batch] = self._run([ids[index] for index in batch])
        return rows

    def _run(self, ids: list[list[int]]) -> Embeddings:
        longest = max(len(row) for row in ids)
        input_ids = np.full((len(ids), longest), self._pad, np.int64)
        mask = np.zeros((len(ids), longest), np.int64)
        for index, row in enumerate(ids):
            input_ids[index, : len(row)] = row
            mask[index, : len(row)] = 1
        vectors = self._session.run(None, {"input_ids": input_ids, "attention_mask": mask})[0]
        if self._first_token:
            pooled = vectors[:, 0]
        else:
            weights = mask[..., None].astype(np.float32)
            pooled = (vectors * weights).sum(1) / weights.sum(1)
        unit: Embeddings = pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)
        return unit


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indexes in batches of texts of similar length, longest first, so that little is padded."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _cores() -> int:
    """The processors this process may use; a container often may use fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
