"""Rows to reports: which column plays which role, and what a row says as Markdown.

A table is read as one report a row when a column of it holds prose; any other table is one document.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ingest.dates import day_comes_first, parse_date
from ingest.readers.columns import LESSON, NO_COLUMNS, Columns
from ingest.readers.fences import lines_outside_code
from ingest.readers.reading import Reading, normalise_newlines
from retriever.errors import SourceError

Row = Sequence[str]

# The first pattern that a column's name matches decides; ids and titles are confirmed by the contents.
_ROLES = (
    (
        "id",
        r"(?:.*\b)?(?:id|key|number|no\.?|#|reference|ref|uuid|ticket|tracking|case)(?: ?#| number| no\.?)?",
    ),
    ("title", r"(?:incident |report |event )?(?:title|name|summary|subject|headline|short description)"),
    (
        "date",
        r"(?:.*\b)?(?:date|occurred|started|start time|time of incident|created|opened|raised|issued|made|when)"
        r"(?: .*)?",
    ),
    ("severity", r"(?:.*\b)?(?:severity|priority|sev|impact level)"),
    ("team", r"(?:.*\b)?(?:team|squad|department|group|owning team)"),
    ("service", r"(?:.*\b)?(?:service|component/?s?|components|system|product|application)"),
    ("author", r"(?:.*\b)?(?:authors?|reporter|reported by|submitted by|creator)"),
    ("tags", r"(?:.*\b)?(?:tags?|labels?|keywords?|categor(?:y|ies))"),
    ("url", r"(?:.*\b)?(?:url|link|permalink)"),
)
ROLES = tuple((role, re.compile(pattern, re.IGNORECASE)) for role, pattern in _ROLES)

MAX_TABLE_ROWS = 2000
_LESSON_HEADING = "Lessons learned"
_LONG_CELL = 100
_LONGEST_DATE = 40
_PROSE_WORDS = 6
_MAX_TITLE = 150
_WORD = re.compile(r"[^\W\d_]{2,}")
_HEADING = re.compile(r"^(#{1,6})(?=\s)")


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns and their rows; `numbers` are those that people see beside the rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]


def table_of(rows: Sequence[Row]) -> Table | None:
    """The table in raw rows, without empty rows and columns; None when nothing is left.

    The first row names the columns when it is text throughout; else they are `Column 1` and so on.
    """
    numbered = [
        (number, [cell.strip() for cell in row]) for number, row in enumerate(rows, 1) if any(map(str.strip, row))
    ]
    if not numbered:
        return None
    width = max(len(row) for _, row in numbered)
    padded = [(number, row + [""] * (width - len(row))) for number, row in numbered]
    used = [at for at in range(width) if any(row[at] for _, row in padded)]
    head = padded[0][1]
    names = [head[at] for at in used if head[at]]
    is_header = len(padded) > 1 and len(names) >= max(1, len(used) - 2) and all(_is_name(name) for name in names)
    body = padded[1:] if is_header else padded
    columns = tuple(head[at] if is_header else f"Column {at + 1}" for at in used)
    return Table(columns, tuple(tuple(row[at] for at in used) for _, row in body), tuple(number for number, _ in body))


def readings_of(table: Table, name: str, columns: Columns = NO_COLUMNS) -> list[Reading]:
    """A Reading a row where a column holds prose or was said to hold lessons, else one for the whole table.

    Raises SourceError for a table of numbers, and for one of many rows without any prose.
    """
    lessons = [at for role, at in columns.places(table.columns) if role == LESSON]
    prose = sorted({*_prose_columns(table), *lessons})
    if not prose:
        return [replace(_whole(table, name), columns=table.columns)]
    roles = roles_of(table, columns)
    parts = _parts(table, roles)
    dated = _with_iso_dates(table)
    shown = _with_lessons(table, lessons)
    return [
        Reading(_row_markdown(shown, row, roles, prose), part, _row_fields(dated, facts, roles), columns=table.columns)
        for row, facts, part in zip(shown.rows, dated.rows, parts, strict=True)
        if any(_WORD.search(cell) for cell in row)
    ]


def roles_of(table: Table, columns: Columns = NO_COLUMNS) -> dict[str, int]:
    """Role to column index, each role once: the column it was given, else the first that fits by name and contents."""
    given = columns.places(table.columns)
    roles = {role: at for role, at in given if role != LESSON}
    taken = {at for _, at in given}
    for role, pattern in ROLES:
        for at, column in enumerate(table.columns):
            fits = pattern.fullmatch(column.strip()) and at not in taken
            if fits and role not in roles and _contents_fit(role, [row[at] for row in table.rows]):
                roles[role] = at
                taken.add(at)
    return roles


def _contents_fit(role: str, cells: list[str]) -> bool:
    filled = [cell for cell in cells if cell]
    if not filled:
        return False
    if role == "id":
        return (
            len(filled) >= 0.95 * len(cells) and len(set(filled)) >= 0.95 * len(filled) and max(map(len, filled)) < 80
        )
    if role == "title":
        return sum(map(len, filled)) / len(filled) <= _MAX_TITLE
    return role == "date" or sum(map(len, filled)) / len(filled) <= _LONG_CELL


def _with_lessons(table: Table, lessons: Sequence[int]) -> Table:
    """The table with its columns of lessons as the extractor knows lessons: under such a heading, a line an item."""
    columns = tuple(
        f"{_LESSON_HEADING}: {column}" if at in lessons else column for at, column in enumerate(table.columns)
    )
    rows = tuple(
        tuple(f"- {cell}" if at in lessons and _is_line(cell) else cell for at, cell in enumerate(row))
        for row in table.rows
    )
    return Table(columns, rows, table.numbers)


def _is_line(cell: str) -> bool:
    return bool(cell) and "\n" not in cell and not re.match(r"[-*+>|]|\d+[.)]", cell)


def _prose_columns(table: Table) -> list[int]:
    """The columns in which a fifth of the rows, and a third of the filled cells, hold a sentence or more."""
    found = []
    for at in range(len(table.columns)):
        filled = [row[at] for row in table.rows if row[at]]
        sentences = sum(len(_WORD.findall(cell)) >= _PROSE_WORDS and len(cell) >= 40 for cell in filled)
        if filled and sentences >= 0.2 * len(table.rows) and sentences >= len(filled) / 3:
            found.append(at)
    return found


def _parts(table: Table, roles: dict[str, int]) -> list[str]:
    """A name a row that stays the same while rows come and go above it, if the table has such a column."""
    taken: Counter[str] = Counter()
    parts = []
    for number, row in zip(table.numbers, table.rows, strict=True):
        part = (row[roles["id"]] if "id" in roles else "") or f"row {number}"
        taken[part] += 1
        parts.append(part if taken[part] == 1 else f"{part} ({taken[part]})")
    return parts


def _with_iso_dates(table: Table) -> Table:
    """The table with dates in ISO: only a whole column tells whether 03/04/2021 is in March or in April."""
    columns = [list(column) for column in zip(*table.rows, strict=True)]
    for at, cells in enumerate(columns):
        filled = [cell for cell in cells if cell]
        if not filled or max(map(len, filled)) > _LONGEST_DATE or not any(map(str.isdigit, "".join(filled[:5]))):
            continue
        day_first = day_comes_first(filled) is not False
        dates = [parse_date(cell, day_first) for cell in cells]
        if sum(date is not None for date in dates) >= 0.8 * len(filled):
            columns[at] = [date or cell for date, cell in zip(dates, cells, strict=True)]
    return Table(table.columns, tuple(zip(*columns, strict=True)), table.numbers)


def _row_markdown(table: Table, row: Row, roles: dict[str, int], prose: list[int]) -> str:
    title = row[roles["title"]] if "title" in roles else ""
    short, long = [], []
    kept: list[str] = []
    for at, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
        if not cell or not column or (at == roles.get("title") and cell == title):
            continue
        if at not in prose and len(cell) <= _LONG_CELL and "\n" not in cell:
            short.append(f"**{column}**: {_tagless(cell)}")
        elif not _is_repeated(cell, kept):
            kept.append(_squeezed(cell))
            long.append(f"## {column}\n\n{_cell_markdown(cell)}")
    heading = [f"# {_tagless(' '.join(title.split()))}"] if title else []
    # Two spaces at the end of a line are Markdown's line break: a value a line.
    return "\n\n".join([*heading, "  \n".join(short), *long]).strip() + "\n"


def _is_repeated(cell: str, kept: list[str]) -> bool:
    """Whether earlier cells of the row say all of `cell`: exports add summaries and joined columns."""
    text = _squeezed(cell)
    if any(text in earlier for earlier in kept):
        return True
    for earlier in sorted(kept, key=len, reverse=True):
        text = text.replace(earlier, "")
    return len(text) < 0.05 * len(_squeezed(cell))


def _squeezed(cell: str) -> str:
    return re.sub(r"[\W_]+", "", cell.lower())


def _cell_markdown(cell: str) -> str:
    """A cell's text; its own headings go below the column's."""
    lines = normalise_newlines(cell).split("\n")
    for at, _, line in lines_outside_code("\n".join(lines)):
        lines[at] = _tagless(_HEADING.sub(lambda match: "#" * min(6, len(match[1]) + 2), line))
    return "\n".join(lines)


def _tagless(text: str) -> str:
    return re.sub(r"<(?=[A-Za-z/!?])", r"\\<", text)


def _row_fields(table: Table, row: Row, roles: dict[str, int]) -> tuple[tuple[str, str], ...]:
    """The cells by role first, then by column name; only what is short enough to be a fact."""
    by_role = [(role, row[at]) for role, at in roles.items() if row[at]]
    by_name = [(column.lower(), cell) for column, cell in zip(table.columns, row, strict=True) if column and cell]
    return tuple(pair for pair in by_role + by_name if len(pair[1]) <= 4 * _LONG_CELL)


def _whole(table: Table, name: str) -> Reading:
    words = sum(bool(_WORD.search(cell)) for row in table.rows for cell in row)
    filled = sum(bool(cell) for row in table.rows for cell in row)
    if words < 0.1 * filled:
        raise SourceError(f"{name!r} is a table of numbers: there is no text in it to learn from.")
    if len(table.rows) > MAX_TABLE_ROWS:
        raise SourceError(f"{name!r} is a table of {len(table.rows)} rows without a column of prose; it is data.")
    lines = [_line(table.columns), _line(["---"] * len(table.columns)), *map(_line, table.rows)]
    return Reading("\n".join(lines) + "\n")


def _line(cells: Row) -> str:
    return "| " + " | ".join(_tagless(" ".join(cell.split())).replace("|", "\\|") for cell in cells) + " |"


def _is_name(cell: str) -> bool:
    return len(cell) <= 80 and bool(_WORD.search(cell) or "#" in cell) and not cell.endswith(".")
