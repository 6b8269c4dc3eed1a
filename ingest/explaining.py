"""`lessons ingest --explain FILE`: what a file is read as, and line by line what was taken as what and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ingest.drafts import cleaned
from ingest.extract.explain import explain
from ingest.readers import Reading
from ingest.readers.columns import NO_COLUMNS, Columns
from ingest.readers.process import ReaderProcess
from ingest.sources import Limits, SkippedFile, walk

TEXT_CHARS = 90


def explain_file(path: Path, max_file_bytes: int, columns: Columns = NO_COLUMNS) -> str:
    """The explanation of one file by itself, so without what its folder repeats. Raises SourceError."""
    entry = next(walk(path, Limits(max_file_bytes)))
    if isinstance(entry, SkippedFile):
        return f"{entry.relative}: skipped: {entry.reason}"
    with ReaderProcess(columns=columns) as reader:
        readings = reader.read(entry.path, entry.relative)
    return "\n\n".join("\n".join(_lines(entry.relative, reading)) for reading in readings)


def _lines(path: str, reading: Reading) -> Iterator[str]:
    clean = cleaned(path, reading)
    meta = clean.meta
    yield f"{path}{f' [{reading.part}]' if reading.part else ''}"
    origins = dict(meta.origins)
    for name in ("title", "date", "severity", "team", "service", "language", "url", "authors", "tags"):
        value = getattr(meta, name)
        if value:
            shown = ", ".join(value) if isinstance(value, tuple) else value
            yield f"  {name:9} {shown}  ({origins.get(name, 'found')})"
    for name, count in clean.redacted:
        yield f"  redacted  {count} {name}"
    for warning in clean.warnings:
        yield f"  warning   {warning}"
    for row in explain(clean.text, title=meta.title, path=path):
        taken = f"{row.kind}, {row.polarity}" if row.kind else "-"
        text = " ".join(clean.text[row.start : row.end].split())
        yield f"{row.line:>5}  {taken:24} {text[:TEXT_CHARS]}{'…' if len(text) > TEXT_CHARS else ''}"
        reasons = "; ".join(part for part in (row.rule, " ".join(row.why)) if part)
        yield f"       {'':24} {row.probability:.2f}  {reasons}"
