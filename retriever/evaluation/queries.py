"""The judged queries of a file, one a line, as JSON.

`id`, `query`, `kind`, `relevant` {path below the ingested root: 2 answers | 1 related}, empty for what nobody
recorded, and optionally `lesson`, the sentence that should be shown, and `trap`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retriever.errors import SourceError


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query and what should come: `relevant` is empty where nobody recorded an answer."""

    id: str
    query: str
    kind: str
    relevant: Mapping[str, int]
    lesson: str | None = None
    trap: bool = False


def read_queries(path: Path) -> tuple[JudgedQuery, ...]:
    """The judged queries in a file. Raises SourceError that names the line at fault."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"The queries {path} cannot be read: {error}.") from error
    found = []
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            judged = judged_from(json.loads(line), number)
        except (ValueError, TypeError, KeyError) as error:
            raise SourceError(
                f"Line {number} of {path} is no judged query ({error}): an object with a text `query` "
                "and `relevant`, an object of paths with the numbers 1 or 2."
            ) from error
        if judged.id in seen:
            raise SourceError(f"Line {number} of {path} repeats the id {judged.id!r}; ids must differ.")
        seen.add(judged.id)
        found.append(judged)
    if not found:
        raise SourceError(f"{path} holds no queries; put one JSON object on each line.")
    return tuple(found)


def judged_from(row: Any, number: int) -> JudgedQuery:
    """The query in an object; `number` is its id where it has none. Raises ValueError, TypeError or KeyError."""
    query, relevant = row["query"], row["relevant"]
    if not isinstance(query, str) or not query.strip():
        raise ValueError("`query` is no text")
    if not isinstance(relevant, dict) or any(value not in (1, 2, 3) for value in relevant.values()):
        raise ValueError("`relevant` is no object of paths with relevances")
    lesson = row.get("lesson")
    kind = str(row.get("kind") or ("natural" if relevant else "none"))
    return JudgedQuery(str(row.get("id", number)), query, kind, relevant, lesson or None, row.get("trap") is True)
