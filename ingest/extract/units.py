"""A document cut into the units that can be a lesson: a bullet, a table cell, a sentence, with what stands above it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from ingest.extract.cues import IMPERATIVES
from ingest.extract.roles import role_of
from ingest.syntax import RECENT_TEXTS, Block, blocks, plain, sentences

LONGEST_ITEM = 240
SHORTEST_LINKED = 10

_LABEL = re.compile(
    r"(?:\*\*|__)(?P<bold>[^*_\n]{2,60}?)(?:\*\*|__)[ \t]*(?P<mark>[:\uff1a]?)[ \t]*"
    r"|(?P<bare>[A-Z][A-Za-z'\u2019/& -]{2,40}?)[ \t]*(?P<colon>[:\uff1a])(?:\s+|$)"
)
_CLOCK = re.compile(
    r"\W{0,3}(?:(?:19|20)\d\d[-/.]\d\d?[-/.]\d\d?|\d{1,2}[:.h]\d\d\b|~?\d{1,2} ?[ap]\.?m\b|T[+-]\d)"
    r"|\W{0,3}(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d",
    re.I,
)
_FIELD_LINE = re.compile(r"(?:\*\*)?[A-Z][\w '\u2019/&()-]{1,40}?(?:\*\*)?:(?:\*\*)?[ \t]+\S")
_BULLET_LINE = re.compile(r"[\u2022\u25cf\u25aa\u25e6\u2023\u2043\u2013*-][ \t]+|\d{1,2}[.)][ \t]+")
_TAIL_LINK = re.compile(
    r"[\s:,;(\u2013-]*(?:<?https?://[^\s<>]*>?(?:\n\S*[/\d]\S*)*|\(?\[[^\[\]]{0,40}\]\([^()\s]*\)\)|\(?#\d+\)?"
    r"|(?<=[\s(])\[(?:#\d+|[\w-]*(?:issue|bug|pr|link|ticket|pull|bz)\b[^\[\]]{0,20}|[A-Z]+-\d+)\](?:\([^()\s]*\)|\[[^\[\]]*\])?\)?)[\s).]*$",
    re.I,
)
_ONLY_LINK = re.compile(r"\s*!?\[([^\[\]]{8,})\](?:\([^()\s]*\)|\[[^\[\]]*\])[\s.]*$")
_NOT_IN_HEADING = re.compile(r"[/#\d<>(){}`=]")
_QUOTE_MARK = re.compile(r"\n[ \t]*>[ \t]?")


@dataclass(frozen=True, slots=True)
class Unit:
    """A candidate. `role` comes from the nearest heading, label or column that has one, `outer` from the next one up.

    `linked` is True where all of it is the text of a link. `words` is the plain text; `nth` of
    `of` is its place among the sentences of block number `block`; `above` are
    the section titles without the document's own.
    """

    start: int
    end: int
    words: str
    kind: str
    role: str
    outer: str
    above: tuple[str, ...]
    block: int
    nth: int = 0
    of: int = 1
    depth: int = 0
    labelled: bool = False
    timed: bool = False
    quoted: bool = False
    checked: bool | None = None
    linked: bool = False


@dataclass(frozen=True, slots=True)
class _Piece:
    """A run of text under one heading and label, before it is cut into sentences."""

    start: int
    end: int
    kind: str
    above: tuple[str, ...]
    label: str = ""
    timed: bool = False


@dataclass(frozen=True, slots=True)
class Outline:
    """A document's blocks, its title heading and its units."""

    blocks: tuple[Block, ...]
    title: str | None
    units: tuple[Unit, ...]


@lru_cache(maxsize=RECENT_TEXTS)
def outline(text: str) -> Outline:
    """What `text` is made of, in document order."""
    found = blocks(text)
    first = next((block for block in found if block.kind == "heading"), None)
    title = plain(text[first.start : first.end]) if first and first.level == 1 else None
    return Outline(found, title, tuple(_units(text, found, title)))


def _units(text: str, found: tuple[Block, ...], title: str | None) -> Iterator[Unit]:
    labels = _Labels()
    for index, block in enumerate(found):
        if block.kind == "heading":
            labels.forget()
        if block.kind not in ("paragraph", "item", "cell"):
            continue
        path = block.path[1:] if title and block.path[:1] == (title,) else block.path
        for piece in _pieces(text, block):
            above = (*path, *labels.above(block, index, piece))
            if piece.start < piece.end:
                yield from _cut(text, replace(piece, above=above), block, index)


class _Labels:
    """The labels that hold for a block: of the items it hangs under, and the last one that stood alone."""

    def __init__(self) -> None:
        self.of_block: dict[int, tuple[str, ...]] = {}
        self.standing: tuple[int, str] | None = None

    def forget(self) -> None:
        self.standing = None

    def above(self, block: Block, index: int, piece: _Piece) -> tuple[str, ...]:
        inherited = self.of_block.get(block.parent, ()) if block.parent is not None else ()
        if block.column:
            inherited = (*inherited, block.column)
        if self.standing and block.depth <= self.standing[0] and piece.label and piece.start < piece.end:
            self.standing = None
        standing = (self.standing[1],) if self.standing and self.standing[1] not in inherited else ()
        own = (piece.label,) if piece.label else ()
        if own and piece.start >= piece.end:
            self.standing = (block.depth, piece.label)
            standing = ()
        if own and block.kind == "item":
            self.of_block[index] = (*inherited, *own)
        elif inherited:
            self.of_block[index] = inherited
        return (*standing, *inherited, *own)


