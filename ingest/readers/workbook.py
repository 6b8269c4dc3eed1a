"""Excel workbooks by openpyxl: values, not formulas; each sheet a table."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
import zlib
from dataclasses import replace
from itertools import islice
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from ingest.readers.archive import check_archive
from ingest.readers.columns import NO_COLUMNS, Columns
from ingest.readers.reading import Reading
from ingest.readers.tables import readings_of, table_of
from retriever.errors import SourceError

MAX_ROWS = 200_000
MAX_COLUMNS = 500
# How Excel's XML writes characters that XML cannot, such as the carriage return as _x000D_.
_ESCAPED = re.compile(r"_x(00[0-9A-Fa-f]{2})_")


def read(data: bytes, name: str, columns: Columns = NO_COLUMNS) -> list[Reading]:
    """The readings of every sheet; with several sheets of content, `part` begins with the sheet's name.

    A sheet of numbers is left out with a warning unless it is the only one.
    """
    check_archive(data, name)
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheets = [(sheet.title, _rows(sheet)) for sheet in book.worksheets]
        book.close()
    except (
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        OSError,
        ParseError,
        zlib.error,
    ) as error:
        raise SourceError(f"{name!r} is not a workbook that can be opened ({error}); save it anew.") from error
    except (InvalidFileException, zipfile.BadZipFile) as error:
        raise SourceError(f"{name!r} is damaged or cut off: it does not open as a workbook.") from error
    return _readings(sheets, name, columns)


def _readings(sheets: list[tuple[str, list[list[str]]]], name: str, columns: Columns) -> list[Reading]:
    tables = [(title, table) for title, rows in sheets if (table := table_of(rows)) is not None]
    readings: list[Reading] = []
    refused: list[str] = []
    for title, table in tables:
        try:
            found = readings_of(table, name, columns)
        except SourceError as error:
            if len(tables) == 1:
                raise
            refused.append(f"Sheet {title!r} was left out: {error}")
            continue
        if len(tables) > 1:
            found = [replace(one, part=f"{title} › {one.part}" if one.part else title) for one in found]
        readings += found
    if readings and refused:
        readings[0] = replace(readings[0], warnings=tuple(refused))
    return readings


def _rows(sheet: Any) -> list[list[str]]:
    # A sheet may claim a million rows and hold three: empty rows at the end cost time, not memory.
    rows = sheet.iter_rows(values_only=True, max_col=min(sheet.max_column or MAX_COLUMNS, MAX_COLUMNS))
    return [[_text(value) for value in row] for row in islice(rows, MAX_ROWS)]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), str(value))
