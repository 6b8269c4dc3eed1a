"""AsciiDoc, line by line: there is no Python library for it, and a report needs little of the language.

Headings, lists, code, tables, links, emphasis and admonitions become Markdown; a line of unknown markup stays
text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ingest.readers.reading import Reading
from ingest.readers.text import decode

_ATTRIBUTE = re.compile(r"^:([\w-]+)!?:(?:\s+(.*))?$")
_FENCES = ("----", "....", "++++", "--")
_WRAPPERS = ("====", "****", "____")
_COMMENT_BLOCK = "////"
_BLOCK_ATTRIBUTES = re.compile(r"^\[(?!\[)([^\]]*)\]$")
_ADMONITION = re.compile(r"^(NOTE|TIP|IMPORTANT|WARNING|CAUTION):\s+")
_INCLUDE = re.compile(r"^(?:include|ifdef|ifndef|ifeval|endif)::")

Replacement = str | Callable[[re.Match[str]], str]
_LINES: tuple[tuple[re.Pattern[str], Replacement], ...] = (
    (re.compile(r"^(={1,6})\s+(\S.*?)(?:(?<!\s)\s++=++)?$"), lambda match: "#" * len(match[1]) + " " + match[2]),
    (re.compile(r"^\s*(\*{1,5}|-)\s+(?=\S)"), lambda match: "  " * (len(match[1]) - 1) + "- "),
    (re.compile(r"^\s*(\.{1,5})\s+(?=\S)"), lambda match: "   " * (len(match[1]) - 1) + "1. "),
    (re.compile(r"^(?!\s*-)(\S.*?)::\s*(.*)$"), lambda match: f"**{match[1]}**: {match[2]}".rstrip()),
    (re.compile(r"^\.(?=[A-Z])(.+)$"), r"**\1**"),
    (_ADMONITION, r"**\1:** "),
    (re.compile(r"^'{3,}$"), "---"),
    (re.compile(r"\s\+$"), "  "),
)
_INLINE: tuple[tuple[re.Pattern[str], Replacement], ...] = (
    (re.compile(r"(?:link:)?(https?://[^\s\[\]]+)\[([^\]]*?)\^?\]"), lambda match: _link(match[2], match[1])),
    (re.compile(r"link:(\S+?)\[([^\]]+)\]"), r"[\2](\1)"),
    (re.compile(r"(?:xref:([^\s\[]+)\[([^\]]*)\])"), lambda match: match[2] or match[1]),
    (re.compile(r"<<([^<,>\n]+)(?:,\s*([^<>\n]+))?>>"), lambda match: match[2] or match[1]),
    (re.compile(r"image::?([^\s\[]+)\[([^\]]*)\]"), r"![\2](\1)"),
    (re.compile(r"(?<![\w*\\])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"**\1**"),
    (re.compile(r"(?<![\w_\\])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), r"*\1*"),
)
_MAX_LINE = 20_000


def read(data: bytes, name: str) -> list[Reading]:
    """One Reading; the attributes of the header, and its author and revision lines, are its fields."""
    text, warnings = decode(data)
    lines = text.split("\n")
    fields = _header_fields(lines)
    return [Reading("\n".join(_converted(lines)).strip() + "\n", fields=fields, warnings=warnings)]


def _header_fields(lines: list[str]) -> tuple[tuple[str, str], ...]:
    fields = []
    for number, line in enumerate(lines[:40]):
        match = _ATTRIBUTE.match(line)
        if match and match[2]:
            fields.append((match[1].lower(), match[2].strip()))
        elif number and lines[number - 1].startswith("= ") and "<" in line and "@" in line:
            fields.append(("author", line.strip()))
        elif not line.strip() and number and fields:
            break
    return tuple(fields)


def _converted(lines: list[str]) -> list[str]:
    """Markdown lines. A block's delimiter opens and closes it; what stands inside code is left alone."""
    kept: list[str] = []
    fence, table, language = "", False, ""
    # A comment that is never closed would swallow the rest of the document.
    last_comment = max((at for at, line in enumerate(lines) if line.rstrip() == _COMMENT_BLOCK), default=-1)
    for at, line in enumerate(line.rstrip() for line in lines):
        if fence:
            closes = line == fence
            if fence != _COMMENT_BLOCK:
                kept.append("```" if closes else line)
            fence = "" if closes else fence
        elif (line == _COMMENT_BLOCK and at < last_comment) or (line in _FENCES):
            fence = line
            kept += [] if line == _COMMENT_BLOCK else [f"```{language}"]
        elif line.startswith("|===") or table:
            table = not table if line.startswith("|===") else table
            kept += [] if line.startswith("|===") else _table_row(line, kept)
        elif attributes := _BLOCK_ATTRIBUTES.match(line):
            language = _language(attributes[1])
            continue
        else:
            kept += _line(line)
        language = ""
    return [*kept, "```"] if fence and fence != _COMMENT_BLOCK else kept


def _language(attributes: str) -> str:
    parts = [part.strip() for part in attributes.split(",")]
    return parts[1] if len(parts) > 1 and parts[0] == "source" else ""


def _line(line: str) -> list[str]:
    is_dropped = line.startswith("//") or line in _WRAPPERS or _ATTRIBUTE.match(line) or _INCLUDE.match(line)
    if is_dropped or line.startswith("[["):
        return []
    if line == "+":
        return [""]
    if len(line) > _MAX_LINE:
        return [line]
    for pattern, replacement in _LINES:
        line = pattern.sub(replacement, line)
    for pattern, replacement in _INLINE:
        line = pattern.sub(replacement, line)
    return [line]


def _table_row(line: str, before: list[str]) -> list[str]:
    """A row of a table that writes a row a line; its first row is taken for the header."""
    if not line.strip():
        return []
    cells = [re.sub(r"^[\d.+*^<>a-z]*$", "", cell).strip() for cell in re.split(r"(?<!\\)[\w.+*^<>]{0,3}\|", line)[1:]]
    row = "| " + " | ".join(cells) + " |"
    if before and before[-1].startswith("| "):
        return [row]
    return ["", row, "|" + " --- |" * len(cells)]


def _link(label: str, address: str) -> str:
    return f"[{label}]({address})" if label else f"<{address}>"
