"""Filters as SQL: the one place where a filter's meaning is written down."""

from __future__ import annotations

from retriever.lesson import Filters

# Over the aliases d (documents) and l (lessons). A partial date such as "2024-03" starts at its first day and ends
# at its last, so `since` compares with the latest day it can mean and `until` with the earliest.
_DOCUMENT_COLUMNS = {"team": "d.team", "severity": "d.severity"}
_MARKED = {
    None: "l.id NOT IN (SELECT lesson_id FROM remarks WHERE hidden)",
    "pinned": "l.id IN (SELECT lesson_id FROM remarks WHERE pinned AND NOT hidden)",
    "hidden": "l.id IN (SELECT lesson_id FROM remarks WHERE hidden)",
}
_LESSON_COLUMNS = {"kind": "l.kind", "polarity": "l.polarity"}


def document_condition(filters: Filters) -> tuple[str, tuple[str, ...]]:
    """(SQL over `d`, its values) for what a document must satisfy; "1" when nothing is asked."""
    parts: list[str] = []
    values: list[str] = []
    if filters.tag:
        parts.append(f"d.key IN (SELECT document FROM document_tags WHERE tag IN ({_marks(filters.tag)}))")
        values.extend(filters.tag)
    _add_columns(filters, _DOCUMENT_COLUMNS, parts, values)
    if filters.since:
        parts.append("d.date || substr('-12-31', length(d.date) - 3) >= ?")
        values.append(filters.since)
    if filters.until:
        parts.append("d.date || substr('-01-01', length(d.date) - 3) <= ?")
        values.append(filters.until + "-12-31"[len(filters.until) - 4 :])
    return " AND ".join(parts) or "1", tuple(values)


def lesson_condition(filters: Filters, marked: str | None = None) -> tuple[str, tuple[str, ...]]:
    """(SQL over `l`, its values) for what a lesson itself must satisfy; what was hidden only satisfies "hidden"."""
    parts: list[str] = [_MARKED[marked]]
    values: list[str] = []
    _add_columns(filters, _LESSON_COLUMNS, parts, values)
    return " AND ".join(parts), tuple(values)


def _add_columns(filters: Filters, columns: dict[str, str], parts: list[str], values: list[str]) -> None:
    for name, column in columns.items():
        wanted: tuple[str, ...] = getattr(filters, name)
        if wanted:
            parts.append(f"{column} IN ({_marks(wanted)})")
            values.extend(wanted)


def _marks(values: tuple[str, ...]) -> str:
    return ", ".join("?" * len(values))
