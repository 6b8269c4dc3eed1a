"""A source whose files are sent: which of them are here already, and what is left to do when all have come."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ingest.drafts import EXTRACTED_BY, read_by
from ingest.names import Names
from ingest.pipeline import IngestOptions, Target, ingest_one
from ingest.plan import Plan, refuse_to_mix
from ingest.readers.columns import Columns, parse_columns
from retriever.errors import InvalidQuery
from retriever.lesson import SHARED_SOURCE
from retriever.record.draft import FileState
from retriever.record.files import Files
from retriever.record.rows import Source

_KEPT = ("source", "files", "documents", "lessons", "embedded")


def source_of(files: Files, name: str) -> Source | None:
    """The source of that name, None when there is none yet. Raises InvalidQuery for one that nothing is sent to."""
    if name == SHARED_SOURCE:
        raise InvalidQuery(
            f"The source {SHARED_SOURCE!r} is kept for what people tell by hand. Name another.", "source"
        )
    known = {source.name: source for source in files.sources()}.get(name)
    if known is not None and known.root is not None:
        raise InvalidQuery(f"The source {name!r} is a folder of the server's own. Name another.", "source")
    return known


def columns_of(given: str | None) -> Columns:
    """The roles of columns in a parameter. Raises InvalidQuery."""
    try:
        return parse_columns([given] if given else [])
    except ValueError as error:
        raise InvalidQuery(str(error), "columns") from error


def list_files(
    target: Target, name: str, made_by: tuple[str | None, Names], limit: int, after: str | None
) -> dict[str, Any]:
    """The files of a source in order of their paths, `limit` of them behind `after`, as JSON.

    `is_current` says whether the same bytes, sent again and read with these columns and names, would change nothing.
    """
    files = target.record.files
    columns, names = made_by
    source, roles = source_of(files, name), columns_of(columns)
    if source is None:
        return {"items": [], "next": None}
    states = files.states(source)
    paths = [path for path in sorted(states) if after is None or path > after]
    damaged = files.damaged_paths(source)
    holding = frozenset(files.stored_paths(source))
    items = [
        {
            "path": path,
            "sha256": states[path].sha256,
            "state": states[path].state,
            "is_current": path not in damaged and _is_current(states[path], roles, names),
            "has_documents": path in holding,
        }
        for path in paths[:limit]
    ]
    return {"items": items, "next": paths[limit - 1] if len(paths) > limit else None}


def finish_sending(target: Target, name: str, gone: Collection[str], *, more: bool) -> dict[str, Any]:
    """What changed, as JSON: `gone` are removed and, unless there is `more` to come, shared lines are looked for.

    The report that the source keeps tells of all its files.
    """
    refuse_to_mix(target.record, target.fingerprint)
    files = target.record.files
    source = source_of(files, name) or files.open_source(name, None, None)
    states = files.states(source)
    left = [state for path, state in sorted(states.items()) if path not in gone]
    plan = Plan(
        source=source,
        root=Path(name),
        prefix="",
        files=(),
        skipped=tuple((item.path, item.reason or "") for item in left if item.state == "skipped"),
        unlisted=tuple((item.path, item.reason or "") for item in left if item.state == "failed"),
        states=states,
        moves={},
        gone=tuple(sorted(path for path in gone if path in states)),
        unchanged=sum(item.state == "read" for item in left),
    )
    report = ingest_one(target, plan, IngestOptions(prune=bool(plan.gone), yes=True, settle=not more))
    return {name: value for name, value in report.as_json().items() if name in _KEPT}


def _is_current(state: FileState, columns: Columns, names: Names) -> bool:
    made_by = (read_by(state.path, columns, names), EXTRACTED_BY)
    return state.state == "read" and (state.read_by, state.extracted_by) == made_by
