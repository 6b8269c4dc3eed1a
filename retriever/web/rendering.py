"""Documents and lessons as safe HTML, with marks and anchors at their places in the text.

Nothing a document holds is run, loaded or followed: scripts are shown as text, images as words, links carry
`rel`, and the outcome passes through an allow-list of elements at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock, reference
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

from retriever.web.alignment import PIECES, Piece, align
from retriever.web.inline_html import BLOCK_TAGS, INLINE_TAGS, is_safe_address, show_image, write_html
from retriever.web.marks import Anchor, Mark, Marker
from retriever.web.plain import plain_html

# Rendering takes about half a second for each MB of ordinary prose; a text beyond this is shown as it is.
MAX_MARKDOWN_CHARS = 1_000_000

_ALLOWED_TAGS = set(INLINE_TAGS | BLOCK_TAGS | {"a", "mark", "span"})
_ALLOWED_ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start"},
    "details": {"open"},
    **{tag: {"class", "id"} for tag in ("mark", "span")},
    **{tag: {"class"} for tag in ("td", "th", "pre", "p", "code")},
}
_LINK_REL = "noopener nofollow noreferrer"
_FRONT_MATTER = re.compile(
    r"(?P<fence>---|\+\+\+)[ \t]*\r?\n(?=\s*(?:#|[\w\"'-]+[ \t]*[:=]|(?P=fence)))"
    r"(?:.*\r?\n)*?(?:(?P=fence)|\.\.\.)[ \t]*(?:\r?\n|\Z)"
)
_DEFINITION = re.compile(r"\[[^\]]+\]:\s*<?(?:https?:|mailto:|www\.|[#/]|\.\.?/|[\w./-]+\.(?:md|html?|png|jpg|svg)\b)")

_BOXES = {"[ ] ": "☐", "[x] ": "☑", "[X] ": "☑"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A document as HTML; `front_matter` is shown as written, `heading` is the heading it begins with."""

    body: Markup
    front_matter: Markup
    heading: str | None


def render_document(text: str, marks: Iterable[Mark] = (), anchors: Iterable[Anchor] = ()) -> Rendered:
    """`text` as HTML, its front matter apart."""
    marker = Marker(marks, anchors)
    start = front_matter_end(text)
    front = _sanitized(marker.write([Piece(0, start, text[:start])])) if start else Markup("")
    if len(text) > MAX_MARKDOWN_CHARS:
        verbatim = marker.write([Piece(start, len(text), text[start:])])
        return Rendered(_sanitized(f'<pre class="verbatim">{verbatim}{marker.remaining_anchors()}</pre>'), front, None)
    parser = _parser(is_excerpt=False)
    tokens = _with_boxes(align(parser.parse(text[start:]), text, start))
    body = parser.renderer.render(tokens, parser.options, {"marker": marker}) + marker.remaining_anchors()
    return Rendered(_sanitized(body), front, _heading(tokens))


def render_excerpt(text: str, marks: Sequence[Mark] = ()) -> Markup:
    """A lesson's Markdown as HTML; headings are bold, and indented lines, which a cut produces, are text."""
    plain = plain_html(text, Marker(marks))
    return parse_excerpt(text, marks) if plain is None else Markup(plain)


def parse_excerpt(text: str, marks: Sequence[Mark] = ()) -> Markup:
    """The same, whatever the text is."""
    parser = _parser(is_excerpt=True)
    tokens = _with_boxes(align(parser.parse(text), text))
    return _sanitized(parser.renderer.render(tokens, parser.options, {"marker": Marker(marks)}))


def render_line(text: str, marks: Sequence[Mark] = ()) -> Markup:
    """A lesson's Markdown as one line: its words and its marks."""
    return Markup(nh3.clean(render_excerpt(text, marks), tags={"mark"}, attributes={"mark": {"class"}}).strip())


def front_matter_end(text: str) -> int:
    """Where the text behind the front matter begins; 0 if there is none."""
    match = _FRONT_MATTER.match(text)
    return match.end() if match else 0


def _with_boxes(tokens: list[Token]) -> list[Token]:
    """`tokens`, where the `[ ]` and `[x]` with which items of a list of tasks begin are shown as boxes."""
    for before, token in zip(tokens, tokens[2:], strict=False):
        if before.type != "list_item_open" or token.type != "inline" or not token.children:
            continue
        pieces = token.children[0].meta.get(PIECES, [])
        if pieces and pieces[0].text[:4] in _BOXES and len(pieces[0].text) == pieces[0].end - pieces[0].start:
            first = pieces[0]
            box = Piece(first.start, first.start + 3, _BOXES[first.text[:4]])
            token.children[0].meta[PIECES] = [box, Piece(first.start + 3, first.end, first.text[3:]), *pieces[1:]]
    return tokens


