"""The verdict's closer looks: what has to be embedded further where what was found leaves it open."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from retriever.joint import Meant, likeliest_text, meaning_by_itself, steadiness
from retriever.record.kept import Kept
from retriever.sentences import nearest_window
from retriever.support import rests, support

if TYPE_CHECKING:
    from retriever.embedder import Embedder, Embeddings
    from retriever.question import Question
    from retriever.ranking import Ranked
    from retriever.verdict import Looks

# Of so many of the best documents the nearest sentences are compared with, and so many are read together with the
# question.
COMPARED = 3
READ = 2

# What so many texts mean by themselves is kept, and what was found for so many questions.
_KEPT_TEXTS = 500
_KEPT_QUESTIONS = 128


class CloserLooks:
    """Takes closer looks; safe to use from several threads."""

    def __init__(self) -> None:
        self._alone: Kept[Meant] = Kept(_KEPT_TEXTS)
        self._embed_all = functools.lru_cache(maxsize=_KEPT_QUESTIONS)(_embed_all)
        self._steadiest = functools.lru_cache(maxsize=_KEPT_QUESTIONS)(self._read_together)

    def at(self, embedder: Embedder, query: str, question: Question, ranking: Sequence[Ranked]) -> Looks:
        """How to look closer at what was found, by the names that the verdict has for it."""
        return {
            "support": functools.partial(self._support, embedder, query, question, ranking),
            "steady": lambda: self._steadiest(embedder, query, tuple(map(likeliest_text, ranking[:READ]))),
        }

    def _support(self, embedder: Embedder, query: str, question: Question, ranking: Sequence[Ranked]) -> float | None:
        """How far the best of `ranking` rests on each word of the question; None where that cannot be told."""
        told = rests(query, question)
        if question.embedding is None or not told:
            return None
        evidence = nearest_window(question.embedding, [item.bundle for item in ranking[:COMPARED]])
        if evidence is None:
            return None
        without = self._embed_all(embedder, tuple(rest for rest, _ in told))
        return support(question.embedding, without, [rarity for _, rarity in told], evidence)

    def _read_together(self, embedder: Embedder, query: str, texts: tuple[str, ...]) -> float | None:
        """How steady the steadiest of the texts is; None for a model that shows no tokens."""
        known = {text: self._alone.get(0, (embedder, text)) for text in texts}
        new = [text for text, meant in known.items() if meant is None]
        read = embedder.read_documents([*new, *(f"{query} {text}" for text in texts)])
        for text, found in zip(new, read, strict=False):
            known[text] = meaning_by_itself(found)
            self._alone.put(0, (embedder, text), meaning_by_itself(found))
        return max(
            (
                steadiness(meant, after)
                for text, after in zip(texts, read[len(new) :], strict=True)
                if (meant := known[text]) is not None and meant.tokens
            ),
            default=None,
        )


# Kept by what made them, so that a model which is missing at the moment leaves nothing behind.
def _embed_all(embedder: Embedder, queries: tuple[str, ...]) -> Embeddings:
    return embedder.encode_queries(queries)
