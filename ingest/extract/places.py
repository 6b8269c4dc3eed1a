"""Spans compared by place: by letters and digits alone, so that marks, links and line breaks do not matter."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

Span = tuple[int, int]


class Places:
    """A text's letters and digits, lower case, and where each stands."""

    def __init__(self, text: str) -> None:
        kept = [(letter, at) for at, char in enumerate(text) if char.isalnum() for letter in char.lower()]
        self.letters = "".join(letter for letter, _ in kept)
        self._at = [at for _, at in kept]

    def span(self, start: int, end: int) -> Span:
        """The letters between two offsets of the text."""
        return bisect_left(self._at, start), bisect_left(self._at, end)

    def find(self, text: str) -> tuple[Span, ...]:
        """Every place where `text` stands, in order; () where it does not."""
        wanted = "".join(letter for char in text if char.isalnum() for letter in char.lower())
        found = []
        at = self.letters.find(wanted) if wanted else -1
        while at >= 0:
            found.append((at, at + len(wanted)))
            at = self.letters.find(wanted, at + len(wanted))
        return tuple(found)


def covered(span: Span, others: Iterable[Span]) -> float:
    """The share of `span` that lies in the union of `others`, in [0, 1]."""
    length = span[1] - span[0]
    at, inside = span[0], 0
    for start, end in sorted(others):
        start, end = max(start, at), min(end, span[1])
        if start < end:
            inside += end - start
            at = end
    return inside / length if length else 0.0
