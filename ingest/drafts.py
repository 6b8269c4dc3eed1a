"""One reading to one draft: redact, find its metadata, extract its lessons, cut its passages. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ingest.extract import EXTRACTOR_VERSION, extract
from ingest.metadata import METADATA_VERSION, resolve
from ingest.names import MARK, NO_NAMES, RULE, Names, without_names
from ingest.passages import PASSAGES_VERSION, cut
from ingest.readers import Reading, format_of, reader_version
from ingest.readers.columns import NO_COLUMNS, Columns
from ingest.redact import REDACTOR_VERSION, redact
from ingest.repeats import lines_of
from ingest.syntax import blocks, plain
from retriever.lesson import Document, Finding, Metadata
from retriever.record.draft import Draft, DraftLesson, DraftSentence
from retriever.words import WORDS_VERSION

# Where only this differs from what a file was drafted by, its stored text is enough and the file is not read again.
EXTRACTED_BY = f"extract/{EXTRACTOR_VERSION} passages/{PASSAGES_VERSION} words/{WORDS_VERSION}"


def read_by(path: str, columns: Columns = NO_COLUMNS, names: Names = NO_NAMES) -> str:
    """What makes the stored text and metadata of a file at `path`; kept beside the checksum of its bytes."""
    made_by = f"{reader_version(path)} metadata/{METADATA_VERSION} redact/{REDACTOR_VERSION}"
    made_by = f"{made_by} {names}" if names.are_redacted else made_by
    return f"{made_by} columns/{columns}" if format_of(path).tabular and columns.given else made_by


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A redacted text with its metadata; `redacted` counts by rule."""

    text: str
    meta: Metadata
    warnings: tuple[str, ...]
    redacted: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft with what a report has to say about it; `redacted` counts by rule."""

    draft: Draft
    warnings: tuple[str, ...]
    redacted: tuple[tuple[str, int], ...]


def draft_all(
    path: str, readings: Sequence[Reading], boilerplate: frozenset[str], names: Names = NO_NAMES
) -> tuple[Drafted, ...]:
    """A draft for each reading of the file at `path`; parts are made unique within the file."""
    taken: set[str] = set()
    drafted = []
    for number, reading in enumerate(readings, start=1):
        part = reading.part if len(readings) == 1 else reading.part or str(number)
        unique, attempt = part, 1
        while unique is not None and unique in taken:
            attempt += 1
            unique = f"{part} ({attempt})"
        taken.add(unique or "")
        drafted.append(_draft(cleaned(path, replace(reading, part=unique), names), (unique, path), boilerplate))
    return tuple(drafted)


def redraft(document: Document, boilerplate: frozenset[str]) -> Draft:
    """What the extractor makes of a stored, already redacted document."""
    return _found(document.part, document.text, (document.path, document.meta), boilerplate)


def cleaned(path: str, reading: Reading, names: Names = NO_NAMES) -> Cleaned:
    """The reading as it may be stored, with its metadata."""
    reading, named = without_names(reading, names)
    redaction = redact(reading.text)
    fields = tuple((name, redact(value).text) for name, value in reading.fields)
    clean = replace(reading, text=redaction.text, fields=fields)
    meta, warnings = resolve(path, clean)
    meta = replace(meta, authors=tuple(author for author in meta.authors if MARK not in author))
    counts = (*redaction.counts, (RULE, named)) if named else redaction.counts
    return Cleaned(clean.text, meta, (*reading.warnings, *warnings), counts)


def _draft(clean: Cleaned, place: tuple[str | None, str], boilerplate: frozenset[str]) -> Drafted:
    part, path = place
    draft = _found(part, clean.text, (path, clean.meta), boilerplate)
    return Drafted(draft, clean.warnings, clean.redacted)


def _found(part: str | None, text: str, about: tuple[str, Metadata], boilerplate: frozenset[str]) -> Draft:
    path, meta = about
    found = extract(text, title=meta.title, path=path, boilerplate=boilerplate)
    draft = put_together(part, text, meta, tuple(draft_lesson(text, item) for item in found.lessons))
    return replace(draft, lines=lines_of(text, path))


def draft_lesson(text: str, finding: Finding, identity: str | None = None) -> DraftLesson:
    """The finding with the plain words of it that are embedded."""
    return DraftLesson(finding, plain(text[finding.start : finding.end]), identity)


def put_together(part: str | None, text: str, meta: Metadata, lessons: tuple[DraftLesson, ...]) -> Draft:
    """The draft of a text whose lessons are known: its headings, passages and sentences are found here."""
    cuts = cut(text)
    return Draft(
        part=part,
        text=text,
        meta=meta,
        headings="\n".join(text[block.start : block.end] for block in blocks(text) if block.kind == "heading"),
        passages=tuple(item.passage for item in cuts),
        sentences=tuple(
            DraftSentence(start, end, number, plain(text[start:end]))
            for number, item in enumerate(cuts)
            for start, end in item.sentences
        ),
        lessons=lessons,
    )
