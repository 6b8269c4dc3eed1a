"""Word documents, by way of mammoth's HTML; tables stay tables, core properties become fields."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

import mammoth
from bs4 import BeautifulSoup, Tag
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ingest.readers.archive import check_archive
from ingest.readers.html import markdown_from
from ingest.readers.reading import Reading
from retriever.errors import SourceError

_STYLE_MAP = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Quote'] => blockquote:fresh
p[style-name='Intense Quote'] => blockquote:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name='HTML Preformatted'] => pre:separator('\\n')
p[style-name='Heading 7'] => h6:fresh
p[style-name='Heading 8'] => h6:fresh
p[style-name='Heading 9'] => h6:fresh
"""
_LONGEST_HEADING = 80
_KEPT_PROPERTIES = (
    "title",
    "subject",
    "creator",
    "keywords",
    "description",
    "category",
    "created",
    "modified",
    "language",
)

# What mammoth and the XML parsers under it raise over a damaged part.
_BROKEN = (
    KeyError, ValueError, AttributeError, IndexError, TypeError, OSError, EOFError, NotImplementedError,
    ParseError, ExpatError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read(data: bytes, name: str) -> list[Reading]:
    """One Reading. Raises SourceError for a damaged, protected or oversized file."""
    check_archive(data, name)
    try:
        result = mammoth.convert_to_html(
            io.BytesIO(data),
            style_map=_STYLE_MAP,
            convert_image=mammoth.images.img_element(_without_source),
            external_file_access=False,
        )
    except _BROKEN as error:
        raise SourceError(f"{name!r} is not a Word document that can be opened ({error}); save it anew.") from error
    markup = _with_headings(str(result.value))
    return [Reading(markdown_from(markup), fields=_properties(data))]


def _without_source(image: Any) -> dict[str, str]:
    return {"src": ""}


def _with_headings(markup: str) -> str:
    """A paragraph that is one short bold run is a heading whoever wrote it never gave a style."""
    soup = BeautifulSoup(markup, "lxml")
    if soup.find(["h1", "h2", "h3"]):
        return markup
    for paragraph in soup.find_all("p"):
        strong = paragraph.find("strong")
        text = paragraph.get_text(strip=True)
        if not isinstance(strong, Tag) or strong.get_text(strip=True) != text or paragraph.find_parent("table"):
            continue
        if 0 < len(text) <= _LONGEST_HEADING and not text.endswith((".", ",", ";")):
            paragraph.name = "h2"
            strong.unwrap()
    return str(soup)


def _properties(data: bytes) -> tuple[tuple[str, str], ...]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            root = fromstring(archive.read("docProps/core.xml"))
    except (KeyError, ParseError, DefusedXmlException, ValueError):
        return ()
    values = ((element.tag.rpartition("}")[2].lower(), (element.text or "").strip()) for element in root)
    return tuple((key, value) for key, value in values if key in _KEPT_PROPERTIES and value)
