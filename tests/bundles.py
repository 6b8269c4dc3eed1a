"""Documents made by hand for tests of ranking, choice, highlights and verdict: two dimensions, few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from retriever.encoded import Encoded, without_tokens
from retriever.lesson import Document, Lesson, Metadata
from retriever.question import Question, read_question
from retriever.record.candidates import Bundle
from retriever.rounding import rounded
from retriever.senses import Senses
from retriever.words import query_words, tokens


def sense_vectors(senses: Senses, pieces: Any) -> Any:
    """The unit vector of each piece's sense; zeros where it has none."""
    return senses.nearness(pieces, np.eye(senses.rows.shape[1], dtype=np.float32))


class LetterPieces:
    """A table in which each word is one piece: rare words have high numbers, like words are near."""

    def __init__(self, table: Mapping[str, tuple[int, Sequence[float]]]) -> None:
        self._table = table

    def piece_ids(self, texts: Sequence[str]) -> list[Any]:
        return [np.asarray([self._table[word][0] for word in text.lower().split()], np.int32) for text in texts]

    def senses(self) -> Senses:
        """Each word means what the table says, wherever it stands."""
        numbers, vectors = zip(*self._table.values(), strict=True)
        directions = rounded(np.asarray(vectors, np.float32))
        return Senses.none(directions.shape[1]).with_changed(np.asarray(numbers), directions)

    def encoded(self, query: str, embedding: Any) -> Encoded:
        """The question as a model with this table reads it."""
        pieces = self.piece_ids([query])[0]
        return Encoded(embedding, pieces, sense_vectors(self.senses(), pieces))


def bundle(
    identity: str,
    sentences: Sequence[tuple[str, Sequence[float]]],
    *,
    stated: Sequence[int] = (),
    title: str = "",
    per_passage: int = 2,
    pieces: LetterPieces | None = None,
) -> Bundle:
    """A document of these sentences, each with its direction; those in `stated` are lessons."""
    text = " ".join(words for words, _ in sentences)
    spans, at = [], 0
    for words, _ in sentences:
        spans.append((at, at + len(words)))
        at += len(words) + 1
    rows = np.asarray([vector for _, vector in sentences], np.float32).reshape(len(sentences), -1 if sentences else 2)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    ids = pieces.piece_ids([words for words, _ in sentences]) if pieces else [np.zeros(0, np.int32)] * len(spans)
    return Bundle(
        key=int(identity, 36),
        document=Document(identity, "tests", f"{identity}.md", None, text, Metadata(title=title)),
        url_template=None,
        lessons=tuple(
            Lesson(f"{identity}-{number}", identity, sentences[number][0], *spans[number], kind="insight")
            for number in stated
        ),
        passages=(),
        spans=np.asarray(spans, np.int32).reshape(-1, 2),
        owners=np.arange(len(spans), dtype=np.int32) // per_passage,
        embeddings=rounded(rows),
        pieces=np.concatenate(ids).astype(np.int32) if ids else np.zeros(0, np.int32),
        piece_ends=np.cumsum([len(row) for row in ids]).astype(np.int32),
        body="\n".join(" ".join(tokens(words)) for words, _ in sentences),
        title=tuple(tokens(title)),
        labels=(),
        headings=(),
    )


def ask(
    query: str,
    direction: Sequence[float] | None,
    bundles: Sequence[Bundle],
    pieces: LetterPieces | None = None,
) -> Question:
    """The question over a memory of just these documents."""
    words = query_words(query)
    held = [{token for line in (item.title, *map(str.split, item.lines)) for token in line} for item in bundles]
    counts = {word.token: sum(word.token in tokens_of for tokens_of in held) for word in words}
    if direction is None:
        return read_question(words, None, counts, len(bundles), pieces)
    vector = np.asarray(direction, np.float32) / np.linalg.norm(direction)
    if pieces is None:
        return read_question(words, without_tokens(vector), counts, len(bundles))
    question = read_question(words, pieces.encoded(query, vector), counts, len(bundles), pieces)
    return replace(question, senses=pieces.senses())
