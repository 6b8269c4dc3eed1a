"""The sentences of an ingested memory: real words with the embeddings that the model made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retriever.record import Record
from retriever.record.packing import model_of, new_model
from retriever.record.sense_rows import drop_unheld

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retriever.record.candidates import Bundle

# What reads as a sentence by itself; shorter ones are labels, longer ones logs.
MIN_CHARS, MAX_CHARS = 40, 300
_BATCH = 200


@dataclass(frozen=True, slots=True)
class PoolSentence:
    """A sentence, its embedding (int8) and its token ids; `kind` and `polarity` where it is part of a lesson."""

    text: str
    embedding: NDArray[Any]
    pieces: NDArray[Any]
    kind: str | None
    polarity: str | None


@dataclass(frozen=True, slots=True)
class Pool:
    """What documents are made of, in the order in which it stood in the real ones."""

    fingerprint: str
    lessons: tuple[PoolSentence, ...]
    prose: tuple[PoolSentence, ...]


def read_pool(homes: Sequence[Path]) -> Pool:
    """The distinct sentences of the memories in `homes`, which one model must have embedded."""
    seen: set[str] = set()
    lessons, prose = [], []
    fingerprints = set()
    for home in homes:
        record = Record(home)
        fingerprints.add(record.embeddings.model())
        for bundle in _bundles(record):
            for sentence in _sentences(bundle):
                if sentence.text not in seen:
                    seen.add(sentence.text)
                    (prose if sentence.kind is None else lessons).append(sentence)
        record.close()
    fingerprint = fingerprints.pop()
    if fingerprint is None or fingerprints:
        raise SystemExit("The pools must have been ingested, all with one model.")
    return Pool(fingerprint, tuple(lessons), tuple(prose))


def take_senses(record: Record, pool: Path) -> None:
    """The record has those senses of that pool whose words it holds."""
    giver = Record(pool)
    fingerprint = giver.embeddings.model() or ""
    with giver._database.read() as connection:
        first = (model_of(connection, fingerprint) or 0) << 32
        rows = connection.execute(
            "SELECT key - ?, contexts, length, checksum, sense FROM senses WHERE key BETWEEN ? AND ?",
            (first, first, first + (1 << 32) - 1),
        ).fetchall()
    giver.close()
    with record._database.write() as connection:
        first = new_model(connection, fingerprint) << 32
        connection.executemany(
            "INSERT OR REPLACE INTO senses VALUES (?, ?, ?, ?, 0, ?)",
            [(first + piece, *row) for piece, *row in rows],
        )
        drop_unheld(connection)


def _bundles(record: Record) -> Iterator[Bundle]:
    fingerprint = record.embeddings.model() or ""
    with record._database.read() as connection:
        keys = [row[0] for row in connection.execute("SELECT key FROM documents ORDER BY key")]
    for start in range(0, len(keys), _BATCH):
        yield from record.candidates.bundles(keys[start : start + _BATCH], fingerprint)


def _sentences(bundle: Bundle) -> list[PoolSentence]:
    begun = bundle.lesson_of
    starts = [0, *bundle.piece_ends.tolist()]
    found = []
    for number, (start, end) in enumerate(bundle.spans.tolist()):
        text = bundle.document.text[start:end]
        if MIN_CHARS <= end - start <= MAX_CHARS and "\n" not in text and len(bundle.embeddings):
            lesson = bundle.lessons[begun[number]] if begun[number] >= 0 else None
            pieces = bundle.pieces[starts[number] : starts[number + 1]]
            kind, polarity = (lesson.kind, lesson.polarity) if lesson else (None, None)
            found.append(PoolSentence(text, bundle.embeddings[number].copy(), pieces.copy(), kind, polarity))
    return found
