"""What an ingest is asked to do, and what it tells on its way; the same for a folder read here and one that is sent."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.names import NO_NAMES, Names
from ingest.readers.columns import NO_COLUMNS, Columns


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How to ingest one path.

    Without `settle`, lines that the source's documents share are not looked for: more files are to come.
    """

    source: str | None = None
    url_template: str | None = None
    max_file_bytes: int = 25_000_000
    prune: bool = False
    yes: bool = False
    dry_run: bool = False
    settle: bool = True
    columns: Columns = NO_COLUMNS
    names: Names = NO_NAMES


@dataclass(frozen=True, slots=True)
class Progress:
    """Told after each file: how many of how many are done, and how many lessons they gave so far."""

    done: int
    total: int
    lessons: int
    path: str
