"""Web pages, wiki exports and the HTML that other readers make on their way to Markdown."""

from __future__ import annotations

import re
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString
from markdownify import ATX, MarkdownConverter

from ingest.readers.reading import Reading

# The frame around a page, not the page. `header` stays: many pages keep their title in it.
_FRAME = (
    "script, style, noscript, template, nav, footer, svg, iframe, object, select, input, textarea, "
    "[role=navigation], [role=search], [role=contentinfo], [aria-hidden=true]:empty, "
    "#breadcrumb-section, #breadcrumbs, #footer, .breadcrumbs, .pageSection.attachments, .toc-macro"
)
_BLANK_LINES = re.compile(r"\n{3,}")
_LONG_BLANKS = re.compile(r"(?<![ \t])[ \t]{50,}+")
_TRAILING_SPACE = re.compile(r"(?<![ \t])[ \t]++$", re.MULTILINE)
_TAG_LIKE = re.compile(r"<(?=[A-Za-z/!?])")
_BARE_PIPE = re.compile(r"(?<!\\)\|")
_CHARSET = re.compile(rb"<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_SENTENCE_END = (".", "!", "?", ":", ";", ",", "•")


def read(data: bytes, name: str) -> list[Reading]:
    """The page as Markdown, without the site around it; its title and `<meta>` as fields."""
    soup = _parsed(_decoded(data))
    fields = tuple(_fields(soup))
    for frame in soup.select(_FRAME):
        frame.decompose()
    text, warnings = _convert(soup.body or soup)
    return [Reading(text, fields=fields, warnings=warnings)]


def markdown_from(markup: str) -> str:
    """HTML that a converter made, as Markdown."""
    text, _ = _convert(_parsed(markup))
    return text


def _parsed(markup: str) -> BeautifulSoup:
    # A short text without a tag or a line break makes the parser warn that it may be the name of a file.
    return BeautifulSoup(markup + "\n", "lxml")


# The stubs of markdownify know the class and not its methods.
_PARENT: Any = MarkdownConverter


class _Converter(MarkdownConverter):
    """Markdownify, with text left alone: `snake_case` and `*.log` keep their looks, only tags are escaped."""

    def escape(self, text: str, parent_tags: set[str]) -> str:
        return _TAG_LIKE.sub(r"\\<", text)

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        span = str(el.get("colspan") or "1")
        width = min(50, int(span)) if span.isdigit() and int(span) else 1
        return f" {_cell(text)}" + " |" * width

    convert_th = convert_td

    def convert_p(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        if _is_in_cell(parent_tags):
            return f"\n{text.strip()}\n"
        return str(_PARENT.convert_p(self, el, text, parent_tags))

    def convert_br(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return "\n" if _is_in_cell(parent_tags) else str(_PARENT.convert_br(self, el, text, parent_tags))

    def convert_li(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        if _is_in_cell(parent_tags):
            return f"\n• {text.strip()}\n"
        own = "".join(str(piece) for piece in el.find_all(string=True, recursive=False)).strip()
        if not own and text.lstrip().startswith("- "):
            # An item that holds nothing but a list: Word's way to indent.
            return f"{text.strip()}\n"
        return str(_PARENT.convert_li(self, el, text, parent_tags))

    def convert_img(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        source = str(el.get("src") or "")
        alt = str(el.get("alt") or "").replace("\n", " ").strip()
        if "_inline" in parent_tags or not source or source.startswith("data:"):
            return alt
        return f"![{alt}]({source})"

    def convert_dl(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n\n{text.strip()}\n\n"

    def convert_dt(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        term = " ".join(text.split())
        return f"\n\n**{term.strip('*')}**\n\n" if term else ""

    def convert_dd(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n\n{text.strip()}\n\n"


def _convert(root: Tag) -> tuple[str, tuple[str, ...]]:
    options: dict[str, Any] = {
        "heading_style": ATX,
        "bullets": "-",
        "table_infer_header": True,
        "code_language_callback": _language_of,
    }
    _shorten_blanks(root)
    try:
        text = str(_Converter(**options).convert_soup(root))
        warnings: tuple[str, ...] = ()
    except RecursionError:
        text = root.get_text("\n\n", strip=True)
        warnings = ("The page is nested too deeply for its structure to be kept; its text was.",)
    text = _TRAILING_SPACE.sub("", text)
    return _BLANK_LINES.sub("\n\n", text).strip() + "\n", warnings


def _shorten_blanks(root: Tag) -> None:
    """Long runs of blanks are one, as in the end: the converter's time goes with the square of their length."""
    for string in root.find_all(string=_LONG_BLANKS):
        if type(string) is NavigableString and string.find_parent("pre") is None:
            string.replace_with(_LONG_BLANKS.sub(" ", string))


def _decoded(data: bytes) -> str:
    """What the page says of its own encoding counts where it is not UTF-8."""
    from ingest.readers.text import decode

    declared = _CHARSET.search(data[:4096])
    if declared and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        for codec in ("utf-8", declared[1].decode("ascii")):
            try:
                return data.decode(codec)
            except (UnicodeDecodeError, LookupError):
                continue
    text, _ = decode(data)
    return text


def _fields(soup: BeautifulSoup) -> list[tuple[str, str]]:
    fields = []
    if soup.title and soup.title.get_text(strip=True):
        fields.append(("title", " ".join(soup.title.get_text().split())))
    for meta in soup.find_all("meta"):
        key = str(meta.get("name") or meta.get("property") or "").lower()
        if key and meta.get("content"):
            fields.append((key, str(meta["content"])))
    canonical = soup.select_one("link[rel=canonical][href]")
    if canonical:
        fields.append(("url", str(canonical["href"])))
    if soup.html and soup.html.get("lang"):
        fields.append(("lang", str(soup.html["lang"])))
    stamp = soup.select_one("time[datetime]")
    if stamp:
        fields.append(("published", str(stamp["datetime"])))
    return fields


def _language_of(element: Tag) -> str:
    inner = element.find("code")
    for tag in (element, inner):
        for label in (tag.get("class") or []) if isinstance(tag, Tag) else []:
            if str(label).startswith("language-"):
                return str(label).removeprefix("language-")
    return ""


def _is_in_cell(parent_tags: set[str]) -> bool:
    return "td" in parent_tags or "th" in parent_tags


def _cell(text: str) -> str:
    """The blocks of a table cell on one line; " · " parts two that no punctuation parts."""
    joined = ""
    for line in filter(None, (line.strip() for line in text.split("\n"))):
        glue = " " if not joined or joined.endswith(_SENTENCE_END) or line.startswith("•") else " · "
        joined = f"{joined}{glue}{line}"
    return _BARE_PIPE.sub(r"\\|", joined.strip())
