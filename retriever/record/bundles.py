"""Everything about one document that a question may have to look at, and the last of them, kept."""

from __future__ import annotations

import logging
import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from retriever.lesson import Document, Lesson, Passage
from retriever.record.checksums import RAW_TEXT, is_intact
from retriever.record.kept import Kept, edition
from retriever.record.packing import unpacked_pieces
from retriever.record.rows import (
    DOCUMENT_COLUMNS,
    SPAN_COLUMNS,
    document_from_row,
    lesson_from_row,
    link_home,
    passage_from_row,
)
from retriever.rounding import scales

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

# Documents with so many sentences in all are kept, at some 1.1 kB a sentence: all of a memory with 40,000 lessons.
KEPT_SENTENCES = 120_000

# How many sentences in a row are compared with a question together.
RUN = 3


@dataclass(frozen=True)
class Bundle:
    """Everything about one document that a question may have to look at.

    `spans` are int32 (n, 2) into the document's text, `owners` int32 (n) the index of each sentence's passage,
    `embeddings` int8 (n, dim) (retriever/rounding.py), `pieces` and `piece_ends` int32. `body` has the tokens of each
    sentence with spaces between, each on a line; `title`, `labels` and `headings` are tokens too. The `silent`
    sentences are those of lessons that people hid: they have their place, and neither words nor meaning.
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
    body: str
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

    @property
    def lines(self) -> list[str]:
        """The tokens of each sentence, with spaces between."""
        return self.body.split("\n") if len(self.spans) else []

    @cached_property
    def words(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The hashes of its sentences' tokens, ascending, and how often each stands there: a tenth of a dict's size."""
        tokens = self.body.split()
        return np.unique(np.fromiter(map(hash, tokens), np.int64, len(tokens)), return_counts=True)

    def counts_of(self, hashes: NDArray[np.int64]) -> NDArray[np.int64]:
        """How often each token stands in its sentences, by the tokens' hashes."""
        known, counts = self.words
        if not len(known):
            return np.zeros(len(hashes), np.int64)
        places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        found: NDArray[np.int64] = np.where(known[places] == hashes, counts[places], 0)
        return found

    @cached_property
    def length(self) -> int:
        """How many tokens there are in all fields together."""
        return int(self.words[1].sum()) + len(self.title) + len(self.labels) + len(self.headings)

    @cached_property
    def roots(self) -> NDArray[Any]:
        """The roots of its sentences' lengths in characters, float32: what each weighs in a sum of several."""
        found: NDArray[Any] = np.sqrt(self.spans[:, 1] - self.spans[:, 0]).astype(np.float32)
        return found

    @cached_property
    def scales(self) -> NDArray[Any]:
        """float32 (n): what makes its embeddings of unit length."""
        return scales(self.embeddings)

    @cached_property
    def norms(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """(of each run of sentences, one beginning at each; of each passage): the length of its sum of embeddings.

        They do not depend on the question, and are all that its comparison with runs and passages has to know of them
        besides the cosines of their sentences.
        """
        rows = self.embeddings * (self.roots * self.scales)[:, None]
        begins = np.flatnonzero(self.owners[1:] != self.owners[:-1]) + 1
        passages = np.add.reduceat(rows, np.concatenate([[0], begins]))
        runs = rows.copy()
        for step in range(1, RUN):
            runs[:-step] += rows[step:]
        return _norms(runs), _norms(passages)

    @cached_property
    def meaning(self) -> NDArray[Any] | None:
        """The unit vector of all its sentences together, None without embeddings."""
        return self.meaning_of(np.arange(len(self.spans)))

    def meaning_of(self, rows: NDArray[Any]) -> NDArray[Any] | None:
        """The same of some of its sentences: their mean, weighted by the roots of their lengths."""
        if len(self.embeddings) != len(self.spans) or not len(self.spans):
            return None
        total: NDArray[Any] = (self.roots * self.scales)[rows] @ self.embeddings[rows].astype(np.float32)
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


def _norms(rows: NDArray[Any]) -> NDArray[Any]:
    found: NDArray[Any] = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return found


class Bundles:
    """Reads bundles, and keeps the last of them."""

    def __init__(self, limit: int = KEPT_SENTENCES) -> None:
        self._kept: Kept[Bundle] = Kept(limit)

    def read(self, connection: sqlite3.Connection, keys: Sequence[int], fingerprint: str) -> list[Bundle]:
        """The bundles of these documents, in their order; the connection must be in a transaction."""
        version = edition(connection)
        found = {key: bundle for key in keys if (bundle := self._kept.get(version, (key, fingerprint))) is not None}
        missing = [key for key in keys if key not in found]
        for bundle in read_bundles(connection, missing, fingerprint) if missing else ():
            found[bundle.key] = bundle
            self._kept.put(version, (bundle.key, fingerprint), bundle, max(1, len(bundle.spans)))
        return [found[key] for key in keys if key in found]


def read_bundles(connection: sqlite3.Connection, keys: Sequence[int], fingerprint: str) -> Iterator[Bundle]:
    """The documents' bundles, in any order, without those that are gone or whose text is damaged.

    All in three statements, since each costs as much as several rows.
    """
    among = f"IN ({', '.join('?' * len(keys))})"
    lessons = _by_document(
        connection, f"SELECT {SPAN_COLUMNS}, l.document FROM lessons l WHERE l.document {among}", keys
    )
    passages = _by_document(
        connection, f"SELECT start, end, section, document FROM passages WHERE document {among}", keys
    )
    for row in connection.execute(_DOCUMENTS.format(among), (fingerprint, *keys)):
        if is_intact(row["raw_text"], row["checksum"]):
            yield _bundle(row, lessons[row["key"]], passages[row["key"]], fingerprint)
        else:
            logger.error("the stored text of %s is damaged and not shown; ingest its folder again", row["path"])


# The sentences by the model in use, or where there are none those by another.
_DOCUMENTS = f"""SELECT {DOCUMENT_COLUMNS}, {RAW_TEXT}, w.title AS title_words, w.labels, w.headings, w.body,
    p.fingerprint, p.checksum AS embeddings_checksum, p.spans, p.passages, p.pieces, p.piece_ends, p.embeddings
    FROM documents d JOIN sources s ON s.key = d.source JOIN document_words w ON w.rowid = d.key
    JOIN sentences p ON p.rowid = (SELECT o.rowid FROM sentences o WHERE o.document = d.key
        ORDER BY o.fingerprint = ? DESC LIMIT 1)
    WHERE d.key {{}}"""


def _by_document(
    connection: sqlite3.Connection, query: str, keys: Sequence[int]
) -> defaultdict[int, list[sqlite3.Row]]:
    """The rows of each of these documents, in the order in which they stand in it."""
    found = defaultdict(list)
    for row in connection.execute(f"{query} ORDER BY document, number", tuple(keys)):
        found[row["document"]].append(row)
    return found


def _bundle(
    row: sqlite3.Row, lesson_rows: Sequence[sqlite3.Row], passage_rows: Sequence[sqlite3.Row], fingerprint: str
) -> Bundle:
    document = document_from_row(row, row["raw_text"].decode())
    lessons = [lesson_from_row(lesson, document.id, document.text) for lesson in lesson_rows]
    spans = np.frombuffer(row["spans"], np.int32).reshape(-1, 2)
    is_usable = row["fingerprint"] == fingerprint and zlib.crc32(row["embeddings"]) == row["embeddings_checksum"]
    embeddings = np.frombuffer(row["embeddings"] if is_usable else b"", np.int8)
    bundle = Bundle(
        key=row["key"],
        document=document,
        url_template=row["url_template"],
        lessons=tuple(lesson for lesson in lessons if not lesson.remarks.hidden),
        passages=tuple(map(passage_from_row, passage_rows)),
        spans=spans,
        owners=np.frombuffer(row["passages"], np.int32),
        embeddings=embeddings.reshape((len(spans), -1) if embeddings.size else (0, 0)),
        pieces=unpacked_pieces(row["pieces"], ends := np.frombuffer(row["piece_ends"], np.int32)),
        piece_ends=ends,
        body=row["body"],
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
        embeddings=np.where(mute[:, None], np.int8(0), bundle.embeddings)
        if len(bundle.embeddings)
        else bundle.embeddings,
        pieces=bundle.pieces[np.repeat(~mute, sizes)],
        piece_ends=np.cumsum(np.where(mute, 0, sizes), dtype=np.int32),
        body="\n".join("" if is_mute else line for is_mute, line in zip(mute, bundle.lines, strict=True)),
        silent=frozenset(np.flatnonzero(mute).tolist()),
    )


def _touched(spans: NDArray[Any], lessons: Sequence[Lesson]) -> NDArray[np.bool_]:
    """For each sentence whether it is part of one of the lessons."""
    found = np.zeros(len(spans), bool)
    for lesson in lessons:
        found |= (spans[:, 1] > lesson.start) & (spans[:, 0] < lesson.end)
    return found
