"""One file that was sent: read by the same pipeline as a folder's, under a source that has no folder here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ingest.left_out import Limits
from ingest.names import NO_NAMES, Names
from ingest.pipeline import IngestOptions, Target, ingest_one
from ingest.plan import Plan, refuse_to_mix
from ingest.report import IngestReport
from ingest.sent_sources import columns_of, source_of
from ingest.sources import SourceFile, sent_file
from retriever.errors import InvalidQuery
from retriever.record.draft import FileState
from retriever.record.files import Files
from retriever.record.rows import Source
from retriever.sharing import SentFile

_UNWANTED = re.compile(r"[\x00-\x1f\x7f]")


def ingest_sent(target: Target, sent: SentFile, max_file_bytes: int, names: Names = NO_NAMES) -> dict[str, Any]:
    """What came of the file, for programs: its row of the report, and the documents it now gives.

    Raises InvalidQuery, naming the field, for a path or a source that no sent file can have.
    """
    _check_path(sent.path)
    refuse_to_mix(target.record, target.fingerprint)
    files = target.record.files
    columns = columns_of(sent.columns)
    source_of(files, sent.source)
    plan = _plan(files.open_source(sent.source, None, sent.url_template), sent, files, max_file_bytes)
    options = IngestOptions(max_file_bytes=max_file_bytes, settle=not sent.more, columns=columns, names=names)
    report = ingest_one(target, plan, options)
    state, reason = _outcome(report)
    return {
        "source": sent.source,
        "path": sent.path,
        "state": state,
        "reason": reason,
        "moved": report.moved > 0,
        "documents": [{"id": item.id, "title": item.title} for item in files.stored(plan.source, sent.path)],
        "changes": report.as_json()["documents"],
        **{name: value for name, value in report.as_json().items() if name in _KEPT},
    }


# What of a report is about a single file too.
_KEPT = ("lessons", "embedded", "redacted", "languages", "warnings", "took_s")


def _plan(source: Source, sent: SentFile, files: Files, max_file_bytes: int) -> Plan:
    file = sent_file(sent.path, sent.content, Limits(max_file_bytes))
    states = files.states(source)
    state = states.get(sent.path)
    is_damaged = sent.path in files.damaged_paths(source, sent.path)
    return Plan(
        source=source,
        root=Path(sent.path),
        prefix="",
        files=(file,) if isinstance(file, SourceFile) else (),
        skipped=() if isinstance(file, SourceFile) else ((file.relative, file.reason),),
        unlisted=(),
        states={sent.path: state} if state is not None and not is_damaged else {},
        moves=_moves(states, sent),
        gone=(),
    )


def _outcome(report: IngestReport) -> tuple[str, str | None]:
    for state, entries in (("skipped", report.skipped), ("failed", report.failed)):
        if entries:
            return state, entries[0][1]
    return ("unchanged" if report.unchanged else "read"), None


def _moves(states: Mapping[str, FileState], sent: SentFile) -> dict[str, str]:
    """{new path: old path} if it is as the sender says: the same bytes, and nothing known at the new path."""
    old = states.get(sent.moved_from or "")
    is_moved = old is not None and sent.path not in states and old.sha256 == hashlib.sha256(sent.content).hexdigest()
    return {sent.path: old.path} if old is not None and is_moved else {}


def _check_path(path: str) -> None:
    parts = path.split("/")
    if _UNWANTED.search(path) or any(part in ("", ".", "..") for part in parts):
        raise InvalidQuery(
            f"A file cannot be sent under the path {path!r}: name it from its folder, as in 'incidents/2024-03.md'.",
            "path",
        )
