"""The embedder that runs an exported graph: the same vectors as sentence-transformers, sooner."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retriever.encoded import Encoded
from retriever.engines import Engine, Runner, load_engine, load_onnxruntime
from retriever.errors import ModelError
from retriever.processor import usable_cores

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from retriever.embedder import Embeddings

# Padded tokens in one call of the model: what lies between its layers then stays in a core's own cache. Measured with
# the default model on one core, tokens a second: 256 and 512 3,600, 1,024 3,400, 2,048 3,100, 4,096 2,500.
BATCH_TOKENS = 512

# The same of a few texts, so that there are batches for all cores.
FEW_TOKENS = 48

# The call of this number loads the model for good: a question takes up to three.
HASTY_CALLS = 4

# From so many texts on the engine for many is loaded, where questions have their own.
MANY_TEXTS = 32


class GraphEmbedder:
    """Runs the graph in `folder`; safe to use from several threads. `engine`, asked once, says what runs many texts."""

    def __init__(self, folder: Path, fingerprint: str, engine: Callable[[], Engine], threads: int = 0) -> None:
        from tokenizers import Tokenizer

        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self.fingerprint = fingerprint
        self.dim = int(manifest["dim"])
        self._folder = folder
        self._engine = engine
        self._first_token = manifest["pooling"] == "first"
        self._prompts: dict[str, str] = manifest["prompts"]
        self._pad = int(manifest["pad"])
        self._lock = threading.Lock()
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the library raises bare Exception for a damaged file
            raise ModelError(
                f"The exported model in {folder} cannot be loaded: {error}. Remove that folder; it is made again."
            ) from error
        self._threads = threads or usable_cores()
        self._run_few = load_onnxruntime(folder, is_lasting=False)
        self._calls = 0
        # The file may carry the padding and length it was published with; the model's own settings decide.
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(int(manifest["length"]))

    @functools.cached_property
    def engine(self) -> Engine:
        """What runs many texts."""
        return self._engine()

    @functools.cached_property
    def _run_many(self) -> Runner:
        return load_engine(self.engine, self._folder)

    @functools.cached_property
    def _side_by_side(self) -> Executor:
        """What runs batches of few texts; threads that wait cost nothing, and making them each time does."""
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(self._threads, "embedding")

    def encode_documents(self, texts: Sequence[str]) -> Embeddings:
        """float32 (len(texts), dim), rows of unit length, in input order."""
        return self._stacked(self.read_documents(texts))

    def encode_query(self, query: str) -> Embeddings:
        """float32 (dim,), of unit length."""
        return self.read_query(query).embedding

    def encode_queries(self, queries: Sequence[str]) -> Embeddings:
        """float32 (len(queries), dim), rows of unit length, in input order."""
        prompt = self._prompts.get("query", "")
        return self._stacked(self._encode([prompt + query for query in queries]))

    def read_documents(self, texts: Sequence[str]) -> list[Encoded]:
        """The same embeddings as `encode_documents`, one by one, with their tokens."""
        prompt = next((self._prompts[name] for name in ("document", "passage", "corpus") if name in self._prompts), "")
        return self._encode([prompt + text for text in texts])

    def read_query(self, query: str) -> Encoded:
        """The same embedding as `encode_query` gives, with its tokens."""
        return self._encode([self._prompts.get("query", "") + query])[0]

    def piece_ids(self, texts: Sequence[str]) -> list[Embeddings]:
        """For each text its token ids without special tokens, int32."""
        with self._lock:
            # One by one: a batch is handed to threads, which takes longer than a few words do.
            found = [self._tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        return [np.asarray(ids, np.int32) for ids in found]

    def _stacked(self, found: list[Encoded]) -> Embeddings:
        return np.stack([item.embedding for item in found]) if found else np.zeros((0, self.dim), np.float32)

    def _encode(self, texts: list[str]) -> list[Encoded]:
        # One lock around the tokenizer: used by two threads at once it raises "Already borrowed".
        with self._lock:
            many = self._tokenizer.encode_batch(texts) if len(texts) > 1 else map(self._tokenizer.encode, texts)
            encodings = list(many)
            self._settle_in()

        def run(batch: list[int]) -> list[Encoded]:
            return list(self._read(runner, [encodings[index] for index in batch]))

        lengths = [len(encoding.ids) for encoding in encodings]
        if len(texts) < MANY_TEXTS:
            batches = list(_batches(lengths, FEW_TOKENS))
            runner = self._run_few
            made = list(self._side_by_side.map(run, batches) if len(batches) > 1 else map(run, batches))
        else:
            from concurrent.futures import ThreadPoolExecutor

            batches = list(_batches(lengths, BATCH_TOKENS))
            runner = self._run_many
            with ThreadPoolExecutor(self.engine.threads, "embedding") as pool:
                made = list(pool.map(run, batches))
        found = dict(zip(chain.from_iterable(batches), chain.from_iterable(made), strict=True))
        return [found[index] for index in range(len(texts))]

    def _settle_in(self) -> None:
        """Who asks once waits for nothing that only many questions repay."""
        self._calls += 1
        if self._calls == HASTY_CALLS:
            self._run_few = load_onnxruntime(self._folder)

    def _read(self, runner: Runner, encodings: list[Any]) -> Iterator[Encoded]:
        ids = [encoding.ids for encoding in encodings]
        longest = max(len(row) for row in ids)
        input_ids = np.full((len(ids), longest), self._pad, np.int64)
        mask = np.zeros((len(ids), longest), np.int64)
        for index, row in enumerate(ids):
            input_ids[index, : len(row)] = row
            mask[index, : len(row)] = 1
        vectors = runner(input_ids, mask)
        if self._first_token:
            pooled = vectors[:, 0]
        else:
            weights = mask[..., None].astype(np.float32)
            pooled = (vectors * weights).sum(1) / weights.sum(1)
        unit: Embeddings = pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)
        for row, encoding, tokens in zip(unit, encodings, vectors, strict=True):
            pieces = np.where(encoding.special_tokens_mask, -1, encoding.ids).astype(np.int32)
            yield Encoded(row, pieces, tokens[: len(pieces)])


def _batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Indexes in batches of so many tokens with padding, of similar length, longest first, so that little is padded."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
