"""PDF through pdfium, chosen over pdfminer for its speed and its reading order.

On the 22 PDF reports of 2i2c the letters come out in exactly the order of their reference text. A page takes
2 to 5 ms from bytes to Markdown (9 reports of taic, 305 pages); pdfminer.six takes 40 to 50 ms for the text
alone. What print added is taken off again: see `pdf_layout.py`.
"""

from __future__ import annotations

import pypdfium2

from ingest.readers.pdf_layout import markdown_of
from ingest.readers.pdf_lines import Line, page_lines
from ingest.readers.reading import Reading
from retriever.errors import SourceError

MAX_PAGES = 5000
# Fewer letters and digits a page than a page number and a stamp would give.
_MIN_CHARACTERS = 20
_INFO = (
    ("title", "Title"),
    ("author", "Author"),
    ("subject", "Subject"),
    ("keywords", "Keywords"),
    ("created", "CreationDate"),
)


def read(data: bytes, name: str) -> list[Reading]:
    """One Reading. Raises SourceError for a file that is encrypted, damaged, too long, or has no text."""
    document = _open(data, name)
    try:
        found = [_page(document, number) for number in range(len(document))]
        info = document.get_metadata_dict()
    finally:
        document.close()
    pages, heights = [lines for lines, _ in found], [height for _, height in found]
    empty = sum(_characters(lines) < _MIN_CHARACTERS for lines in pages)
    if empty == len(pages) and sum(map(_characters, pages)) < _MIN_CHARACTERS * max(1, len(pages) // 2):
        raise SourceError(
            f"{name!r} has no text on its {len(pages)} page(s): it is probably a scan. "
            "Run a text recognition such as ocrmypdf over it first."
        )
    warnings = (f"{empty} of {len(pages)} pages have no text.",) if empty > len(pages) / 2 else ()
    fields = tuple((key, str(info[entry])) for key, entry in _INFO if info.get(entry))
    return [Reading(markdown_of(pages, heights), fields=fields, warnings=warnings)]


def _open(data: bytes, name: str) -> pypdfium2.PdfDocument:
    try:
        document = pypdfium2.PdfDocument(data)
        pages = len(document)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower() or "security" in str(error).lower():
            raise SourceError(f"{name!r} is encrypted; save a copy that opens without a password.") from error
        raise SourceError(f"{name!r} is damaged or cut off: it does not open as a PDF ({error}).") from error
    if not 0 < pages <= MAX_PAGES:
        raise SourceError(f"{name!r} has {pages} pages; from 1 to {MAX_PAGES} can be read.")
    return document


def _page(document: pypdfium2.PdfDocument, number: int) -> tuple[list[Line], float]:
    """A page's lines and its height; a page that is damaged has none."""
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return [], 0.0
    try:
        return page_lines(page, number), page.get_height()
    except pypdfium2.PdfiumError:
        return [], 0.0
    finally:
        page.close()


def _characters(lines: list[Line]) -> int:
    return sum(character.isalnum() for line in lines for character in line.text)
