"""An embedder for tests in which the ranking must be predictable by hand."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from retriever.encoded import Encoded, without_tokens


class WordEmbedder:
    """One dimension a word (by hash): texts that share words are near, so a test can say which hit must win."""

    fingerprint = "words-for-tests"
    dim = 256

    def encode_documents(self, texts: Sequence[str]) -> Any:
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"[a-z]+", text.lower()):
                row[zlib.crc32(word.encode()) % self.dim] += 1
            row[0] += 0.01
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def encode_query(self, query: str) -> Any:
        return self.encode_documents([query])[0]

    def encode_queries(self, queries: Sequence[str]) -> Any:
        return self.encode_documents(queries)

    def read_documents(self, texts: Sequence[str]) -> list[Encoded]:
        return [without_tokens(row) for row in self.encode_documents(texts)]

    def read_query(self, query: str) -> Encoded:
        return without_tokens(self.encode_query(query))

    def piece_ids(self, texts: Sequence[str]) -> list[Any]:
        return [np.zeros(0, np.int32) for _ in texts]
