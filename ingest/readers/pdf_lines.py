"""A PDF page as printed lines, each with its place, size and weight, in the order of the file."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

# pdfium writes one of these where a line ends in a hyphen and the word goes on.
_HYPHENS = (0xFFFE, 0x0002)
_LINE_ENDS = (0x0A, 0x0D)
HYPHEN = "\u00ad"
_FONT_NAME_BYTES = 128
_BOLD_NAMES = ("bold", "black", "heavy", "demi")


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line. Lengths are points from the lower left corner; a word cut at its end ends in U+00AD.

    `size` is the height of the font's box, which is true where the font's nominal size is not.
    """

    text: str
    page: int
    left: float
    right: float
    bottom: float
    size: float
    is_bold: bool

    @property
    def top(self) -> float:
        """The upper edge."""
        return self.bottom + self.size


def page_lines(page: pypdfium2.PdfPage, number: int) -> list[Line]:
    """The lines of one page, pieces that stand on one baseline joined; [] for a page without text."""
    text_page = page.get_textpage()
    try:
        pieces = [_line(text_page.raw, piece, number) for piece in _pieces(text_page.raw)]
    finally:
        text_page.close()
    joined: list[Line] = []
    for line in filter(None, pieces):
        if joined and _share_baseline(joined[-1], line):
            joined[-1] = _join(joined[-1], line)
        else:
            joined.append(line)
    return [replace(line, text=" ".join(line.text.split())) for line in joined]


def _pieces(raw: Any) -> Iterator[list[tuple[int, int]]]:
    """Runs of (index, code point) between line ends; a run that ends in a hyphen keeps its mark."""
    run: list[tuple[int, int]] = []
    high = 0
    for index in range(pdfium.FPDFText_CountChars(raw)):
        code = pdfium.FPDFText_GetUnicode(raw, index)
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if high and 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
        high = 0
        if code in _LINE_ENDS:
            yield run
            run = []
            continue
        run.append((index, code))
        if code in _HYPHENS:
            yield run
            run = []
    yield run


def _line(raw: Any, run: list[tuple[int, int]], page: int) -> Line | None:
    inked = [index for index, code in run if code > 0x20 and code not in _HYPHENS and code != 0xA0]
    if not inked:
        return None
    first, last = _box(raw, inked[0]), _box(raw, inked[-1])
    text = "".join(HYPHEN if code in _HYPHENS else chr(code) for _, code in run if not 0xD800 <= code < 0xE000)
    return Line(
        text=text,
        page=page,
        left=first[0],
        right=last[1],
        bottom=first[2],
        size=round(first[3] - first[2], 1),
        is_bold=_is_bold(raw, inked[0]) and _is_bold(raw, inked[-1]),
    )


def _box(raw: Any, index: int) -> tuple[float, float, float, float]:
    """(left, right, bottom, top) of a character's font box."""
    rectangle = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(raw, index, ctypes.byref(rectangle))
    return rectangle.left, rectangle.right, rectangle.bottom, rectangle.top


def _is_bold(raw: Any, index: int) -> bool:
    # Fonts without a descriptor report nonsense such as 4140; their weight says nothing.
    if 600 <= pdfium.FPDFText_GetFontWeight(raw, index) <= 1000:
        return True
    name = ctypes.create_string_buffer(_FONT_NAME_BYTES)
    pdfium.FPDFText_GetFontInfo(raw, index, name, _FONT_NAME_BYTES, ctypes.byref(ctypes.c_int()))
    return any(word in name.value.decode("latin-1").lower() for word in _BOLD_NAMES)


def _share_baseline(earlier: Line, later: Line) -> bool:
    overlap = min(earlier.top, later.top) - max(earlier.bottom, later.bottom)
    is_beside = earlier.right - 3 <= later.left
    return is_beside and overlap > 0.5 * min(earlier.size, later.size) and not earlier.text.endswith(HYPHEN)


def _join(earlier: Line, later: Line) -> Line:
    gap = later.left - earlier.right > 0.2 * max(earlier.size, later.size)
    leader = earlier if len(earlier.text.strip()) >= len(later.text.strip()) else later
    return replace(
        earlier,
        text=earlier.text + (" " if gap else "") + later.text,
        right=later.right,
        bottom=leader.bottom,
        size=leader.size,
        is_bold=earlier.is_bold and later.is_bold,
    )
