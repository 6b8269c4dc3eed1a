"""What to mark in a text: the question's words, and the sentence that answers where it does not use them.

A word is marked in all its forms, because it is compared by its stem; a compound also by its parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from retriever.words import tokens

if TYPE_CHECKING:
    from retriever.choosing import Choice
    from retriever.question import Question

_WORD = re.compile(r"\w+(?:['’]\w+)?")

# Words that hold less than this share of the question are no reason to have matched; then the sentence is.
TOLD_BY_WORDS = 0.3

# Words this far apart or nearer are marked as one stretch.
_GAP = re.compile(r"[\s\-_/.,:'\"’]{0,2}")


def highlight(choice: Choice, question: Question) -> tuple[tuple[int, int], ...]:
    """(start, end) in the text shown, sorted and apart: the matching words, or else the best sentence."""
    text = choice.ranked.bundle.document.text[choice.start : choice.end]
    marks, share = _words(text, question)
    if share < TOLD_BY_WORDS:
        sentence = _best_sentence(choice)
        marks = [sentence] if sentence else marks
    return merged(text, marks)


def merged(text: str, marks: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The marks in order, within `text`, those that touch or are a space apart as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted((max(0, start), min(len(text), end)) for start, end in marks):
        if start >= end:
            continue
        if found and (start <= found[-1][1] or _GAP.fullmatch(text, found[-1][1], start)):
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def _words(text: str, question: Question) -> tuple[list[tuple[int, int]], float]:
    """The words of `text` that the question has, and the share of the question that they are."""
    idf = question.idf
    asked = frozenset(idf)
    marks = []
    seen: set[str] = set()
    for found in _WORD.finditer(text):
        held = _tokens_of(found.group())
        if not asked.isdisjoint(held):
            marks.append(found.span())
            seen |= asked & held
    return marks, sum(idf[token] for token in seen) / question.total_idf


@lru_cache(maxsize=8192)
def _tokens_of(word: str) -> frozenset[str]:
    # Texts repeat their words, and answers their texts.
    return frozenset(tokens(word))


def _best_sentence(choice: Choice) -> tuple[int, int] | None:
    """The sentence of the text that is nearest to the question in meaning, relative to the text."""
    spans = choice.ranked.bundle.spans
    inside = np.flatnonzero((spans[:, 0] < choice.end) & (spans[:, 1] > choice.start))
    if not inside.size:
        return None
    # The first of those that are as near: sentences stand in order.
    start, end = spans[inside[np.argmax(choice.ranked.nearness[inside])]].tolist()
    return start - choice.start, end - choice.start
