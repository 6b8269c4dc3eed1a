"""How a document is cut: into sentences, which are embedded, and passages, which gather neighbours.

A sentence here is the smallest text worth showing: a sentence of prose, a list item's sentence, a table row,
some lines of code. Sentences do not overlap, so embedding a document costs its tokens once; a passage's
embedding is pooled from those of its sentences. Measured in docs/ranking.md: better than embedding passages
by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ingest.syntax import Block, blocks, plain, sentences
from retriever.lesson import Passage

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

PASSAGES_VERSION = "1"

# Characters in a passage, at most, unless its only sentence is longer.
PASSAGE_CHARS = 800

# Characters in a sentence, at most: the default model reads 256 tokens, some 900 characters of dense text.
SENTENCE_CHARS = 800

# Pasted code and logs are cut shorter, at line ends: their lines have less to do with each other.
CODE_CHARS = 400

# A value in the front matter with this many words is prose, such as a summary; shorter ones are facts.
PROSE_WORDS = 5

_FIELD = re.compile(r"^([\w-]+):[ \t]*[\"'>|]?[+-]?[ \t]*(\S.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)
_CELLS = ("cell", "header")


@dataclass(frozen=True, slots=True)
class Cut:
    """A passage and the spans of its sentences, in order; all offsets are into the document."""

    passage: Passage
    sentences: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is packed into passages: a sentence, or a heading, which is covered but not embedded."""

    start: int
    end: int
    section: str | None
    heading: bool = False


def split(text: str) -> tuple[Passage, ...]:
    """The passages of a document, in order; together they cover all of its visible text."""
    return tuple(item.passage for item in cut(text))


def cut(text: str) -> tuple[Cut, ...]:
    """The passages with their sentences; a heading is a sentence only where nothing follows it."""
    return tuple(_as_cut(group) for group in _packed(list(_pieces(text))))


def pooled(embeddings: NDArray[float32], lengths: Sequence[int]) -> NDArray[float32]:
    """The unit vector for sentences read together: their mean, weighted by the roots of their lengths."""
    total: NDArray[float32] = np.sqrt(np.asarray(lengths, np.float32)) @ embeddings
    return total / max(float(np.linalg.norm(total)), 1e-12)


def _pieces(text: str) -> Iterator[_Piece]:
    for block in _rows_joined(blocks(text)):
        if block.kind == "rule":
            continue
        if block.kind == "front_matter":
            yield from _prose_fields(text, block)
            continue
        section = " > ".join(block.path) or None
        if block.kind == "heading":
            yield _Piece(block.start, block.end, section, heading=True)
            continue
        spans = (
            ((block.start, block.end),) if block.kind in ("code", *_CELLS) else sentences(text, block.start, block.end)
        )
        limit = CODE_CHARS if block.kind == "code" else SENTENCE_CHARS
        for start, end in spans:
            for first, last in _shortened(text, start, end, limit):
                if plain(text[first:last]):
                    yield _Piece(first, last, section)


def _prose_fields(text: str, block: Block) -> Iterator[_Piece]:
    for field in _FIELD.finditer(text, block.start, block.end):
        if field[1] == "title" or len(field[2].split()) < PROSE_WORDS:
            continue
        for start, end in sentences(text, field.start(2), field.end(2)):
            for first, last in _shortened(text, start, end, SENTENCE_CHARS):
                yield _Piece(first, last, None)


def _rows_joined(found: Sequence[Block]) -> Iterator[Block]:
    """The blocks, with the cells of a table row as one."""
    current: Block | None = None
    for block in found:
        same_row = current is not None and block.kind in _CELLS and current.kind in _CELLS and block.row == current.row
        if current is not None and same_row:
            current = replace(current, end=max(current.end, block.end))
            continue
        if current is not None:
            yield current
        current = block
    if current is not None:
        yield current


def _shortened(text: str, start: int, end: int, limit: int) -> Iterator[tuple[int, int]]:
    """The span in parts of at most `limit` characters, cut at line ends, else spaces, else anywhere."""
    while end - start > limit:
        at = max(text.rfind("\n", start + 1, start + limit), -1)
        if at <= start:
            at = text.rfind(" ", start + 1, start + limit)
        if at <= start:
            at = start + limit
        yield start, at
        start = at
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        yield start, end


def _packed(pieces: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    """The pieces in groups; a new section starts a new one unless the old one is still small."""
    group: list[_Piece] = []
    for piece in pieces:
        if group:
            filled = group[-1].end - group[0].start
            full = piece.end - group[0].start > PASSAGE_CHARS
            new_section = piece.heading and not group[-1].heading and filled > PASSAGE_CHARS // 3
            if (full and not group[-1].heading) or new_section:
                yield group
                group = []
        group.append(piece)
    if group:
        yield group


def _as_cut(group: Sequence[_Piece]) -> Cut:
    told = [piece for piece in group if not piece.heading] or list(group)
    passage = Passage(group[0].start, group[-1].end, told[0].section)
    return Cut(passage, tuple((piece.start, piece.end) for piece in told))
