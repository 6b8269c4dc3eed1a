"""The report of an ingest in the making."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingest.options import IngestOptions
from ingest.readers.columns import Columns
from ingest.report import IngestReport
from retriever.record.draft import Outcome

if TYPE_CHECKING:
    from ingest.drafts import Drafted
    from ingest.plan import Plan

# So many of the columns that are there are named when one is not.
_COLUMNS_NAMED = 12


@dataclass(slots=True)
class Tally:
    """Counts and findings of one run, added to as files are read; an IngestReport is made of them at its end."""

    read: int = 0
    unchanged: int = 0
    moved: int = 0
    lessons: int = 0
    embedded: int = 0
    outcome: Outcome = Outcome()
    skipped: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    redacted: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    columns: Counter[str] = field(default_factory=Counter)
    has_unread_tables: bool = False

    def count(self, path: str, drafted: Sequence[Drafted]) -> None:
        """One more file was read, and gave these drafts."""
        self.read += 1
        for item in drafted:
            self.lessons += len(item.draft.lessons)
            self.warnings.extend((path, warning) for warning in item.warnings)
            self.redacted.update(dict(item.redacted))
            self.languages[item.draft.meta.language or "en"] += 1

    def report(self, plan: Plan, options: IngestOptions, took_s: float) -> IngestReport:
        """The report of a run that is over."""
        return IngestReport(
            source=plan.source.name,
            root=str(plan.root),
            read=self.read,
            unchanged=self.unchanged,
            moved=self.moved,
            skipped=(*plan.skipped, *self.skipped),
            failed=tuple(self.failed),
            warnings=tuple(self.warnings),
            gone=plan.gone,
            pruned=options.prune,
            outcome=self.outcome,
            lessons_found=self.lessons,
            embedded=self.embedded,
            redacted=tuple(sorted(self.redacted.items())),
            languages=tuple(self.languages.most_common()),
            took_s=took_s,
            dry_run=options.dry_run,
        )

    def warn_of_missing_columns(self, root: str, columns: Columns) -> None:
        """A column that no table has is probably misspelt; not said while there are tables that were not read anew."""
        if self.has_unread_tables:
            return
        there = ", ".join(repr(name) for name, _ in self.columns.most_common(_COLUMNS_NAMED)) or "none, no table"
        for name in columns.missing(self.columns):
            self.warnings.append((root, f"No table read has the column {name!r} of --columns; there: {there}."))
