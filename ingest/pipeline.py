"""An ingest from end to end: walk, decide, read, draft, embed, record, report.

Safe to repeat and to interrupt: each file is one transaction, and what is unchanged costs a hash of its bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.commits import Commits, Prepared, Target
from ingest.drafts import EXTRACTED_BY, Drafted, draft_all, read_by, redraft
from ingest.options import IngestOptions, Progress
from ingest.plan import Plan, check_prune, find_place, find_source, make_plan, refuse_to_mix
from ingest.readers import format_of
from ingest.readers.process import ReaderProcess
from ingest.repeats import Repeats
from ingest.report import IngestReport
from ingest.sources import Limits, SourceFile, walk
from ingest.tally import Tally
from retriever.errors import SourceError
from retriever.lesson import Document, digest
from retriever.record.draft import FileReading, FileState

if TYPE_CHECKING:
    pass

__all__ = ["IngestOptions", "Progress", "Target", "ingest", "ingest_one"]


def ingest(
    target: Target, root: Path, options: IngestOptions, tell: Callable[[Progress], None] = lambda progress: None
) -> IngestReport:
    """The memory holds what the files below `root` say; the report names every file that gave nothing, and why.

    Raises SourceError when `root` cannot be read or a prune looks like a mistake; then nothing was pruned. Raises
    RecordDamaged when the record fails SQLite's own check; then nothing was written.
    """
    started = time.perf_counter()
    target.record.soundness.require()
    refuse_to_mix(target.record, target.fingerprint)
    entries = list(walk(root, Limits(options.max_file_bytes)))
    resolved, files = root.resolve(), target.record.files
    place = find_place(resolved, options.source, files.sources())
    source = find_source(files, place, options.url_template, is_dry=options.dry_run)
    return _Run(target, make_plan(source, place, resolved, entries, files), options, tell, started).report()


def ingest_one(target: Target, plan: Plan, options: IngestOptions) -> IngestReport:
    """The same for a plan that was made without a folder, as for a file that was sent."""
    return _Run(target, plan, options, lambda progress: None, time.perf_counter()).report()


class _Run:
    """One ingest of one root."""

    def __init__(
        self, target: Target, plan: Plan, options: IngestOptions, tell: Callable[[Progress], None], started: float
    ) -> None:
        self._started = started
        self._target = target
        self._files = target.record.files
        self._plan = plan
        self._options = options
        self._tell = tell
        self._tally = Tally()
        self._boilerplate = self._files.boilerplate(self._plan.source).lines
        self._tally.failed.extend(self._plan.unlisted)
        self._tally.unchanged = self._plan.unchanged

    def report(self) -> IngestReport:
        plan = self._plan
        if self._options.prune and not self._options.yes:
            check_prune(plan)
        self._read_all()
        self._tally.warn_of_missing_columns(str(plan.root), self._options.columns)
        if not self._options.dry_run:
            if self._options.prune:
                self._tally.outcome += self._files.drop_files(plan.source, plan.gone)
            if self._options.settle:
                self._settle()
            self._files.note_files(plan.source, "skipped", plan.skipped)
            self._files.note_files(plan.source, "failed", self._tally.failed)
        report = self._finished()
        if not self._options.dry_run:
            self._files.finish_source(plan.source, report.as_json())
            self._target.follow()
        return report

    def _read_all(self) -> None:
        files = self._plan.files
        with ReaderProcess(columns=self._options.columns) as reader, self._commits() as commits:
            for done, file in enumerate(files, start=1):
                prepared = self._prepare(file, reader)
                if prepared is not None and not self._options.dry_run:
                    commits.add(prepared)
                self._tell(Progress(done, len(files), self._tally.lessons, file.relative))
        self._tally.outcome += commits.outcome

    @contextlib.contextmanager
    def _commits(self) -> Iterator[Commits]:
        with Commits(self._target, self._plan.source) as commits:
            yield commits
        self._tally.embedded += commits.embedded

    def _settle(self) -> None:
        """Looks again at documents that hold lines which turned out to be repeated across the source, or no longer are.

        So what is extracted depends on what is in the source, and not on the order in which it came.
        """
        files, source = self._files, self._plan.source
        known = files.boilerplate(source)
        if known.is_settled:
            return
        repeats = Repeats(self._target.record.lines, source, known.lines)
        lines = repeats.boilerplate()
        with self._commits() as commits:
            for path in repeats.touched():
                for item in self._redrafted(path, files.stored(source, path), lines):
                    commits.add(item)
        self._tally.outcome = self._tally.outcome.settled(commits.outcome)
        files.settle(source, lines, known.revision)

    def _redrafted(self, path: str, documents: Sequence[Document], lines: frozenset[str]) -> Iterator[Prepared]:
        reading = self._files.reading(self._plan.source, path)
        if reading is not None:
            drafted = tuple(Drafted(redraft(item, lines), (), ()) for item in documents)
            yield Prepared(reading, drafted, {item.part or "": digest(item.text) for item in documents})

    def _prepare(self, file: SourceFile, reader: ReaderProcess) -> Prepared | None:
        path = self._plan.path_of(file)
        try:
            data = file.read()
        except OSError as error:
            self._tally.failed.append((path, f"cannot be read: {error.strerror}"))
            return None
        reading = FileReading(
            path,
            hashlib.sha256(data).hexdigest(),
            read_by(path, self._options.columns, self._options.names),
            EXTRACTED_BY,
        )
        state = self._move(path) or self._plan.states.get(path)
        if state is not None and _is_unchanged(state, reading):
            self._tally.unchanged += 1
            self._tally.has_unread_tables |= format_of(path).tabular
            return None
        if state is not None and _is_read(state, reading):
            stored = self._files.stored(self._plan.source, path)
            drafted = tuple(Drafted(redraft(document, self._boilerplate), (), ()) for document in stored)
            self._tally.count(path, drafted)
            return Prepared(reading, drafted)
        try:
            readings = reader.read(data, path)
        except SourceError as error:
            self._tally.failed.append((path, str(error)))
            return None
        self._tally.columns.update(name for one in readings for name in one.columns)
        drafted = draft_all(path, readings, self._boilerplate, self._options.names)
        self._tally.count(path, drafted)
        return Prepared(reading, drafted)

    def _move(self, path: str) -> FileState | None:
        """A moved file is read once more, since its name may have said its date; its ids and embeddings stay."""
        old = self._plan.moves.get(path)
        if old is None:
            return None
        self._tally.moved += 1
        if not self._options.dry_run:
            self._files.move_file(self._plan.source, old, path)
        return FileState(path, None, None, None, "read", None)

    def _finished(self) -> IngestReport:
        return self._tally.report(self._plan, self._options, time.perf_counter() - self._started)


def _is_read(state: FileState, reading: FileReading) -> bool:
    """Whether the stored text is what reading the file again would give."""
    return (state.state, state.sha256, state.read_by) == ("read", reading.sha256, reading.read_by)


def _is_unchanged(state: FileState, reading: FileReading) -> bool:
    return _is_read(state, reading) and state.extracted_by == reading.extracted_by
