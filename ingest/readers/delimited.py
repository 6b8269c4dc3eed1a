"""CSV and TSV: the separator found, rows handed to `tables.py`; Jira's exports with their markup turned."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import replace

from ingest.readers.columns import NO_COLUMNS, Columns
from ingest.readers.reading import Reading
from ingest.readers.tables import Table, readings_of, table_of
from ingest.readers.text import decode
from retriever.errors import SourceError

_SEPARATORS = ",;\t|"
_MAX_FIELD = 5_000_000
_SAMPLE_LINES = 20
# h2. Heading, {code:java}, {noformat}, numbered "# " items, [text|address], {{monospace}}
_JIRA_MARKUP = (
    (re.compile(r"^#(#*)[ \t]+", re.MULTILINE), lambda match: "   " * len(match[1]) + "1. "),
    (re.compile(r"^h([1-6])\.[ \t]+", re.MULTILINE), lambda match: "#" * int(match[1]) + " "),
    (re.compile(r"^\*(\*+)[ \t]+", re.MULTILINE), lambda match: "  " * len(match[1]) + "* "),
    (re.compile(r"\[([^\[|\]\n]+)\|([^\[|\]\s]+)[^\[\]\n]*\]"), lambda match: f"[{match[1]}]({match[2]})"),
    (re.compile(r"\{\{([^{}\n]+)\}\}"), lambda match: f"`{match[1]}`"),
)
_JIRA_CODE = re.compile(r"\{(?:code|noformat)(?::[^{}\n]*)?\}")
_JIRA_COLUMNS = {"summary", "issue key"}


def read(data: bytes, name: str, columns: Columns = NO_COLUMNS) -> list[Reading]:
    """A Reading a row for reports, else one. Raises SourceError for a table without text."""
    text, warnings = decode(data)
    table = table_of(_rows(text, name))
    if table is None:
        return []
    if {column.lower() for column in table.columns} >= _JIRA_COLUMNS:
        table = _from_jira(table)
    return [replace(one, warnings=warnings) for one in readings_of(_merged(table), name, columns)]


def _rows(text: str, name: str) -> list[list[str]]:
    csv.field_size_limit(_MAX_FIELD)
    separator = "\t" if name.lower().endswith((".tsv", ".tab")) else _separator(text)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True))
    except csv.Error as error:
        raise SourceError(f"{name!r} is not a well-formed table ({error}); export it again.") from error


def _separator(text: str) -> str:
    """The one that cuts the first lines into the same number of cells most often, more than one."""

    def agreement(separator: str) -> tuple[int, int]:
        sample = csv.reader(io.StringIO(text[:200_000], newline=""), delimiter=separator, skipinitialspace=True)
        try:
            widths = Counter(len(row) for row, _ in zip(sample, range(_SAMPLE_LINES), strict=False) if row)
        except csv.Error:
            return 0, 0
        width, count = widths.most_common(1)[0] if widths else (1, 0)
        return (count, width) if width > 1 else (0, 0)

    return max(_SEPARATORS, key=agreement)


def _merged(table: Table) -> Table:
    """Columns of one name (Jira writes a Labels column a label) as one, their values joined."""
    names = list(dict.fromkeys(table.columns))
    if len(names) == len(table.columns):
        return table
    places = [[at for at, column in enumerate(table.columns) if column == name] for name in names]
    rows = []
    for row in table.rows:
        values = ([row[at] for at in place if row[at]] for place in places)
        rows.append(tuple(("\n\n" if max(map(len, cells), default=0) > 80 else ", ").join(cells) for cells in values))
    return Table(tuple(names), tuple(rows), table.numbers)


def _from_jira(table: Table) -> Table:
    """Jira's markup as Markdown, and its custom fields under the names people gave them."""
    columns = tuple(re.sub(r"^Custom field \((.*)\)$", r"\1", column) for column in table.columns)
    return Table(columns, tuple(tuple(map(_jira_markdown, row)) for row in table.rows), table.numbers)


def _jira_markdown(cell: str) -> str:
    pieces = _JIRA_CODE.split(cell)
    # Every second piece stands between {code} and {code}; one that is never closed is no code.
    for at in range(0, len(pieces), 2 if len(pieces) % 2 else 1):
        for pattern, replacement in _JIRA_MARKUP:
            pieces[at] = pattern.sub(replacement, pieces[at])
    return "\n```\n".join(piece.strip("\n") for piece in pieces) if len(pieces) % 2 else "\n".join(pieces)
