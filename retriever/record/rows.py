"""Rows of the record as the plain values that the rest of the program knows."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from retriever.lesson import NO_REMARKS, Document, Lesson, Metadata, Passage, Remarks


@dataclass(frozen=True, slots=True)
class Source:
    """A named folder, or people's own sharing; `report` is what its last ingest said."""

    key: int
    name: str
    root: str | None
    url_template: str | None
    ingested_at: str | None
    report: dict[str, Any] | None


def source_from_row(row: sqlite3.Row) -> Source:
    """A row of `sources`."""
    report = json.loads(row["report"]) if row["report"] else None
    return Source(row["key"], row["name"], row["root"], row["url_template"], row["ingested_at"], report)


DOCUMENT_COLUMNS = """d.key, d.id, s.name AS source, s.url_template, d.path, d.part, d.title, d.date,
    d.severity, d.team, d.owner, d.service,
    d.language, d.url, d.authors, d.tags, d.origins"""


def document_from_row(row: sqlite3.Row, text: str = "") -> Document:
    """A row of DOCUMENT_COLUMNS; its text only where it was asked for."""
    template = row["url_template"]
    meta = Metadata(
        title=row["title"],
        date=row["date"],
        severity=row["severity"],
        team=row["team"],
        owner=row["owner"],
        service=row["service"],
        language=row["language"],
        url=link_home(template, row["path"], 1) if template else row["url"],
        authors=tuple(json.loads(row["authors"])),
        tags=tuple(json.loads(row["tags"])),
        origins=tuple((field, origin) for field, origin in json.loads(row["origins"])),
    )
    return Document(row["id"], row["source"], row["path"], row["part"] or None, text, meta)


SPAN_COLUMNS = """l.key, l.id, l.start, l.end, l.kind, l.polarity, l.section, l.context,
    (SELECT json_array(r.hidden, r.pinned, r.owner, r.review_on, r.me_too, r.helped, r.outdated, r.wrong)
     FROM remarks r WHERE r.lesson_id = l.id) AS remarks"""
LESSON_COLUMNS = f"{SPAN_COLUMNS}, l.text"


def lesson_from_row(row: sqlite3.Row, document_id: str, document_text: str | None = None) -> Lesson:
    """A row of LESSON_COLUMNS; of SPAN_COLUMNS where the document's text is at hand, which is then what it says."""
    return Lesson(
        id=row["id"],
        document_id=document_id,
        text=row["text"] if document_text is None else document_text[row["start"] : row["end"]],
        start=row["start"],
        end=row["end"],
        kind=row["kind"],
        polarity=row["polarity"],
        section=row["section"],
        context=row["context"],
        remarks=_remarks(row["remarks"]),
    )


def _remarks(said: str | None) -> Remarks:
    if said is None:
        return NO_REMARKS
    hidden, pinned, *others = json.loads(said)
    return Remarks(bool(hidden), bool(pinned), *others)


def passage_from_row(row: sqlite3.Row) -> Passage:
    """A row of `passages`."""
    return Passage(row["start"], row["end"], row["section"])


def moment() -> str:
    """Now, UTC, RFC 3339, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def link_home(template: str, path: str, line: int) -> str:
    """The address of a line of a file, from a source's template with {path} and {line}."""
    # Plain replacement, not str.format: a template is a person's text, and format strings can reach into objects.
    return template.replace("{path}", quote(path)).replace("{line}", str(line))
