"""Marks and anchors in rendered text: spans of the source in, HTML of one leaf at a time out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from retriever.web.alignment import UNKNOWN, Piece


@dataclass(frozen=True, slots=True)
class Mark:
    """A span of the source to be marked, with its CSS classes; its first visible character gets the `id`."""

    start: int
    end: int
    classes: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in the source that an address can name: the first visible character at or behind `start`."""

    start: int
    id: str


class Marker:
    """Writes the pieces of one document, in order, with its marks and anchors."""

    def __init__(self, marks: Iterable[Mark] = (), anchors: Iterable[Anchor] = ()) -> None:
        self.marks = sorted((mark for mark in marks if mark.start < mark.end), key=lambda m: (m.start, m.end))
        self.waiting = sorted(anchors, key=lambda anchor: anchor.start, reverse=True)
        self.cuts = sorted(
            {mark.start for mark in self.marks}
            | {mark.end for mark in self.marks}
            | {anchor.start for anchor in self.waiting}
        )
        self.named: set[str] = set()

    def write(self, pieces: Sequence[Piece]) -> str:
        """The pieces as HTML."""
        return "".join(self._piece(piece) for piece in pieces)

    def remaining_anchors(self) -> str:
        """The anchors for which no visible text was left."""
        written = "".join(_anchor(anchor.id) for anchor in reversed(self.waiting))
        self.waiting = []
        return written

    def _piece(self, piece: Piece) -> str:
        if piece.start == UNKNOWN:
            return _shown(piece.text)
        if piece.end - piece.start != len(piece.text):
            return self._run(piece.start, piece.text)
        written = []
        begin = piece.start
        for cut in self.cuts[bisect_right(self.cuts, piece.start) :]:
            if cut >= piece.end:
                break
            written.append(self._run(begin, piece.text[begin - piece.start : cut - piece.start]))
            begin = cut
        written.append(self._run(begin, piece.text[begin - piece.start :]))
        return "".join(written)

    def _run(self, start: int, text: str) -> str:
        """`text`, which no mark's edge divides."""
        anchors = ""
        while text.strip() and self.waiting and self.waiting[-1].start <= start:
            anchors += _anchor(self.waiting.pop().id)
        over = [mark for mark in self.marks if mark.start <= start < mark.end]
        if not over or not text:
            return anchors + _shown(text)
        classes = " ".join(dict.fromkeys(mark.classes for mark in over if mark.classes))
        new = next((mark.id for mark in over if mark.id and mark.id not in self.named and text.strip()), "")
        self.named.add(new)
        identity = f' id="{escape(new)}"' if new else ""
        return f'{anchors}<mark class="{escape(classes)}"{identity}>{_shown(text)}</mark>'


def _shown(text: str) -> str:
    # As the sanitizer writes text: quotes end nothing between elements.
    return escape(text, quote=False)


def _anchor(name: str) -> str:
    return f'<span class="anchor" id="{escape(name)}"></span>'