def _pieces(text: str, block: Block) -> Iterator[_Piece]:
    """A block cut where a line is a lost heading, starts with a time, a bullet sign, or one of several named fields."""
    lines = list(_lines(text, block.start, block.end))
    fields = sum(bool(_FIELD_LINE.match(text, start, end)) for start, end in lines) > 1
    begin = block.start
    kind = block.kind
    for start, end in lines:
        heading = len(lines) > 1 and _is_lost_heading(text[start:end])
        if start > begin and (heading or _opens_piece(text, start, end, fields)):
            yield _labelled(text, begin, start, kind)
            begin, kind = start, "paragraph"
        if heading:
            yield _Piece(end, end, "paragraph", (), text[start:end].strip(" :*#"))
            begin, kind = end, "paragraph"
    yield _labelled(text, begin, block.end, kind)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        first = start + len(text[start:stop]) - len(text[start:stop].lstrip(" \t>"))
        yield first, stop
        start = stop + 1


def _opens_piece(text: str, start: int, end: int, fields: bool) -> bool:
    return bool(
        _CLOCK.match(text, start, end)
        or _BULLET_LINE.match(text, start, end)
        or (fields and _FIELD_LINE.match(text, start, end))
    )


def _is_lost_heading(line: str) -> bool:
    """Whether a line inside a paragraph is a heading that lost its mark, as in text taken from a PDF."""
    words = line.strip().rstrip(":").split()
    if not 1 <= len(words) <= 6 or line.rstrip()[-1:] in ".,;)" or _NOT_IN_HEADING.search(line):
        return False
    if not role_of(line.strip(" :*#")):
        return False
    capital = [word[:1].isupper() for word in words if len(word) > 3]
    return (
        words[0][:1].isupper()
        and words[0].isalpha()
        and (
            all(capital)
            or line.rstrip()[-1:] in "?:"
            or len(words) <= 2
            or bool(re.match(r"(what|where|how|why|when) ", line.lower()))
        )
    )


def _labelled(text: str, start: int, end: int, kind: str) -> _Piece:
    raw = text[start:end]
    start += len(raw) - len(raw.lstrip(" \t\n>"))
    end -= len(raw) - len(raw.rstrip())
    end = max(start, end)
    if bullet := _BULLET_LINE.match(text, start, end):
        start, kind = end - len(text[bullet.end() : end].lstrip()), "item"
    timed = bool(_CLOCK.match(text, start, end))
    found = _LABEL.match(text, start, end)
    if not found or timed:
        return _Piece(start, end, kind, (), timed=timed)
    label = (found["bold"] or found["bare"]).strip(" :")
    stands_alone = not text[found.end() : end].strip(" \t\n:-")
    known = bool(role_of(label)) and len(label.split()) <= (7 if stands_alone else 4)
    if label.split(" ", 1)[0].lower() in IMPERATIVES and not stands_alone and len(label.split()) > 2:
        known = False
    if not known or not (found["mark"] or found["colon"] or stands_alone or (found["bold"] or "").endswith(":")):
        return _Piece(start, end, kind, ())
    rest = text[found.end() : end]
    return _Piece(end - len(rest.lstrip(" \t\n>")), end, kind, (), label)


def _cut(text: str, piece: _Piece, block: Block, index: int) -> Iterator[Unit]:
    roles = [role for title in reversed(piece.above) if (role := role_of(title))]
    spans = sentences(text, piece.start, piece.end)
    if piece.kind in ("item", "cell") and piece.end - piece.start <= LONGEST_ITEM and len(spans) <= 3:
        spans = ((piece.start, piece.end),)
    for nth, (start, end) in enumerate(spans):
        link = _ONLY_LINK.match(text, start, end)
        if link:
            start, end = link.span(1)
        end = _without_tail_link(text, start, end)
        words = plain(_QUOTE_MARK.sub("\n", text[start:end]))
        if words:
            yield Unit(
                start,
                end,
                words,
                piece.kind,
                roles[0] if roles else "",
                roles[1] if len(roles) > 1 else "",
                piece.above,
                index,
                nth,
                len(spans),
                block.depth,
                bool(piece.label),
                piece.timed,
                block.quotes > 0,
                block.checked,
                bool(link),
            )


def _without_tail_link(text: str, start: int, end: int) -> int:
    """Where the unit ends without the issue link behind it; a unit that is only a link keeps it."""
    if not (
        text[end - 1 : end] in ")]>./" or "http" in text[max(start, end - 200) : end] or text[end - 1 : end].isdigit()
    ):
        return end
    found = _TAIL_LINK.search(text, max(start, end - 300), end)
    return found.start() if found and found.start() - start >= SHORTEST_LINKED else end
