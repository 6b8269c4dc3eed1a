"""Drafts through the model: each sentence once, passages pooled from their sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.passages import pooled
from ingest.syntax import plain
from retriever.encoded import Encoded
from retriever.lesson import digest
from retriever.record.draft import Draft, Embedded
from retriever.record.files import KnownSentences
from retriever.rounding import rounded, unit_vectors
from retriever.senses import ENOUGH, contexts_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retriever.embedder import Embedder

# So many texts go through the model together: enough to be sorted by length.
_TOGETHER = 1024

NOTHING: Mapping[str, Any] = {}


def known_rows(known: Iterable[KnownSentences]) -> dict[str, NDArray[Any]]:
    """{digest of a sentence's plain text: its embedding, int8} of what the record holds."""
    return {
        digest(plain(item.text[start:end])): row
        for item in known
        for (start, end), row in zip(item.spans.tolist(), item.embeddings, strict=True)
    }


def read_texts(plains: Mapping[str, str], embedder: Embedder) -> dict[str, Encoded]:
    """{digest: what the model makes of the text} of the {digest: plain text}.

    Of each piece only so many tokens are kept as make its sense: those of a file of many megabytes are gigabytes.
    """
    seen: Counter[int] = Counter()
    read: dict[str, Encoded] = {}
    digests, texts = list(plains), list(plains.values())
    for start in range(0, len(texts), _TOGETHER):
        part = slice(start, start + _TOGETHER)
        for name, item in zip(digests[part], embedder.read_documents(texts[part]), strict=True):
            kept = [place for place, piece in enumerate(item.pieces.tolist()) if piece >= 0 and seen[piece] < ENOUGH]
            seen.update(item.pieces[kept].tolist())
            read[name] = Encoded(item.embedding, item.pieces[kept], item.tokens[kept])
    return read


def embedded(
    draft: Draft, read: Mapping[str, Encoded], embedder: Embedder, known: Mapping[str, NDArray[Any]] = NOTHING
) -> Embedded:
    """The draft's embeddings out of what was `read` just now and what is `known`; they must hold each of its digests.

    Rounded here and not later (retriever/rounding.py), so that an embedding is the same whether it was just made or was
    stored: an edited document then has the same passages' embeddings as a new one.
    """
    rows = {name: rounded(read[name].embedding) if name in read else known[name] for name in draft.plains}
    new = {item.digest: read[item.digest] for item in draft.sentences if item.digest in read}
    sentences = _stacked([rows[item.digest] for item in draft.sentences], embedder.dim)
    lessons = _stacked([rows[item.digest] for item in draft.lessons], embedder.dim)
    pieces = embedder.piece_ids([item.plain for item in draft.sentences])
    return Embedded(
        fingerprint=embedder.fingerprint,
        passages=_passages(draft, unit_vectors(sentences), embedder.dim),
        lessons=unit_vectors(lessons),
        sentences=sentences,
        pieces=np.concatenate(pieces).astype(np.int32) if pieces else np.zeros(0, np.int32),
        piece_ends=np.cumsum([len(item) for item in pieces], dtype=np.int32),
        contexts=contexts_of(new.values()) if new else None,
    )


def _passages(draft: Draft, sentences: NDArray[Any], dim: int) -> NDArray[Any]:
    inside: list[list[int]] = [[] for _ in draft.passages]
    for number, item in enumerate(draft.sentences):
        inside[item.passage].append(number)
    lengths = [item.end - item.start for item in draft.sentences]
    return _stacked(
        [pooled(sentences[numbers], [lengths[number] for number in numbers]) for numbers in inside], dim
    ).astype(np.float32)


def _stacked(rows: Sequence[NDArray[Any]], dim: int) -> NDArray[Any]:
    return np.stack(rows) if rows else np.zeros((0, dim), np.int8)
