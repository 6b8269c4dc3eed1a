"""HTML inside Markdown: what is harmless is kept without its attributes, and all else is shown as the text it is."""

from __future__ import annotations

import itertools
import re
from html import escape

from markdown_it.token import Token

from retriever.web.alignment import PIECES, UNKNOWN, Piece
from retriever.web.marks import Marker

INLINE_TAGS = frozenset(
    [
        "b",
        "i",
        "em",
        "strong",
        "code",
        "kbd",
        "samp",
        "var",
        "sub",
        "sup",
        "br",
        "u",
        "s",
        "del",
        "ins",
        "small",
        "q",
    ]
)
BLOCK_TAGS = frozenset(
    [
        "p",
        "div",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "pre",
        "blockquote",
        "hr",
    ]
    + ["table", "thead", "tbody", "tr", "th", "td", "caption", "details", "summary", "figure", "figcaption"]
)
_SAFE_ADDRESS = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_ELEMENT = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9-]*+)(?P<rest>[^<>]*)>")
_COMMENT_OR_ELEMENT = re.compile(rf"<!--.*?-->|{_ELEMENT.pattern}", re.DOTALL)
_HREF = re.compile(r"""\bhref\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)
_ALT = re.compile(r"""\balt\s*=\s*["']([^"']*)""", re.IGNORECASE)


def is_safe_address(address: str | None) -> bool:
    """Whether a link to `address` leads to a page and runs nothing."""
    return bool(address and _SAFE_ADDRESS.match(address))


def show_image(inner: str, source: str) -> str:
    """An image in words: nothing is loaded; `inner` is HTML that describes it."""
    if is_safe_address(source):
        return f'<a href="{escape(source)}"><span class="image">{inner or "image"}</span></a>'
    return f'<span class="image">{inner or "image"}</span>'


def write_html(token: Token, marker: Marker, allowed: frozenset[str]) -> str:
    """Raw HTML: harmless elements without attributes, comments left out, all else as the text it is."""
    written: list[str] = []
    source = "".join(piece.text for piece in token.meta.get(PIECES, ()))
    position = 0
    # Behind the last of their ends no comment is looked for: each "<!--" would be read to the end of the text.
    last = source.rfind("-->") + 3 if "-->" in source else 0
    for match in itertools.chain(_COMMENT_OR_ELEMENT.finditer(source, 0, last), _ELEMENT.finditer(source, last)):
        element = _element(match, allowed)
        if element is not None:
            written.append(marker.write(_cut(token, position, match.start())))
            written.append(element)
            position = match.end()
    written.append(marker.write(_cut(token, position, len(source))))
    return "".join(written)


def _element(match: re.Match[str], allowed: frozenset[str]) -> str | None:
    """The HTML for one tag or comment; None where it is to be shown as text, as `<service-name>` is."""
    if match["name"] is None:
        return ""
    name = match["name"].lower()
    if name in allowed:
        is_open = " open" if name == "details" and not match["close"] else ""
        return f"<{match['close']}{name}{is_open}>"
    if name == "a":
        address = _HREF.search(match["rest"])
        if match["close"]:
            return "</a>"
        return f'<a href="{escape(address[1])}">' if address and is_safe_address(address[1]) else "<a>"
    if name == "img":
        described = _ALT.search(match["rest"])
        return show_image(escape(described[1]) if described else "", "")
    return None


def _cut(token: Token, begin: int, end: int) -> list[Piece]:
    """The pieces of `token` between two positions of its text."""
    kept, position = [], 0
    for piece in token.meta.get(PIECES, ()):
        low, high = max(begin - position, 0), min(end - position, len(piece.text))
        if low < high:
            known = piece.start != UNKNOWN
            kept.append(
                Piece(
                    piece.start + low if known else UNKNOWN,
                    piece.start + high if known else UNKNOWN,
                    piece.text[low:high],
                )
            )
        position += len(piece.text)
    return kept
