"""Printed lines to Markdown: headings, bullets and whole paragraphs, without what print added to every page.

Nothing but repeated headers and footers, page numbers and dot leaders is dropped, and the order is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from ingest.readers.pdf_lines import HYPHEN, Line

_MARGIN = 0.13
_MARGIN_LINES = 3
_SAME_HEIGHT = 3.0
_HEADING_SCALE = 1.12
_MAX_HEADING = 120
_LOOSEST_PITCH = 1.3
_BULLET = re.compile(r"^(?:[•●▪◦■□‣⁃∙·\uf0b7\uf0a7\uf0d8➢➤✓*–—-]|o)\s+(?=\S)")
_NUMBERED = re.compile(r"^(?:\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]|\d{1,2}(?:\.\d{1,2}){1,4}\.?)\s+\S")
_STAMP = re.compile(r"^(?:\d{1,2}[:.]\d\d\b|\d{4}-\d\d-\d\d\b|INCIDENT #)")
_CAPTION = re.compile(r"^(?:fig(?:ure)?|table|photo|image|source)\b[.:]?\s", re.IGNORECASE)
_PAGE_NUMBER = re.compile(
    r"^[\s|›‹–—-]*(?:page\s*)?(?:\d{1,3}|[ivxlc]{1,6})(?:\s*(?:/|of)\s*\d{1,4})?[\s|›‹–—-]*$", re.IGNORECASE
)
_LEADERS = re.compile(r"(?:\s?\.){5,}\s*")
_OPEN_ADDRESS = re.compile(r"https?://\S+$")
_TERMINAL = (".", "!", "?", ":", ";")
_MARKUP = re.compile(r"^(?=#{1,6}\s|>|[=-]{3,}\s*$|`{3})")
_TAG_LIKE = re.compile(r"<(?=[A-Za-z/!?])")


@dataclass(slots=True)
class _Block:
    """Lines that read as one heading, bullet or paragraph; level 0 is no heading."""

    lines: list[Line] = field(default_factory=list)
    level: int = 0
    is_bullet: bool = False


@dataclass(frozen=True, slots=True)
class _Style:
    """What is usual in this document: against it headings and paragraph gaps stand out."""

    body_size: float
    body_is_bold: bool
    levels: dict[float, int]
    pitch: dict[float, float]


def markdown_of(pages: list[list[Line]], heights: list[float]) -> str:
    """The document as Markdown; `heights` are those of the pages, in points."""
    lines = _without_margins(pages, heights)
    if not lines:
        return ""
    style = _style_of(lines)
    words = Counter(word for line in lines for word in re.findall(r"[^\W\d_]+", line.text.lower()))
    blocks = _blocks(lines, style)
    base = min((block.lines[0].left for block in blocks if block.is_bullet), default=0.0)
    return "\n\n".join(_rendered(blocks, words, base)).strip() + "\n"


def _without_margins(pages: list[list[Line]], heights: list[float]) -> list[Line]:
    """All lines but page numbers and those near an edge that come back at the same height on other pages."""
    margins = [_margin(lines, height) for lines, height in zip(pages, heights, strict=True)]
    places: dict[str, list[float]] = {}
    for line in (line for margin in margins for line in margin):
        places.setdefault(_shape(line), []).append(line.bottom)
    needed = min(3, len(pages))
    frame = {
        id(line)
        for line in (line for margin in margins for line in margin)
        if _PAGE_NUMBER.match(line.text)
        or sum(abs(bottom - line.bottom) < _SAME_HEIGHT for bottom in places[_shape(line)]) >= needed
    }
    return [line for lines in pages for line in lines if len(pages) < 2 or id(line) not in frame]


def _margin(lines: list[Line], height: float) -> list[Line]:
    ordered = sorted(lines, key=lambda line: line.bottom)
    low = [line for line in ordered[:_MARGIN_LINES] if line.bottom < _MARGIN * height]
    return low + [line for line in ordered[-_MARGIN_LINES:] if line.top > (1 - _MARGIN) * height]


def _shape(line: Line) -> str:
    """A line without what changes from page to page."""
    text = re.sub(r"\d+|\b[ivxlc]{1,6}\b", "#", line.text.lower())
    return re.sub(r"[^\w#]+", " ", text).strip()


def _style_of(lines: list[Line]) -> _Style:
    weight: Counter[tuple[float, bool]] = Counter()
    pitches: dict[float, Counter[float]] = {}
    for line in lines:
        weight[line.size, line.is_bold] += len(line.text)
    for above, below in pairwise(lines):
        pitch = round(2 * (above.bottom - below.bottom)) / 2
        if above.page == below.page and above.size == below.size and 0 < pitch < 2.5 * below.size:
            pitches.setdefault(below.size, Counter())[pitch] += 1
    (body_size, body_is_bold), _ = weight.most_common(1)[0]
    sizes = sorted({line.size for line in lines if line.size >= _HEADING_SCALE * body_size}, reverse=True)
    return _Style(
        body_size,
        body_is_bold,
        _levels(sizes),
        {size: min(usual, key=lambda pitch: (-usual[pitch], pitch)) for size, usual in pitches.items()},
    )


def _levels(sizes: list[float]) -> dict[float, int]:
    """Heading levels from 1 by falling size; sizes within 4 % are one."""
    levels: dict[float, int] = {}
    level, leader = 0, 0.0
    for size in sizes:
        if not leader or size < 0.96 * leader:
            level, leader = min(level + 1, 5), size
        levels[size] = level
    return levels


def _blocks(lines: list[Line], style: _Style) -> list[_Block]:
    blocks: list[_Block] = []
    for line, level in zip(lines, _heading_levels(lines, style), strict=True):
        if blocks and _continues(blocks[-1], line, level, style):
            blocks[-1].lines.append(line)
        else:
            blocks.append(_Block([line], level, is_bullet=not level and bool(_BULLET.match(line.text))))
    return blocks


def _heading_levels(lines: list[Line], style: _Style) -> list[int]:
    """The heading level of each line, 0 for none; lines set alike below one another are judged together."""
    levels: list[int] = []
    at = 0
    while at < len(lines):
        end = at + 1
        while end < len(lines) and _are_alike(lines[end - 1], lines[end], style):
            end += 1
        levels += [_heading_level(lines[at:end], style)] * (end - at)
        at = end
    return levels


def _are_alike(last: Line, line: Line, style: _Style) -> bool:
    return last.size == line.size and last.is_bold == line.is_bold and _is_next(last, line, style)


def _heading_level(run: list[Line], style: _Style) -> int:
    text = " ".join(line.text for line in run)
    first, size = run[0].text, run[0].size
    if sum(map(str.isalpha, text)) < 2 or _CAPTION.match(first) or _BULLET.match(first):
        return 0
    if size in style.levels and len(run) <= 3 and not text.endswith((",", ";")):
        return style.levels[size]
    is_label = run[0].is_bold and not style.body_is_bold and size >= 0.95 * style.body_size
    is_short = len(run) <= 2 and len(text) <= _MAX_HEADING
    if not is_label or not is_short or first[:1].islower() or text.endswith((".", ",", ";", HYPHEN)):
        return 0
    return min(max(style.levels.values(), default=0) + 1, 6)


def _continues(block: _Block, line: Line, level: int, style: _Style) -> bool:
    last = block.lines[-1]
    if last.text.endswith(HYPHEN):
        return True
    if level != block.level or _BULLET.match(line.text) or _STAMP.match(line.text):
        return False
    if level:
        return _are_alike(last, line, style)
    if last.page != line.page:
        return last.page + 1 == line.page and not last.text.endswith(_TERMINAL) and line.text[:1].islower()
    is_item = _NUMBERED.match(line.text) and (last.text.endswith(_TERMINAL) or _NUMBERED.match(block.lines[0].text))
    if is_item or abs(last.size - line.size) > 0.15 * last.size:
        return False
    return _is_next(last, line, style) and not _ends_short(block, last)


def _is_next(last: Line, line: Line, style: _Style) -> bool:
    """Whether `line` stands on the next row below `last`, in the same column."""
    pitch = last.bottom - line.bottom
    usual = style.pitch.get(line.size, 1.2 * line.size)
    return last.page == line.page and 0.3 * usual < pitch <= _LOOSEST_PITCH * usual and line.left < last.right


def _ends_short(block: _Block, last: Line) -> bool:
    """Whether the last line ends a sentence well before the width of its block, as a paragraph does."""
    widest = max(line.right for line in block.lines)
    return len(block.lines) > 1 and last.text.endswith((".", "!", "?", ":")) and last.right < 0.6 * widest


def _rendered(blocks: list[_Block], words: Counter[str], base: float) -> Iterable[str]:
    bullets: list[str] = []
    for block in blocks:
        text = _LEADERS.sub(" … ", _joined(block.lines, words)).strip()
        text = _TAG_LIKE.sub(r"\\<", text)
        if block.is_bullet:
            indent = "  " if block.lines[0].left > base + 12 and bullets else ""
            bullets.append(f"{indent}- {_BULLET.sub('', text)}")
            continue
        if bullets:
            yield "\n".join(bullets)
            bullets = []
        yield f"{'#' * block.level} {text}" if block.level else _MARKUP.sub(r"\\", text)
    if bullets:
        yield "\n".join(bullets)


def _joined(lines: list[Line], words: Counter[str]) -> str:
    text = lines[0].text
    for line in lines[1:]:
        if text.endswith(HYPHEN):
            text = _unbroken(text[:-1], line.text, words)
        else:
            text += line.text if line.text.startswith("/") and _OPEN_ADDRESS.search(text) else f" {line.text}"
    return text.replace(HYPHEN, "-")


def _unbroken(head: str, tail: str, words: Counter[str]) -> str:
    """A word cut at a hyphen put together again; the hyphen stays in compounds, names and addresses."""
    token = head.rsplit(" ", 1)[-1] + tail.split(" ", 1)[0]
    first = re.search(r"(?<![^\W\d_])[^\W\d_]++$", head)
    second = re.match(r"[^\W\d_]+", tail)
    if not first or not second or not second[0].islower() or re.search(r"[/\d_@-]", token):
        return f"{head}-{tail}"
    whole = (first[0] + second[0]).lower()
    is_compound = not words[whole] and words[first[0].lower()] > 1 and words[second[0].lower()] > 1
    return f"{head}-{tail}" if is_compound else head + tail
