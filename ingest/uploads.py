"""One file that was sent: read by the same pipeline as a folder's, under a source that has no folder here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ingest.left_out import Limits
from ingest.pipeline import IngestOptions, Target, ingest_one
from ingest.plan import Plan, refuse_to_mix
from ingest.report import IngestReport
from ingest.sources import SourceFile, sent_file
from retriever.errors import InvalidQuery
from retriever.lesson import SHARED_SOURCE
from retriever.record.files import Files
from retriever.record.rows import Source
from retriever.sharing import SentFile

_UNWANTED = re.compile(r"[\x00-\x1f\x7f]")


def ingest_sent(target: Target, sent: SentFile, max_file_bytes: int) -> dict[str, Any]:
    """What came of the file, for programs: its row of the report, and the documents it now gives.

    Raises InvalidQuery, naming the field, for a path or a source that no sent file can have.
    """
    _check_path(sent.path)
    refuse_to_mix(target.record, target.fingerprint)
    files = target.record.files
    plan = _plan(_source(files, sent), sent, files, max_file_bytes)
    report = ingest_one(target, plan, IngestOptions(max_file_bytes=max_file_bytes, settle=not sent.more))
    state, reason = _outcome(report)
    return {
        "source": sent.source,
        "path": sent.path,
        "state": state,
        "reason": reason,
        "documents": [{"id": item.id, "title": item.title} for item in files.stored(plan.source, sent.path)],
        **{name: value for name, value in report.as_json().items() if name in _KEPT},
    }


# What of a report is about a single file too.
_KEPT = ("lessons", "embedded", "redacted", "warnings", "took_s")


def _plan(source: Source, sent: SentFile, files: Files, max_file_bytes: int) -> Plan:
    file = sent_file(sent.path, sent.content, Limits(max_file_bytes))
    state = files.states(source).get(sent.path)
    is_damaged = sent.path in files.damaged_paths(source)
    return Plan(
        source=source,
        root=Path(sent.path),
        prefix="",
        files=(file,) if isinstance(file, SourceFile) else (),
        skipped=() if isinstance(file, SourceFile) else ((file.relative, file.reason),),
        unlisted=(),
        states={sent.path: state} if state is not None and not is_damaged else {},
        moves={},
        gone=(),
    )


def _outcome(report: IngestReport) -> tuple[str, str | None]:
    for state, entries in (("skipped", report.skipped), ("failed", report.failed)):
        if entries:
            return state, entries[0][1]
    return ("unchanged" if report.unchanged else "read"), None


def _source(files: Files, sent: SentFile) -> Source:
    if sent.source == SHARED_SOURCE:
        raise InvalidQuery(
            f"The source {SHARED_SOURCE!r} is kept for what people tell by hand. Name another.", "source"
        )
    for known in files.sources():
        if known.name == sent.source and known.root is not None:
            raise InvalidQuery(f"The source {sent.source!r} is a folder of the server's own. Name another.", "source")
    return files.open_source(sent.source, None, sent.url_template)


def _check_path(path: str) -> None:
    parts = path.split("/")
    if _UNWANTED.search(path) or any(part in ("", ".", "..") for part in parts):
        raise InvalidQuery(
            f"A file cannot be sent under the path {path!r}: name it from its folder, as in 'incidents/2024-03.md'.",
            "path",
        )
