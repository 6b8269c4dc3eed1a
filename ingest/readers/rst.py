"""reStructuredText through docutils: files and raw HTML stay out, directives of other tools stay in."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup
from docutils import nodes
from docutils.core import publish_parts
from docutils.parsers.rst import Directive, directives, roles
from docutils.utils import SystemMessage

from ingest.readers.html import markdown_from
from ingest.readers.reading import Reading
from ingest.readers.text import decode
from retriever.errors import SourceError

_DIRECTIVE = re.compile(r"^[ \t]*\.\.[ \t]+(?:\|[^|\n]+\|[ \t]+)?([\w:.+-]+?)::(?:\s|$)", re.MULTILINE)
_ROLE = re.compile(r"(?<![\w:]):([\w.+-]+(?::[\w.+-]+)*):`")
_FIELD = re.compile(r"^[ \t]*:([A-Za-z][\w -]{0,40}):[ \t]+(\S.*)$", re.MULTILINE)
_POST = re.compile(r"^\.\. post::[ \t]*(\S.*)$", re.MULTILINE)
# What a role of Sphinx points at: the text before it is what people read.
_TARGET = re.compile(r"(?<!\s)\s*+<[^<>]*>$")
_KNOWN_ROLES = frozenset(
    "abbreviation acronym code emphasis literal math pep-reference pep rfc-reference rfc strong subscript sub"
    " superscript sup title-reference title t raw".split()
)
_HEAD_CHARS = 2000

# docutils takes time that grows faster than the text. Books stay below these; dumps and damaged files do not.
_MAX_CHARS = 1_000_000
_MAX_LINES = 20_000
_MAX_LINE_CHARS = 20_000
_MAX_MARKS = 20_000
_MARK = re.compile(r"[`*|_]")
_SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 5,
    "halt_level": 5,
    "doctitle_xform": False,
    "docinfo_xform": False,
    "initial_header_level": 1,
    "syntax_highlight": "none",
    "embed_stylesheet": False,
    "smart_quotes": False,
    "input_encoding": "unicode",
    "line_length_limit": 1_000_000,
    "_disable_config": True,
}


class _Foreign(Directive):
    """A directive of Sphinx, Nikola or a plugin: its argument as a paragraph, its content as text."""

    has_content = True
    optional_arguments = 100
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        container = nodes.container()
        if self.arguments and self.name != "post":
            label = f"{self.name}: {' '.join(self.arguments)}"
            container += nodes.paragraph("", "", nodes.strong(label, label))
        if self.content:
            self.state.nested_parse(self.content, self.content_offset, container)
        return [container]


def read(data: bytes, name: str) -> list[Reading]:
    """One Reading; field lists at the top, and the options of a blog's `post` directive, are its fields."""
    text, warnings = decode(data)
    if _is_endless(text):
        return [Reading(text, warnings=(*warnings, "Too long or too repetitive for docutils; read as plain text."))]
    _register_foreign(text)
    try:
        html = publish_parts(text, writer="html5", settings_overrides=_SETTINGS)["html_body"]
    except (SystemMessage, ValueError, KeyError, AttributeError, TypeError, IndexError) as error:
        raise SourceError(f"{name!r} is not reStructuredText that docutils can read ({error}).") from error
    soup = BeautifulSoup(html, "lxml")
    for literal in soup.select("span.literal, tt.literal, cite"):
        if literal.name == "cite":
            literal.string = _TARGET.sub("", literal.get_text())
        literal.name = "code"
    return [Reading(markdown_from(str(soup)), fields=_fields(text), warnings=warnings)]


def _register_foreign(text: str) -> None:
    """Make every directive and role that docutils does not know harmless, for the life of this process."""
    for directive in set(_DIRECTIVE.findall(text)):
        if not _is_known(directive):
            directives.register_directive(directive, _foreign_class(text, directive))
    for role in set(_ROLE.findall(text)):
        if role not in _KNOWN_ROLES:
            roles.register_generic_role(role, nodes.title_reference)


def _is_known(directive: str) -> bool:
    from docutils.languages import en
    from docutils.parsers.rst.languages import en as rst_en

    return directive in rst_en.directives or directive in en.labels


def _foreign_class(text: str, directive: str) -> type[Directive]:
    options = {option.lower(): directives.unchanged for option, _ in _FIELD.findall(text)}
    flags = re.findall(r"^[ \t]+:([\w-]+):[ \t]*$", text, re.MULTILINE)
    spec = options | {flag.lower(): directives.unchanged for flag in flags}
    return type("_Foreign", (_Foreign,), {"option_spec": spec})


def _fields(text: str) -> tuple[tuple[str, str], ...]:
    head = text[:_HEAD_CHARS]
    posted = _POST.search(head)
    dates = [("date", posted[1].strip())] if posted else []
    return (*dates, *((key.strip().lower(), value.strip()) for key, value in _FIELD.findall(head)))


def _is_endless(text: str) -> bool:
    lines = text.split("\n")
    return (
        len(text) > _MAX_CHARS
        or len(lines) > _MAX_LINES
        or max(map(len, lines)) > _MAX_LINE_CHARS
        or len(_MARK.findall(text)) > _MAX_MARKS
    )
