"""Where each rendered character stands in the Markdown it came from.

markdown-it says which lines a block covers and no more. Writing marks into the source before it is parsed
would change what it means: a mark at the start of a line stops a list, one inside a link breaks the link.
So the text is parsed as it is, and the leaves of the syntax tree, which hold the source's own characters in
the source's order, are then found again in their lines. A leaf that cannot be found keeps its text and only
loses its marks.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markdown_it.helpers import parseLinkDestination, parseLinkTitle
from markdown_it.token import Token

PIECES = "pieces"
UNKNOWN = -1
_LINE_END = re.compile(r"\r\n|\r|\n")
_BETWEEN_CELLS = string.whitespace + "\u00a0|"


@dataclass(frozen=True, slots=True)
class Piece:
    """Rendered text and the span of the source that it shows; `start` is UNKNOWN where it was not found.

    Where the lengths differ, as in `&amp;` for `&`, the piece cannot be divided.
    """

    start: int
    end: int
    text: str


def align(tokens: Sequence[Token], text: str, start: int = 0) -> list[Token]:
    """`tokens`, parsed from `text[start:]`, with the pieces of each leaf in its `meta`.

    Cells beyond a table's header, which Markdown drops, come back as cells.
    """
    source = _Source(text, start)
    aligned: list[Token] = []
    cell = False
    for token in tokens:
        if token.type == "tr_close":
            aligned.extend(source.cells_left(aligned))
        if token.type == "inline":
            _InlineWalk(token.content, source.offsets_of(token, cell)).visit(token.children or ())
        elif token.type in _VERBATIM:
            token.meta[PIECES] = source.pieces_of_lines(token, _VERBATIM[token.type])
        cell = token.type in ("th_open", "td_open")
        aligned.append(token)
    return aligned


# Leaves that hold whole lines, and how many lines stand before their first.
_VERBATIM: Mapping[str, int] = {"fence": 1, "code_block": 0, "html_block": 0}


class _Source:
    """The lines of the source, and how far each has been read."""

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.lines: list[tuple[int, int]] = []
        for match in _LINE_END.finditer(text, start):
            self.lines.append((start, match.start()))
            start = match.end()
        self.lines.append((start, len(text)))
        self.read: dict[int, int] = {}

    def line(self, number: int) -> tuple[int, int]:
        return self.lines[number] if number < len(self.lines) else (len(self.text), len(self.text))

    def offsets_of(self, token: Token, cell: bool) -> list[int]:
        """For each character of an inline token's content, and for its end, the offset in the source."""
        first = token.map[0] if token.map else 0
        # Content is stripped of more than Markdown's own spaces, so its first line may be a later one.
        while token.content and first < len(self.lines) and not self.text[slice(*self.lines[first])].strip():
            first += 1
        offsets: list[int] = []
        for index, line in enumerate(token.content.split("\n")):
            start, end = self.line(first + index)
            begin = self.read.get(first + index, start)
            found = self._find(line.strip(), begin, end, cell)
            self.read[first + index] = found[-1] + 1 if found else begin
            leading = len(line) - len(line.lstrip())
            anchor = found[0] if found else begin
            offsets += [anchor] * leading + found
            offsets += [min(end, self.read[first + index])] * (len(line) - leading - len(found)) + [end]
        return offsets

    def _find(self, wanted: str, begin: int, end: int, cell: bool) -> list[int]:
        whole = self.text[begin:end].rstrip()
        if not cell and whole.endswith(wanted):
            at = begin + len(whole) - len(wanted)
        else:
            at = self.text.find(wanted, begin, end)
        if at >= 0:
            return list(range(at, at + len(wanted)))
        return self._find_each(wanted, begin, end)

    def _find_each(self, wanted: str, begin: int, end: int) -> list[int]:
        """Offsets of the characters one by one, for a cell whose escaped bars lost their backslashes."""
        offsets = []
        for character in wanted:
            at = self.text.find(character, begin, end)
            offsets.append(at if at >= 0 else begin)
            begin = at + 1 if at >= 0 else begin
        return offsets

    def cells_left(self, aligned: Sequence[Token]) -> list[Token]:
        """What stands in a table's row behind its last cell, as one more cell."""
        inline = next((token for token in reversed(aligned) if token.type in ("inline", "tr_open")), None)
        if inline is None or inline.map is None or inline.type == "tr_open":
            return []
        number = inline.map[0]
        start, end = self.line(number)
        begin = self.read.get(number, start)
        left = self.text[begin:end].lstrip(_BETWEEN_CELLS)
        content = left.rstrip(_BETWEEN_CELLS)
        if not content:
            return []
        begin = end - len(left)
        leaf = Token("text", "", 0, content=content)
        leaf.meta[PIECES] = (Piece(begin, begin + len(content), content),)
        cell = Token("inline", "", 0, content=content, children=[leaf])
        return [Token("td_open", "td", 1, block=True), cell, Token("td_close", "td", -1, block=True)]

    def pieces_of_lines(self, token: Token, skipped: int) -> tuple[Piece, ...]:
        first = (token.map[0] if token.map else 0) + skipped
        pieces = []
        for index, line in enumerate(re.findall(r"[^\n]*\n|[^\n]+", token.content)):
            start, end = self.line(first + index)
            bare = line.rstrip("\n")
            if self.text[start:end].endswith(bare):
                pieces.append(Piece(end - len(bare), end - len(bare) + len(line), line))
            else:
                pieces.append(Piece(UNKNOWN, UNKNOWN, line))
        return tuple(pieces)