def _heading(tokens: Sequence[Token]) -> str | None:
    if len(tokens) < 2 or tokens[0].type != "heading_open":
        return None
    return "".join(piece.text for leaf in tokens[1].children or () for piece in leaf.meta.get(PIECES, ()))


def _sanitized(html: str) -> Markup:
    return Markup(
        nh3.clean(
            html,
            tags=_ALLOWED_TAGS,
            attributes=_ALLOWED_ATTRIBUTES,
            link_rel=_LINK_REL,
            url_schemes={"http", "https", "mailto"},
            strip_comments=True,
        )
    )


@cache
def _parser(*, is_excerpt: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}, renderer_cls=_Renderer)
    parser.enable(["table", "strikethrough"]).disable("text_join")
    parser.block.ruler.at("reference", _reference)
    if is_excerpt:
        parser.disable(["lheading", "code", "hr", "html_block", "reference"])
        parser.add_render_rule("heading_open", _bold_open)
        parser.add_render_rule("heading_close", _bold_close)
    # It puts its rules in order at its first text, and another thread must not find them half ordered.
    parser.parse("first")
    return parser


def _reference(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Markdown's rule for link definitions, which would swallow a log's `[14:32]: restarted`."""
    line = state.src[state.bMarks[start_line] + state.tShift[start_line] : state.eMarks[start_line]]
    return bool(_DEFINITION.match(line)) and reference(state, start_line, end_line, silent)


Environment = MutableMapping[str, Any]
Tokens = Sequence[Token]


class _Renderer(RendererHTML):
    """HTML whose leaves are written by the Marker in the environment."""

    def text(self, tokens: Tokens, idx: int, options: OptionsDict, env: Environment) -> str:
        return _written(tokens[idx], env)

    text_special = softbreak = text

    def hardbreak(self, tokens: Tokens, idx: int, options: OptionsDict, env: Environment) -> str:
        return "<br>" + _written(tokens[idx], env)

    def code_inline(self, tokens: Tokens, idx: int, options: OptionsDict, env: Environment) -> str:
        return f"<code>{_written(tokens[idx], env)}</code>"

    def code_block(self, tokens: Tokens, idx: int, options: OptionsDict, env: Environment) -> str:
        return f"<pre><code>{_written(tokens[idx], env)}</code></pre>\n"

    def fence(self, tokens: Tokens, idx: int, options: OptionsDict, env: Environment) -> str:
        info = escape(tokens[idx].info.strip())
        label = f'<span class="language">{info}</span>' if info else ""
        return f"<pre>{label}<code>{_written(tokens[idx], env)}</code></pre>\n"

    def html_inline(self, tokens: Tokens, idx: int, options: OptionsDict, env: Environment) -> str:
        return write_html(tokens[idx], env["marker"], INLINE_TAGS)

    def html_block(self, tokens: Tokens, idx: int, options: OptionsDict, env: Environment) -> str:
        return write_html(tokens[idx], env["marker"], INLINE_TAGS | BLOCK_TAGS)

    def link_open(self, tokens: Tokens, idx: int, options: OptionsDict, env: Environment) -> str:
        address = str(tokens[idx].attrGet("href") or "")
        if is_safe_address(address):
            return f'<a href="{escape(address)}">'
        return '<span class="no-link">'

    def link_close(self, tokens: Tokens, idx: int, options: OptionsDict, env: Environment) -> str:
        depth = 0
        for token in reversed(tokens[: idx + 1]):
            depth += {"link_close": 1, "link_open": -1}.get(token.type, 0)
            if depth == 0:
                return "</a>" if is_safe_address(str(token.attrGet("href") or "")) else "</span>"
        return ""

    def image(self, tokens: Tokens, idx: int, options: OptionsDict, env: Environment) -> str:
        token = tokens[idx]
        inner = self.renderInline(token.children or [], options, env)
        return show_image(inner, str(token.attrGet("src") or ""))

    def th_open(self, tokens: Tokens, idx: int, options: OptionsDict, env: Environment) -> str:
        token = tokens[idx]
        # Markdown's alignment comes as inline style, which our Content-Security-Policy refuses.
        side = str(token.attrGet("style") or "").removeprefix("text-align:")
        return f'<{token.tag} class="{escape(side)}">' if side else f"<{token.tag}>"

    td_open = th_open


def _bold_open(_renderer: RendererHTML, _tokens: Tokens, _idx: int, _options: OptionsDict, _env: Environment) -> str:
    return "<p><b>"


def _bold_close(_renderer: RendererHTML, _tokens: Tokens, _idx: int, _options: OptionsDict, _env: Environment) -> str:
    return "</b></p>\n"


def _written(token: Token, env: Environment) -> str:
    marker: Marker = env["marker"]
    pieces: Sequence[Piece] = token.meta.get(PIECES, ())
    return marker.write(pieces)
