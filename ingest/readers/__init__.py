"""Bytes in, Markdown out: one small module a family of formats, each around a well-kept library.

`read` picks the reader from the table in `formats.py`; `process.py` runs it where a hostile file can do no
harm. Every module offers `read(data, name) -> list[Reading]` and is imported when the first file of its kind
comes:

    reading.py     Reading, what they all hand on            formats.py    the table
    signatures.py  what bytes give away                      archive.py    zip bombs and XML entities
    text.py        encodings, plain text                     markdown.py   Markdown, its dialects, front
    matter html.py        web pages, and HTML to Markdown           pdf.py        with pdf_lines.py: pages to
    paragraphs docx.py        Word                                      tables.py     rows to reports, for the
    next three delimited.py   CSV, TSV, Jira                            workbook.py   Excel jsonlines.py   one
    JSON object a line                    rst.py        reStructuredText notebook.py    Jupyter
    mail.py       messages and mailboxes asciidoc.py    AsciiDoc                                  org.py
    Org incidents.py   one file that tells many incidents        process.py    the child process
"""

from __future__ import annotations

from importlib import import_module

from ingest.readers.columns import NO_COLUMNS, Columns
from ingest.readers.formats import FILE_TYPES, FORMATS, Format, format_of, identify, reader_version
from ingest.readers.incidents import split_incidents
from ingest.readers.reading import Reading, clean
from retriever.errors import SourceError

__all__ = ["FILE_TYPES", "FORMATS", "Format", "Reading", "format_of", "read", "reader_version"]


def read(data: bytes, name: str, columns: Columns = NO_COLUMNS) -> list[Reading]:
    """The documents in a file, at least one, in the file's order; `name` is its path or last name.

    `columns` gives roles to columns of tables.

    Raises SourceError with a finished sentence for what cannot be read. A library's own bug may raise
    anything: `process.ReaderProcess` is where that ends.
    """
    entry = identify(data, name)
    try:
        module = import_module(f"ingest.readers.{entry.module}")
        readings = module.read(data, name, columns) if entry.tabular else module.read(data, name)
        if len(readings) == 1:
            readings = split_incidents(readings[0])
    except RecursionError as error:
        raise SourceError(f"{name!r} is nested too deeply to be read; flatten it first.") from error
    readings = [clean(reading) for reading in readings]
    readings = [reading for reading in readings if reading.text.strip()]
    if not readings:
        raise SourceError(f"{name!r} holds no text.")
    return readings
