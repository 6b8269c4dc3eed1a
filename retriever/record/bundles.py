"""Everything about one document that a question may have to look at, and the last of them, kept."""

from __future__ import annotations

import logging
import sqlite3
import sys
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from retriever.lesson import Document, Lesson, Passage
from retriever.record.checksums import RAW_TEXT, is_intact, text_of
from retriever.record.kept import Kept, content_version
from retriever.record.packing import unpacked_pieces
from retriever.record.rows import (
    DOCUMENT_COLUMNS,
    SPAN_COLUMNS,
    document_from_row,
    lesson_from_row,
    link_home,
    passage_from_row,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

# So many are kept, some 60 kB each for a report of thirty sentences.
KEPT_BUNDLES = 500


@dataclass(frozen=True)
class Bundle:
    """Everything about one document that a question may have to look at.

    `spans` are int32 (n, 2) into the document's text, `owners` int32 (n) the index of each sentence's passage,
    `embeddings` float16 (n, dim), `pieces` and `piece_ends` int32. `tokens` has one tuple a sentence; `title`,
    `labels` and `headings` are tokens too. The `silent` sentences are those of lessons that people hid: they have
    their place, and neither words nor meaning.
    """

    key: int
    document: Document
    url_template: str | None
    lessons: tuple[Lesson, ...]
    passages: tuple[Passage, ...]
    spans: NDArray[Any]
    owners: NDArray[Any]
    embeddings: NDArray[Any]
    pieces: NDArray[Any]
    piece_ends: NDArray[Any]
    tokens: tuple[tuple[str, ...], ...]
    title: tuple[str, ...]
    labels: tuple[str, ...]
    headings: tuple[str, ...]
    silent: frozenset[int] = frozenset()

    @cached_property
    def lesson_of(self) -> NDArray[Any]:
        """For each sentence the index of the lesson that it is part of, -1 where it is part of none."""
        found = np.full(len(self.spans), -1)
        spans = np.asarray([(lesson.start, lesson.end) for lesson in self.lessons]).reshape(-1, 2)
        first = np.searchsorted(self.spans[:, 1], spans[:, 0], side="right")
        last = np.searchsorted(self.spans[:, 0], spans[:, 1], side="left")
        for number, (start, end) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
            found[start:end] = number
        return found

    @cached_property
    def body_counts(self) -> Counter[str]:
        """How often each token stands in its sentences."""
        return Counter(chain.from_iterable(self.tokens))

    @cached_property
    def length(self) -> int:
        """How many tokens there are in all fields together."""
        return self.body_counts.total() + len(self.title) + len(self.labels) + len(self.headings)

    @cached_property
    def meaning(self) -> NDArray[Any] | None:
        """The unit vector of all its sentences together, None without embeddings."""
        return self.meaning_of(np.arange(len(self.spans)))

    def meaning_of(self, rows: NDArray[Any]) -> NDArray[Any] | None:
        """The same of some of its sentences: their mean, weighted by the roots of their lengths."""
        if len(self.embeddings) != len(self.spans) or not len(self.spans):
            return None
        roots = np.sqrt(self.spans[rows, 1] - self.spans[rows, 0]).astype(np.float32)
        total: NDArray[Any] = roots @ self.embeddings[rows].astype(np.float32)
        unit: NDArray[Any] = total / max(float(np.linalg.norm(total)), 1e-12)
        return unit

    def document_at(self, line: int) -> Document:
        """The document with its link home at this line."""
        if self.url_template is None:
            return self.document
        url = link_home(self.url_template, self.document.path, line)
        return replace(self.document, meta=replace(self.document.meta, url=url))

    def passage_at(self, offset: int) -> int:
        """The 1-based number of the passage in which the character at `offset` stands."""
        return max(1, sum(item.start <= offset for item in self.passages))


class Bundles:
    """Reads bundles, and keeps the last of them."""

    def __init__(self, limit: int = KEPT_BUNDLES) -> None:
        self._kept: Kept[Bundle] = Kept(limit)

    def read(self, connection: sqlite3.Connection, keys: Sequence[int], fingerprint: str) -> list[Bundle]:
        """The bundles of these documents, in their order; the connection must be in a transaction."""
        version = content_version(connection)
        found = []
        for key in keys:
            bundle = self._kept.get(version, (key, fingerprint))
            if bundle is None:
                bundle = read_bundle(connection, key, fingerprint)
                if bundle is not None:
                    self._kept.put(version, (key, fingerprint), bundle)
            if bundle is not None:
                found.append(bundle)
        return found


def read_bundle(connection: sqlite3.Connection, key: int, fingerprint: str) -> Bundle | None:
    """The document's bundle, None when it is gone or its text damaged."""
    row = connection.execute(
        f"""SELECT {DOCUMENT_COLUMNS}, {RAW_TEXT}, w.title AS title_words, w.labels, w.headings, w.body
            FROM documents d JOIN sources s ON s.key = d.source
            JOIN document_words w ON w.rowid = d.key WHERE d.key = ?""",
        (key,),
    ).fetchone()
    if row is None:
        return None
    if not is_intact(row["raw_text"], row["checksum"]):
        logger.error("the stored text of %s is damaged and not shown; ingest its folder again", row["path"])
        return None
    document = document_from_row(row, text_of(row))
    rows = connection.execute(f"SELECT {SPAN_COLUMNS} FROM lessons l WHERE document = ? ORDER BY number", (key,))
    lessons = [lesson_from_row(lesson, document.id, document.text) for lesson in rows]
    passages = connection.execute("SELECT start, end, section FROM passages WHERE document = ? ORDER BY number", (key,))
    arrays = connection.execute(
        "SELECT * FROM sentences WHERE document = ? ORDER BY fingerprint = ? DESC LIMIT 1", (key, fingerprint)
    ).fetchone()
    if arrays is None:
        return None
    spans = np.frombuffer(arrays["spans"], np.int32).reshape(-1, 2)
    is_usable = arrays["fingerprint"] == fingerprint and zlib.crc32(arrays["embeddings"]) == arrays["checksum"]
    embeddings = np.frombuffer(arrays["embeddings"] if is_usable else b"", np.float16)
    bundle = Bundle(
        key=key,
        document=document,
        url_template=row["url_template"],
        lessons=tuple(lesson for lesson in lessons if not lesson.remarks.hidden),
        passages=tuple(passage_from_row(passage) for passage in passages),
        spans=spans,
        owners=np.frombuffer(arrays["passages"], np.int32),
        embeddings=embeddings.reshape(len(spans) if is_usable else 0, -1)
        if embeddings.size
        else embeddings.reshape(0, 0),
        pieces=unpacked_pieces(arrays["pieces"], ends := np.frombuffer(arrays["piece_ends"], np.int32)),
        piece_ends=ends,
        tokens=tuple(tuple(map(sys.intern, line.split())) for line in row["body"].split("\n")) if len(spans) else (),
        title=tuple(row["title_words"].split()),
        labels=tuple(row["labels"].split()),
        headings=tuple(row["headings"].split()),
    )
    return _silenced(bundle, [lesson for lesson in lessons if lesson.remarks.hidden])


def _silenced(bundle: Bundle, hidden: Sequence[Lesson]) -> Bundle:
    """The bundle without what only the hidden lessons say."""
    if not hidden:
        return bundle
    mute = _touched(bundle.spans, hidden) & ~_touched(bundle.spans, bundle.lessons)
    sizes = np.diff(bundle.piece_ends, prepend=0)
    return replace(
        bundle,
        embeddings=np.where(mute[:, None], 0, bundle.embeddings) if len(bundle.embeddings) else bundle.embeddings,
        pieces=bundle.pieces[np.repeat(~mute, sizes)],
        piece_ends=np.cumsum(np.where(mute, 0, sizes), dtype=np.int32),
        tokens=tuple(() if is_mute else line for is_mute, line in zip(mute, bundle.tokens, strict=True)),
        silent=frozenset(np.flatnonzero(mute).tolist()),
    )


def _touched(spans: NDArray[Any], lessons: Sequence[Lesson]) -> NDArray[np.bool_]:
    """For each sentence whether it is part of one of the lessons."""
    found = np.zeros(len(spans), bool)
    for lesson in lessons:
        found |= (spans[:, 1] > lesson.start) & (spans[:, 0] < lesson.end)
    return found
