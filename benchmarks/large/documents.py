"""Documents recombined from a pool of real sentences, as drafts with their embeddings, no two alike.

Each has a summary, what happened, and lessons. Prose runs on as it did in a real document, but from another place in
each. A lesson is two real sentences out of lessons, a pair that occurs nowhere else; so 100,000 lessons are 100,000
different texts. Sentences keep the embeddings that the model made of them, and passages are pooled from them by the
program's own code, so both are exactly what an ingest would make. A lesson's embedding is pooled in the same way, since
embedding 300,000 texts takes most of an hour: its cosine to the model's own is .93 in the mean (`--check` measures it).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.large.pool import Pool, PoolSentence
from ingest.embedding import embedded
from ingest.passages import pooled
from ingest.syntax import plain
from retriever.lesson import Finding, Metadata, Passage
from retriever.record.draft import Draft, DraftLesson, DraftSentence, Embedded
from retriever.rounding import rounded, unit_vectors

if TYPE_CHECKING:
    from collections.abc import Mapping

LESSONS_EACH = 10
PROSE_EACH = 10
LESSONS_A_PASSAGE = 4
SECTIONS = ("Summary", "What happened", "Lessons learned")
TAGS = (
    "dns",
    "network",
    "database",
    "disk",
    "queue",
    "deploy",
    "certificate",
    "login",
    "mail",
    "backup",
    "cache",
    "api",
)
TEAMS = tuple(f"team-{number}" for number in range(1, 13))


@dataclass(frozen=True, slots=True)
class _Known:
    """As much of an embedder as `embedded` asks: everything is known already."""

    fingerprint: str
    dim: int
    pieces: Mapping[str, Any] = field(repr=False)

    def piece_ids(self, texts: Sequence[str]) -> list[Any]:
        """The stored ids."""
        return [self.pieces[text] for text in texts]


@dataclass
class _Text:
    """A text that grows; where its sentences, passages and lessons stand."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    sentences: list[tuple[int, int, int, PoolSentence]] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    lessons: list[Finding] = field(default_factory=list)

    def put(self, text: str) -> tuple[int, int]:
        """Where it stands."""
        start, self.length = self.length, self.length + len(text)
        self.parts.append(text)
        return start, self.length

    def say(self, sentences: Sequence[PoolSentence], after: str) -> tuple[int, int]:
        """The sentences, one behind the other, in the passage that is about to be closed."""
        spans = []
        for sentence in sentences:
            start, end = self.put(sentence.text)
            self.sentences.append((start, end, len(self.passages), sentence))
            spans.append((start, end))
            self.put(" ")
        self.put(after)
        return spans[0][0], spans[-1][1]


def recombined(pool: Pool, first: int, count: int) -> Iterator[tuple[str, Draft, Embedded]]:
    """(path, draft, embeddings) of the documents numbered from `first`; a number's document is always the same."""
    for number in range(first, first + count):
        yield f"{number // 1000:03}/{number:06}.md", *_document(pool, number)


def _document(pool: Pool, number: int) -> tuple[Draft, Embedded]:
    chance = random.Random(number)
    prose = [pool.prose[(number * 7919 + step) % len(pool.prose)] for step in range(PROSE_EACH)]
    text = _Text()
    title = " ".join(chance.choice(prose).text.split()[:8]) + f" ({number})"
    text.put(f"# {title}\n\n")
    for name, sentences in zip(SECTIONS, (prose[:3], prose[3:]), strict=False):
        start, _ = text.put(f"## {name}\n\n")
        _, end = text.say(sentences, "\n\n")
        text.passages.append(Passage(start, end, f"{title} > {name}"))
    start, _ = text.put(f"## {SECTIONS[-1]}\n\n")
    for step in range(LESSONS_EACH):
        text.put("- ")
        pair = _pair(pool.lessons, number * LESSONS_EACH + step)
        span = text.say(pair, "\n")
        text.lessons.append(Finding(*span, pair[0].kind or "insight", pair[0].polarity or "neutral", SECTIONS[-1]))
        if (step + 1) % LESSONS_A_PASSAGE == 0 or step + 1 == LESSONS_EACH:
            text.passages.append(Passage(start, span[1], f"{title} > {SECTIONS[-1]}"))
            start = text.length
    return _with_embeddings(pool, text, _metadata(title, chance))


def _pair(lessons: Sequence[PoolSentence], at: int) -> tuple[PoolSentence, PoolSentence]:
    """Pair number `at` of all pairs of two different sentences."""
    first, turn = at % len(lessons), at // len(lessons)
    if turn >= len(lessons) - 1:
        raise ValueError(f"{len(lessons)} sentences have no pair number {at}")
    return lessons[first], lessons[(first + 1 + turn) % len(lessons)]


def _metadata(title: str, chance: random.Random) -> Metadata:
    day = f"{chance.randint(2015, 2025)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    severity = f"SEV{chance.randint(1, 4)}" if chance.random() < 0.7 else None
    return Metadata(title, day, severity, chance.choice(TEAMS), tags=tuple(sorted(chance.sample(TAGS, 2))))


def _with_embeddings(pool: Pool, text: _Text, meta: Metadata) -> tuple[Draft, Embedded]:
    whole = "".join(text.parts)
    sentences = tuple(
        DraftSentence(start, end, passage, plain(sentence.text)) for start, end, passage, sentence in text.sentences
    )
    lessons = tuple(DraftLesson(item, plain(whole[item.start : item.end])) for item in text.lessons)
    headings = "\n".join(SECTIONS)
    draft = Draft(None, whole, meta, headings, tuple(text.passages), sentences, lessons)
    told = [(draft_sentence, item[3]) for draft_sentence, item in zip(sentences, text.sentences, strict=True)]
    rows = {draft_sentence.digest: sentence.embedding for draft_sentence, sentence in told}
    for lesson in lessons:
        parts = [(item, one) for item, one in told if lesson.finding.start <= item.start < lesson.finding.end]
        vectors = unit_vectors(np.stack([one.embedding for _, one in parts]))
        rows[lesson.digest] = rounded(pooled(vectors, [item.end - item.start for item, _ in parts]))
    known = _Known(pool.fingerprint, len(rows[lessons[0].digest]), {item.plain: one.pieces for item, one in told})
    return draft, embedded(draft, {}, known, rows)
