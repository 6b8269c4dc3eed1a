"""Markdown's syntax tree as a flat tuple of blocks with exact offsets, its sentences, and the words a reader sees.

Only block rules run; nothing here parses inline markup into a tree. All offsets are Unicode code points into
the text that was given, so `text[block.start:block.end]` is the source, verbatim.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

MAX_NESTING = 64

_CHECKBOX = re.compile(r"\[([ xX])\](?:[ \t]+|$)")
_LINE_MARKS = re.compile(r"^[ \t]*(?:(?:>|[-*+]|\d{1,9}[.)]|#{1,6}|\[[ xX]\])(?:[ \t]+|$))*")
_UNSEEN_LINE = re.compile(
    r"[ \t>]*+(?:(?:`{3,}+|~{3,}+)[ \t]*+[\w.+-]*+|[=*_-]{3,}+|\[[^\[\]]++\]:[ \t]*+\S++"
    r"|(?=[^\n-]*+-)[|:\- \t]++)[ \t]*+$"
)
_CLOSING_HASHES = re.compile(r"(?<=\S)[ \t]+#+$")
_IMAGE_OR_LINK = re.compile(
    r"!?\[([^\[\]]*)\](?:\((?:[^()\s]|\([^()\s]*\))*(?:\s+[\"'][^\"'\n]*[\"'])?\)|\[[^\[\]]*\])"
)
_AUTOLINK = re.compile(r"<([a-zA-Z][a-zA-Z0-9+.-]*:[^<>\s]*|[^<>\s@]+@[^<>\s]+)>")
_TAG = re.compile(r"<[!/?a-zA-Z][^<>]*>")
_STARS = re.compile(r"(?<![\\*])(?:\*+|~~)(?=[^\s*])|(?<=[^\s*\\])(?:\*+|~~)")
_UNDERSCORES = re.compile(r"(?<![\w\\])(?:__++|_(?=\S))|(?:(?<=[^\s\\_])|(?<=\\_))_++(?!\w)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_PIPE = re.compile(r"(?<!\\)\|")

_SENTENCE_END = re.compile(
    r"(?<![.!?\u2026])[.!?\u2026]++[\"'\u201d\u2019)\]*_`]*+(?=\s)|[\u3002\uff01\uff1f]++[\u300d\u300f\uff09]*+"
    r"|\n[ \t>]*+(?=\n)|(?:(?<! ) {2,}+|\\)(?=\n)|(?=\n[ \t]*+[\u2022\u25cf\u25aa\u25e6\u2023])"
)
_OPENING = " \t\n\r>\"'\u201c\u2018([*_"
_LAST_WORD = re.compile(r"[^\s(\[\"'*_]+$")
_IDENTIFIER = re.compile(r"[a-z]+(?:[A-Z]|[._/:@-]?\d|[._/@][a-z])")
_ABBREVIATIONS = frozenset(
    "e.g i.e eg ie etc vs cf ca approx resp incl excl esp mr mrs ms dr prof sr jr st no nr fig figs sec ch vol pp p "
    "ed eds al inc ltd corp co dept est min max avg sept oct nov dec jan feb mar apr jun jul aug a.m p.m u.s u.k "
    "z.b bzw usw".split()
)
_CONTAINERS = {"bullet_list": "list", "ordered_list": "list", "blockquote": "quote", "list_item": "item"}
_LEAVES = {"code_block": "code", "fence": "code", "html_block": "html", "hr": "rule", "front_matter": "front_matter"}


# The last texts' blocks are kept: each stage of an ingest asks for those of the document at hand.
RECENT_TEXTS = 4


@dataclass(frozen=True, slots=True)
class Block:
    """A leaf of the syntax tree.

    `kind` is one of heading, paragraph, item (the first paragraph of a list item), header (a cell that names its
    column), cell, code, html, rule, front_matter. `start` and `end` hold the content without heading marks, list
    marker and checkbox; for code, html and front matter the whole lines. `path` are the titles of the headings above
    (a heading's own is not among them), `level` a heading's 1 to 6, `depth` counts the lists and `quotes` the
    blockquotes around the block. `parent` is the index of the item that the block hangs under, `row` counts table
    rows from 0, `column` is the text above a cell, `checked` is None where there is no checkbox.
    """

    kind: str
    start: int
    end: int
    path: tuple[str, ...] = ()
    level: int = 0
    depth: int = 0
    quotes: int = 0
    parent: int | None = None
    row: int | None = None
    column: str | None = None
    checked: bool | None = None


@lru_cache(maxsize=RECENT_TEXTS)
def blocks(text: str) -> tuple[Block, ...]:
    """The blocks of `text` in document order; never raises. What nests deeper than `MAX_NESTING` is left out."""
    return tuple(_Flattener(text).run())


def sentences(text: str, start: int, end: int) -> tuple[tuple[int, int], ...]:
    """The spans of the sentences in `text[start:end]`, in order, without the white space around them."""
    found = []
    first = start
    for cut in _sentence_ends(text, start, end):
        found.append(_stripped(text, first, cut))
        first = cut
    found.append(_stripped(text, first, end))
    return tuple(span for span in found if span[0] < span[1])


def plain(text: str) -> str:
    """The words a reader of the rendered Markdown sees, on one line: no markers, marks, comments or link targets."""
    kept = [
        _CLOSING_HASHES.sub("", _LINE_MARKS.sub("", line))
        if line.lstrip(" \t>").startswith("#")
        else _LINE_MARKS.sub("", line)
        for line in _without_comments(text).splitlines()
        if not _UNSEEN_LINE.match(line)
    ]
    body = "\n".join(kept)
    words = []
    at = 0
    for start, end, ticks in _code_spans(body, 0, len(body)):
        words += [_unmarked(body[at:start]), body[start + ticks : end - ticks]]
        at = end
    return " ".join("".join([*words, _unmarked(body[at:])]).split())


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable("table").use(front_matter_plugin)
    parser.disable(["inline", "text_join"])
    # It puts its rules in order at its first text, and another thread must not find them half ordered.
    parser.parse("first")
    return parser


def _newlines_unified(text: str) -> str:
    """`text` of the same length, with line ends and characters that the parser would otherwise rewrite."""
    return text.replace("\r\n", " \n").replace("\r", "\n").replace("\0", "\ufffd")


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    body = text[start:end]
    return start + len(body) - len(body.lstrip()), start + len(body.rstrip()) if body.strip() else start


def _sentence_ends(text: str, start: int, end: int) -> Iterator[int]:
    codes = _code_spans(text, start, end)
    code = 0
    for found in _SENTENCE_END.finditer(text, start, end):
        while code < len(codes) and codes[code][1] <= found.start():
            code += 1
        inside = code < len(codes) and codes[code][0] < found.start()
        if not inside and _ends_sentence(text, start, end, found):
            yield found.end()


def _ends_sentence(text: str, start: int, end: int, found: re.Match[str]) -> bool:
    mark = found.group()
    if not mark or mark[0] in "\n\u3002\uff01\uff1f":
        return True
    following = text[found.end() : min(end, found.end() + 60)].lstrip(_OPENING)
    if following[:1].islower() and not _IDENTIFIER.match(following):
        return False
    if mark[0] != ".":
        return True
    before = _LAST_WORD.search(text[max(start, found.start() - 24) : found.start()])
    word = before.group() if before else ""
    initial = len(word) == 1 and word.isalpha() and word != "I"
    numbering = word.isdigit() and not text[start : found.start() - len(word)].strip(_OPENING)
    return not (initial or numbering or word.lower() in _ABBREVIATIONS)


def _code_spans(text: str, start: int, end: int) -> list[tuple[int, int, int]]:
    """(start, end, number of backticks) of each code span, as CommonMark pairs them; linear in the text."""
    runs = [run.span() for run in re.finditer("`+", text[start:end])]
    waiting: dict[int, list[int]] = {}
    for index in range(len(runs) - 1, -1, -1):
        waiting.setdefault(runs[index][1] - runs[index][0], []).append(index)
    found = []
    at = 0
    while at < len(runs):
        ticks = runs[at][1] - runs[at][0]
        same = waiting[ticks]
        while same and same[-1] <= at:
            same.pop()
        if same:
            found.append((start + runs[at][0], start + runs[same[-1]][1], ticks))
            at = same[-1]
        at += 1
    return found


def _without_comments(text: str) -> str:
    first, *rest = text.split("<!--")
    return first + "".join(part.partition("-->")[2] if "-->" in part else f"<!--{part}" for part in rest)


def _unmarked(text: str) -> str:
    text = _IMAGE_OR_LINK.sub(r"\1", _IMAGE_OR_LINK.sub(r"\1", text))
    text = _TAG.sub("", _AUTOLINK.sub(r"\1", text))
    text = _UNDERSCORES.sub("", _STARS.sub("", text))
    return _ESCAPE.sub(r"\1", html.unescape(_PIPE.sub(" ", text)))


def _with_next(tokens: list[Token]) -> Iterator[tuple[Token, Token]]:
    return zip(tokens, [*tokens[1:], *tokens[-1:]], strict=True)


class _Flattener:
    """Walks the tokens of one text and keeps what surrounds the current one."""

    def __init__(self, text: str) -> None:
        self.text = _newlines_unified(text)
        self.starts = [0, *(found.end() for found in re.finditer("\n", self.text)), len(self.text) + 1]
        self.cursor = 0
        self.found: list[Block] = []
        self.headings: list[tuple[int, str]] = []
        self.items: list[int | None] = []
        self.lists = self.quotes = 0
        self.row = -1
        self.columns: list[str] = []
        self.cell = 0

    def run(self) -> list[Block]:
        for token, after in _with_next(_parser().parse(self.text)):
            name = token.type.removesuffix("_open").removesuffix("_close")
            if name in _CONTAINERS:
                self._surround(_CONTAINERS[name], token.nesting)
            elif token.type in _LEAVES:
                self._add(_LEAVES[token.type], *self._lines(token))
            elif token.type in ("heading_open", "paragraph_open"):
                self._text_block(token, after)
            elif token.type in ("table_open", "tr_open", "th_open", "td_open"):
                self._table(token, after)
        return self.found

    def _surround(self, container: str, nesting: int) -> None:
        if container == "list":
            self.lists += nesting
        elif container == "quote":
            self.quotes += nesting
        elif nesting == 1:
            self.items.append(None)
        else:
            self.items.pop()

    def _lines(self, token: Token) -> tuple[int, int]:
        first, last = token.map or [0, 0]
        start = self.starts[first]
        end = max(start, min(self.starts[last] - 1, len(self.text)))
        return start, start + len(self.text[start:end].rstrip())

    def _content(self, token: Token, inline: Token) -> tuple[int, int]:
        """Where the inline content stands in the text: the parser tells lines, so its words are looked up there."""
        start, end = self._lines(token)
        start = max(start, min(self.cursor, end))
        content = inline.content.strip()
        first, _, _ = content.partition("\n")
        at = self.text.find(first, start, end) if first else -1
        if at < 0:
            return _stripped(self.text, start, end)
        if "\n" not in content:
            return at, at + len(first)
        tail = content.rpartition("\n")[2].strip()
        last = self.text.rfind(tail, at + len(first), end)
        return at, last + len(tail) if last >= 0 else end

    def _text_block(self, token: Token, inline: Token) -> None:
        start, end = self._content(token, inline)
        if token.type == "heading_open":
            self._heading(int(token.tag[1:]), start, end)
            return
        box = None
        kind = "item" if self.items and self.items[-1] is None else "paragraph"
        if kind == "item" and (found := _CHECKBOX.match(self.text, start, end)):
            box = found.group(1) != " "
            start = found.end()
        self._add(kind, start, end, checked=box)

    def _heading(self, level: int, start: int, end: int) -> None:
        while self.headings and self.headings[-1][0] >= level:
            self.headings.pop()
        self._add("heading", start, end, level=level)
        self.headings.append((level, plain(self.text[start:end])))

    def _table(self, token: Token, inline: Token) -> None:
        if token.type == "table_open":
            self.row, self.columns = -1, []
        elif token.type == "tr_open":
            self.row, self.cell = self.row + 1, 0
            self.cursor = self.starts[token.map[0]] if token.map else self.cursor
        else:
            self._cell(token, inline)

    def _cell(self, token: Token, inline: Token) -> None:
        line = self.text.find("\n", self.cursor)
        end = len(self.text) if line < 0 else line
        # The parser unescapes `\|`, which is the one way in which a cell is not found verbatim.
        pattern = re.escape(inline.content).replace(r"\|", r"\\?\|")
        found = re.compile(pattern).search(self.text, self.cursor, end) if inline.content else None
        if token.type == "th_open":
            self.columns.append(plain(inline.content))
        if found:
            is_header = token.type == "th_open"
            column = self.columns[self.cell] if self.cell < len(self.columns) and not is_header else None
            self._add("header" if is_header else "cell", *found.span(), row=self.row, column=column)
        self.cell += 1

    def _add(self, kind: str, start: int, end: int, **more: object) -> None:
        parent = next((item for item in reversed(self.items) if item is not None), None)
        block = Block(
            kind,
            start,
            end,
            tuple(title for _, title in self.headings),
            depth=self.lists,
            quotes=self.quotes,
            parent=parent,
        )
        if self.items and self.items[-1] is None:
            self.items[-1] = len(self.found)
        self.found.append(replace(block, **more))  # type: ignore[arg-type]
        self.cursor = end
