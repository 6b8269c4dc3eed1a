"""JSON Lines: an object a line, read like a row of a table whose columns are its keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from ingest.readers.columns import NO_COLUMNS, Columns
from ingest.readers.reading import Reading
from ingest.readers.tables import Table, readings_of
from ingest.readers.text import decode
from retriever.errors import SourceError

MAX_COLUMNS = 300
_MAX_DEPTH = 6
_LONG_ITEM = 60


def read(data: bytes, name: str, columns: Columns = NO_COLUMNS) -> list[Reading]:
    """A Reading an object that holds prose, else one table; a warning names lines that are no objects."""
    text, warnings = decode(data)
    records, broken = _records(text)
    if not records:
        raise SourceError(f"{name!r} holds no JSON object on any line, although its name says so.")
    keys = tuple(dict.fromkeys(key for _, record in records for key in record))[:MAX_COLUMNS]
    rows = tuple(tuple(record.get(key, "") for key in keys) for _, record in records)
    if broken:
        shown = ", ".join(map(str, broken[:5]))
        warnings = (*warnings, f"{len(broken)} line(s) are not JSON objects and were left out: {shown}.")
    table = Table(keys, rows, tuple(number for number, _ in records))
    return [replace(one, warnings=warnings) for one in readings_of(table, name, columns)]


def _records(text: str) -> tuple[list[tuple[int, dict[str, str]]], list[int]]:
    records, broken = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            records.append((number, dict(_flat("", value, 0))))
        else:
            broken.append(number)
    return records, broken


def _flat(prefix: str, value: object, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and depth < _MAX_DEPTH:
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), inner, depth + 1)
    elif isinstance(value, list):
        items = [_item(item) for item in value]
        is_long = any(len(item) > _LONG_ITEM for item in items)
        yield prefix, "\n".join(f"- {item}" for item in items) if is_long else ", ".join(items)
    elif isinstance(value, str):
        yield prefix, value.strip()
    elif value is not None:
        yield prefix, json.dumps(value, ensure_ascii=False)


def _item(value: object) -> str:
    """One entry of a list on a line; of an object its values, which people know without their keys."""
    if isinstance(value, dict):
        return "; ".join(_item(inner) for inner in value.values() if inner not in (None, "", [], {}))
    if isinstance(value, list):
        return ", ".join(map(_item, value))
    return " ".join(value.split()) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