class _InlineWalk:
    """A walk through the leaves of one inline token beside the content that they were parsed from."""

    def __init__(self, content: str, offsets: Sequence[int]) -> None:
        self.content = content
        self.offsets = offsets
        self.position = 0
        self.is_autolink = False

    def visit(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            step = _STEPS.get(token.type, _InlineWalk.markup)
            step(self, token)

    def take(self, wanted: str) -> int:
        """The next position of `wanted`, behind which the walk then stands; UNKNOWN if there is none."""
        at = self.content.find(wanted, self.position)
        if at < 0:
            return UNKNOWN
        self.position = at + len(wanted)
        return at

    def pieces(self, at: int, text: str, length: int) -> tuple[Piece, ...]:
        """`text`, which shows `length` characters of the content at `at`, divided where the source is."""
        if at == UNKNOWN:
            return (Piece(UNKNOWN, UNKNOWN, text),)
        if length != len(text):
            return (Piece(self.offsets[at], self.offsets[at] + length, text),)
        if length and self.offsets[at : at + length] == list(range(self.offsets[at], self.offsets[at] + length)):
            # Nearly always; the steps below are for what stands on several lines or had a backslash taken out.
            return (Piece(self.offsets[at], self.offsets[at] + length, text),)
        pieces, begin = [], 0
        for index in range(1, length + 1):
            if index == length or self.offsets[at + index] != self.offsets[at + index - 1] + 1:
                start = self.offsets[at + begin]
                pieces.append(Piece(start, start + index - begin, text[begin:index]))
                begin = index
        return tuple(pieces)

    def markup(self, token: Token) -> None:
        if token.markup:
            self.take(token.markup)

    def leaf(self, token: Token) -> None:
        token.meta[PIECES] = self.pieces(self.take(token.content), token.content, len(token.content))

    def special(self, token: Token) -> None:
        written = token.markup or token.content
        token.meta[PIECES] = self.pieces(self.take(written), token.content, len(written))

    def line_break(self, token: Token) -> None:
        token.meta[PIECES] = self.pieces(self.take("\n"), "\n", 1)

    def code(self, token: Token) -> None:
        opened = self.take(token.markup)
        at = self.position
        inside = self.content[at : at + len(token.content) + 1].replace("\n", " ")
        if opened != UNKNOWN and not inside.startswith(token.content):
            at = at + 1 if inside[1:] == token.content else UNKNOWN
        token.meta[PIECES] = self.pieces(at if opened != UNKNOWN else UNKNOWN, token.content, len(token.content))
        if at != UNKNOWN:
            self.position = at + len(token.content)
        self.take(token.markup)

    def link_open(self, token: Token) -> None:
        self.is_autolink = token.markup == "autolink"
        self.take("<" if self.is_autolink else "[")

    def link_close(self, token: Token) -> None:
        if self.take(">" if token.markup == "autolink" else "]") == UNKNOWN or token.markup == "autolink":
            return
        follows = self.content[self.position : self.position + 1]
        if follows == "(":
            self.position = _end_of_destination(self.content, self.position + 1)
        elif follows == "[":
            self.take("]")

    def image(self, token: Token) -> None:
        self.take("![")
        self.visit(token.children or ())
        self.link_close(token)


_STEPS: Mapping[str, Callable[[_InlineWalk, Token], None]] = {
    "text": _InlineWalk.leaf,
    "html_inline": _InlineWalk.leaf,
    "text_special": _InlineWalk.special,
    "softbreak": _InlineWalk.line_break,
    "hardbreak": _InlineWalk.line_break,
    "code_inline": _InlineWalk.code,
    "link_open": _InlineWalk.link_open,
    "link_close": _InlineWalk.link_close,
    "image": _InlineWalk.image,
}


def _end_of_destination(content: str, position: int) -> int:
    """The position behind `(destination "title")`, whose inside begins at `position`; else `position - 1`."""
    limit = len(content)
    destination = parseLinkDestination(content, _skip_space(content, position), limit)
    at = _skip_space(content, destination.pos) if destination.ok else _skip_space(content, position)
    title = parseLinkTitle(content, at, limit)
    if title.ok:
        at = _skip_space(content, title.pos)
    return at + 1 if content[at : at + 1] == ")" else position - 1


def _skip_space(content: str, position: int) -> int:
    while content[position : position + 1] in (" ", "\t", "\n"):
        position += 1
    return position
