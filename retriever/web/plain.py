"""A lesson without markup but its bullets, as the HTML that Markdown makes of it: most lessons, in a tenth of the time.

Nothing here decides what is safe: all of the text is written as text. `tests/test_web_rendering.py` holds that it is
what the parser and the allow-list of elements would have made.
"""

from __future__ import annotations

import re

from retriever.web.alignment import Piece
from retriever.web.marks import Marker

# One line without a character that Markdown, or HTML in it, could read as more than a letter, and without a beginning
# that makes it a list, a heading or a quotation.
_LINE = r"(?![-+#>\s]|\d+[.)])[^\n\r\t\0\u00a0\\`*_~\[\]<&|\ud800-\udfff]+(?<!\s)"
_SENTENCE = re.compile(_LINE)
_BULLET = "- "
_LIST = re.compile(rf"{_BULLET}{_LINE}(?: *\n{_BULLET}{_LINE})*")


def plain_html(text: str, marker: Marker) -> str | None:
    """`text` as a paragraph or a list with its marks; None where it takes a parser."""
    if _SENTENCE.fullmatch(text):
        return f"<p>{marker.write([Piece(0, len(text), text)])}</p>\n"
    if not _LIST.fullmatch(text):
        return None
    items = []
    end = 0
    for line in text.split("\n"):
        start, said = end + len(_BULLET), line[len(_BULLET) :].rstrip(" ")
        items.append(f"<li>{marker.write([Piece(start, start + len(said), said)])}</li>\n")
        end += len(line) + len("\n")
    return f"<ul>\n{''.join(items)}</ul>\n"
