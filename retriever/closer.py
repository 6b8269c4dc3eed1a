"""The verdict's closer looks: what has to be embedded further where what was found leaves it open."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from retriever.joint import QUESTION_CHARS, Meant, likeliest_text, meaning_by_itself, steadiness
from retriever.lesson import digest
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

# What a text means by itself depends on the text and the model, and on no state of the record.
_ALWAYS = 0


class CloserLooks:
    """Takes closer looks; safe to use from several threads."""

    def __init__(self) -> None:
        # By digest, so that no word of a document that is forgotten stays here.
        self._alone: Kept[Meant] = Kept(_KEPT_TEXTS)
        self._steadiest: Kept[float] = Kept(_KEPT_QUESTIONS)
        self._embed_all = functools.lru_cache(maxsize=_KEPT_QUESTIONS)(_embed_all)

    def at(self, embedder: Embedder, query: str, question: Question, ranking: Sequence[Ranked]) -> Looks:
        """How to look closer at what was found, by the names that the verdict has for it."""
        return {
            "support": functools.partial(self._support, embedder, query, question, ranking),
            "steady": functools.partial(self._steady, embedder, query, ranking),
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

    def _steady(self, embedder: Embedder, query: str, ranking: Sequence[Ranked]) -> float | None:
        """How steady the steadiest of the best texts is after the question; None where that cannot be told."""
        texts = [text for item in ranking[:READ] if (text := likeliest_text(item))]
        if not texts or len(query) > QUESTION_CHARS:
            return None
        name = (embedder, query, digest(*texts))
        found = self._steadiest.get(_ALWAYS, name)
        if found is None:
            found = self._read_together(embedder, query, texts)
            if found is not None:
                self._steadiest.put(_ALWAYS, name, found)
        return found

    def _read_together(self, embedder: Embedder, query: str, texts: Sequence[str]) -> float | None:
        known = {text: self._alone.get(_ALWAYS, (embedder, digest(text))) for text in texts}
        new = [text for text, meant in known.items() if meant is None]
        read = embedder.read_documents([*new, *(f"{query} {text}" for text in texts)])
        for text, found in zip(new, read, strict=False):
            meant = meaning_by_itself(found)
            self._alone.put(_ALWAYS, (embedder, digest(text)), meant)
            known[text] = meant
        after = zip(map(known.get, texts), read[len(new) :], strict=True)
        steady = [steadiness(alone, found) for alone, found in after if alone is not None]
        return max((value for value in steady if value is not None), default=None)


# Kept by what made them, so that a model which is missing at the moment leaves nothing behind.
def _embed_all(embedder: Embedder, queries: tuple[str, ...]) -> Embeddings:
    return embedder.encode_queries(queries)
