"""Org files, line by line: headings, drawers, blocks, tables and links to Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ingest.readers.reading import Reading
from ingest.readers.text import decode

_KEYWORD = re.compile(r"^#\+([\w-]+):\s*(.*)$")
_HEADING = re.compile(r"^(\*{1,8})\s+(\S.*)$")
_TAGS = re.compile(r"(?<!\s)\s++:([\w@#%:]+):\s*$")
_BEGIN = re.compile(r"^\s*#\+begin_(\w+)\s*(\S*)", re.IGNORECASE)
_END = re.compile(r"^\s*#\+end_(\w+)", re.IGNORECASE)
_DRAWER = re.compile(r"^\s*:([\w-]+):\s*$")
_PROPERTY = re.compile(r"^\s*:([\w+-]+):\s+(\S.*)$")
_CODE_BLOCKS = ("src", "example", "export")
_MAX_LINE = 20_000

Replacement = str | Callable[[re.Match[str]], str]
_INLINE: tuple[tuple[re.Pattern[str], Replacement], ...] = (
    (re.compile(r"\[\[(?:file:)?([^\]\[]+)\]\[([^\]]+)\]\]"), r"[\2](\1)"),
    (re.compile(r"\[\[([^\]\[]+)\]\]"), r"<\1>"),
    (re.compile(r"(?<![\w=])[=~](?=\S)([^=~\n]+?)(?<=\S)[=~](?![\w=])"), r"`\1`"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"**\1**"),
    (re.compile(r"(?<![\w/:])/(?=\S)([^/\n]+?)(?<=\S)/(?![\w/])"), r"*\1*"),
    (re.compile(r"^(\s*)([-+])\s+(\S.*?)\s+::\s+"), r"\1- **\3**: "),
    (re.compile(r"^(\s*)(\d+)\)\s"), r"\1\2. "),
)


def read(data: bytes, name: str) -> list[Reading]:
    """One Reading; `#+KEYWORD:` lines, properties and tags are its fields."""
    text, warnings = decode(data)
    lines = text.split("\n")
    fields = tuple(_fields(lines))
    title = next((value for key, value in fields if key == "title" and value), "")
    converted = _converted(lines, depth=1 if title else 0)
    heading = [f"# {title}", ""] if title else []
    return [Reading("\n".join([*heading, *converted]).strip() + "\n", fields=fields, warnings=warnings)]


def _fields(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if len(line) > _MAX_LINE:
            continue
        keyword, written, tags = _KEYWORD.match(line), _PROPERTY.match(line), _TAGS.search(line)
        if keyword and keyword[1].lower() == "filetags":
            yield "tags", keyword[2].strip(" :").replace(":", ", ")
        elif keyword or written:
            match = keyword or written
            yield (match[1].lower(), match[2].strip()) if match else ("", "")
        elif tags and _HEADING.match(line):
            yield "tags", tags[1].strip(":").replace(":", ", ")


def _converted(lines: list[str], depth: int) -> Iterator[str]:
    """Markdown lines; headings go `depth` levels down, to make room for the file's title."""
    block = ""
    in_drawer = False
    last_end = max((at for at, line in enumerate(lines) if line.strip().lower() == ":end:"), default=-1)
    for at, line in enumerate(lines):
        begin = _BEGIN.match(line)
        if block:
            end = _END.match(line)
            closes = bool(end and end[1].lower() == block)
            yield from _block_line(line, block, closes=closes)
            block = "" if closes else block
        elif in_drawer:
            in_drawer = line.strip().lower() != ":end:"
        elif begin:
            block = begin[1].lower()
            yield from [f"```{begin[2]}"] if block in _CODE_BLOCKS else []
        # A drawer that is never closed would swallow the rest of the document.
        elif at < last_end and _DRAWER.match(line):
            in_drawer = True
        else:
            yield from _line(line, depth)
    yield from ["```"] if block in _CODE_BLOCKS else []


def _block_line(line: str, block: str, *, closes: bool) -> list[str]:
    if block == "comment":
        return []
    if block in _CODE_BLOCKS:
        return ["```" if closes else line]
    return ["" if closes else f"> {_inline(line)}"]


def _line(line: str, depth: int) -> list[str]:
    if line.startswith("# ") or line.strip() == "#" or _KEYWORD.match(line):
        return []
    heading = _HEADING.match(line) if len(line) <= _MAX_LINE else None
    if heading:
        return [f"{'#' * min(6, len(heading[1]) + depth)} {_inline(_TAGS.sub('', heading[2]))}"]
    if re.match(r"^\s*\|[-+|]+\|?\s*$", line):
        return [line.replace("+", "|")]
    return [_inline(line)]


def _inline(text: str) -> str:
    if len(text) > _MAX_LINE:
        return text
    for pattern, replacement in _INLINE:
        text = pattern.sub(replacement, text)
    return text
