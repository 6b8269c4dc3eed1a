"""An ingest from end to end: walk, decide, read, draft, embed, record, report.

Safe to repeat and to interrupt: each file is one transaction, and what is unchanged costs a hash of its bytes.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ingest.drafts import EXTRACTED_BY, Drafted, draft_all, read_by, redraft, touched_by
from ingest.embedding import embed_rows, embedded, known_rows
from ingest.extract import boilerplate
from ingest.readers.process import ReaderProcess
from ingest.report import IngestReport
from ingest.sources import Limits, SkippedFile, SourceFile, walk
from retriever.errors import ModelError, SourceError
from retriever.record.draft import FileReading, FileState, Outcome
from retriever.record.rows import Source

if TYPE_CHECKING:
    from retriever.embedder import Embedder
    from retriever.record import Record

# Texts that go through the model together: enough to sort by length, few enough to lose little when interrupted.
BATCH_TEXTS = 256

# A prune that would take more than this share of a source's files wants a second word.
PRUNE_SHARE = 0.2


class Target(Protocol):
    """What an ingest needs of a memory; opening the model is put off until a text needs it."""

    @property
    def record(self) -> Record:
        """Where everything ends up."""

    @property
    def embedder(self) -> Embedder:
        """The model, loaded on first use."""

    @property
    def fingerprint(self) -> str:
        """The model's fingerprint, known without loading it."""

    def follow(self) -> None:
        """Bring the vector index up to date, if no other process does."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How to ingest one path."""

    source: str | None = None
    url_template: str | None = None
    max_file_bytes: int = 25_000_000
    prune: bool = False
    yes: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """Told after each file: how many of how many are done, and how many lessons they gave so far."""

    done: int
    total: int
    lessons: int
    path: str


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A file that was read and drafted and waits for its embeddings."""

    reading: FileReading
    drafted: tuple[Drafted, ...]

    def plains(self) -> dict[str, str]:
        """{digest: plain text} of everything in it that needs an embedding."""
        return {digest: text for item in self.drafted for digest, text in item.draft.plains.items()}


@dataclass(slots=True)
class _Tally:
    """The report in the making."""

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


def ingest(
    target: Target, root: Path, options: IngestOptions, tell: Callable[[Progress], None] = lambda progress: None
) -> IngestReport:
    """The memory holds what the files below `root` say; the report names every file that gave nothing, and why.

    Raises SourceError when `root` cannot be read or a prune looks like a mistake; then nothing was pruned.
    """
    return _Run(target, root, options, tell).report()


class _Run:
    """One ingest of one root."""

    def __init__(self, target: Target, root: Path, options: IngestOptions, tell: Callable[[Progress], None]) -> None:
        self._started = time.perf_counter()
        self._target = target
        self._options = options
        _refuse_to_mix(target)
        self._tell = tell
        self._tally = _Tally()
        self._entries = list(walk(root, Limits(options.max_file_bytes)))
        self._root = root.resolve()
        self._source, self._prefix = self._find_source()
        known = target.record.files.states(self._source) if self._source.key else {}
        self._states = {path: state for path, state in known.items() if self._is_in_scope(path)}
        self._present = {self._prefix + entry.relative for entry in self._entries}
        self._moves = self._find_moves()

    def report(self) -> IngestReport:
        gone = self._gone()
        if self._options.prune:
            self._check_prune(gone)
        self._note_skipped()
        self._read_all()
        if self._options.prune and not self._options.dry_run:
            self._tally.outcome += self._target.record.files.drop_files(self._source, gone)
        self._settle()
        report = self._finished(gone)
        if not self._options.dry_run:
            self._target.record.files.note_files(self._source, "failed", report.failed)
            self._target.record.files.finish_source(self._source, report.as_json())
            self._target.follow()
        return report

    def _find_source(self) -> tuple[Source, str]:
        """The source and what its root puts before a relative path; a root inside a known one joins that one."""
        folder = self._root if self._root.is_dir() else self._root.parent
        name, base = self._options.source, folder
        if name is None:
            for known in self._target.record.files.sources():
                if known.root and folder.is_relative_to(known.root):
                    name, base = known.name, Path(known.root)
                    break
        name = name or str(folder)
        prefix = "" if base == folder else folder.relative_to(base).as_posix() + "/"
        if self._options.dry_run:
            found = [item for item in self._target.record.files.sources() if item.name == name]
            return (found[0] if found else Source(0, name, str(base), None, None, None)), prefix
        return self._target.record.files.open_source(name, str(base), self._options.url_template), prefix

    def _is_in_scope(self, path: str) -> bool:
        if self._root.is_file():
            return path == self._prefix + self._root.name
        return path.startswith(self._prefix)

    def _find_moves(self) -> dict[str, str]:
        """{new path: old path} for files with the same bytes as one that is gone."""
        by_content = {state.sha256: path for path, state in self._states.items() if path not in self._present}
        by_content.pop(None, None)
        moves: dict[str, str] = {}
        if not by_content:
            return moves
        for entry in self._entries:
            path = self._prefix + entry.relative
            if isinstance(entry, SourceFile) and path not in self._states:
                old = by_content.pop(_sha256(entry.path), None)
                if old is not None:
                    moves[path] = old
        return moves

    def _gone(self) -> tuple[str, ...]:
        moved = set(self._moves.values())
        return tuple(
            sorted(
                path
                for path, state in self._states.items()
                if path not in self._present and path not in moved and not path.endswith("/")
            )
        )

    def _check_prune(self, gone: tuple[str, ...]) -> None:
        known = [path for path, state in self._states.items() if state.state == "read"]
        files = [entry for entry in self._entries if isinstance(entry, SourceFile)]
        if not gone or self._options.yes:
            return
        if not files:
            raise SourceError(
                f"{str(self._root)!r} holds no documents, and --prune would remove all {len(gone)} known from there. "
                "Is the folder mounted? If they are to go, repeat with --yes."
            )
        if len(gone) > PRUNE_SHARE * len(known):
            raise SourceError(
                f"--prune would remove {len(gone)} of the {len(known)} files known in {str(self._root)!r}, more than "
                "a fifth. If they are to go, repeat with --yes; `lessons ingest` without --prune lists them."
            )

    def _note_skipped(self) -> None:
        for entry in self._entries:
            if isinstance(entry, SkippedFile):
                self._tally.skipped.append((self._prefix + entry.relative, entry.reason))
        if self._tally.skipped and not self._options.dry_run:
            self._target.record.files.note_files(self._source, "skipped", self._tally.skipped)

    def _read_all(self) -> None:
        files = [entry for entry in self._entries if isinstance(entry, SourceFile)]
        waiting: list[_Prepared] = []
        texts = 0
        self._boilerplate, _ = self._target.record.files.boilerplate(self._source)
        with ReaderProcess() as reader:
            for done, file in enumerate(files, start=1):
                prepared = self._prepare(file, reader)
                if prepared is not None:
                    waiting.append(prepared)
                    texts += len(prepared.plains())
                if texts >= BATCH_TEXTS or done == len(files):
                    self._commit(waiting)
                    waiting, texts = [], 0
                self._tell(Progress(done, len(files), self._tally.lessons, file.relative))

    def _settle(self) -> None:
        """Looks again at documents that hold lines which turned out to be repeated across the source, or no longer are.

        So what is extracted depends on what is in the source, and not on the order in which it came.
        """
        files = self._target.record.files
        known, is_settled = files.boilerplate(self._source)
        if self._options.dry_run or (is_settled and self._tally.outcome == Outcome()):
            return
        files.unsettle(self._source)
        documents = {path: files.stored(self._source, path) for path in files.stored_paths(self._source)}
        lines = boilerplate((path, item.text) for path, items in documents.items() for item in items)
        waiting = []
        for path in touched_by(lines ^ known, documents):
            reading = files.reading(self._source, path)
            if reading is not None:
                drafted = tuple(Drafted(redraft(item, lines), (), ()) for item in documents[path])
                waiting.append(_Prepared(reading, drafted))
        before, self._tally.outcome = self._tally.outcome, Outcome()
        self._commit(waiting)
        self._tally.outcome = before.settled(self._tally.outcome)
        files.settle(self._source, lines)

    def _prepare(self, file: SourceFile, reader: ReaderProcess) -> _Prepared | None:
        path = self._prefix + file.relative
        try:
            data = file.path.read_bytes()
        except OSError as error:
            self._tally.failed.append((path, f"cannot be read: {error.strerror}"))
            return None
        reading = FileReading(path, hashlib.sha256(data).hexdigest(), read_by(path), EXTRACTED_BY)
        state = self._move(path) or self._states.get(path)
        if state is not None and _is_unchanged(state, reading):
            self._tally.unchanged += 1
            return None
        if state is not None and _is_read(state, reading):
            stored = self._target.record.files.stored(self._source, path)
            drafted = tuple(Drafted(redraft(document, self._boilerplate), (), ()) for document in stored)
            self._count(path, drafted)
            return _Prepared(reading, drafted)
        try:
            drafted = draft_all(path, reader.read(data, path), self._boilerplate)
        except SourceError as error:
            self._tally.failed.append((path, str(error)))
            return None
        self._count(path, drafted)
        return _Prepared(reading, drafted)

    def _move(self, path: str) -> FileState | None:
        """A moved file is read once more, since its name may have said its date; its ids and embeddings stay."""
        old = self._moves.get(path)
        if old is None:
            return None
        self._tally.moved += 1
        if not self._options.dry_run:
            self._target.record.files.move_file(self._source, old, path)
        return FileState(path, None, None, None, "read", None)

    def _count(self, path: str, drafted: tuple[Drafted, ...]) -> None:
        self._tally.read += 1
        for item in drafted:
            self._tally.lessons += len(item.draft.lessons)
            self._tally.warnings.extend((path, warning) for warning in item.warnings)
            self._tally.redacted.update(dict(item.redacted))
            self._tally.languages[item.draft.meta.language or "en"] += 1

    def _commit(self, waiting: list[_Prepared]) -> None:
        if self._options.dry_run or not waiting:
            return
        files = self._target.record.files
        rows: dict[str, Any] = {}
        for item in waiting:
            rows |= known_rows(files.known_embeddings(self._source, item.reading.path, self._target.fingerprint))
        plains = {digest: text for item in waiting for digest, text in item.plains().items() if digest not in rows}
        if plains:
            rows |= embed_rows(plains, self._target.embedder)
            self._tally.embedded += len(plains)
        for item in waiting:
            drafts = [(each.draft, embedded(each.draft, rows, self._target.embedder)) for each in item.drafted]
            self._tally.outcome += files.record_file(self._source, item.reading, drafts)

    def _finished(self, gone: tuple[str, ...]) -> IngestReport:
        tally = self._tally
        return IngestReport(
            source=self._source.name,
            root=str(self._root),
            read=tally.read,
            unchanged=tally.unchanged,
            moved=tally.moved,
            skipped=tuple(tally.skipped),
            failed=tuple(tally.failed),
            warnings=tuple(tally.warnings),
            gone=gone,
            pruned=self._options.prune,
            outcome=tally.outcome,
            lessons_found=tally.lessons,
            embedded=tally.embedded,
            redacted=tuple(sorted(tally.redacted.items())),
            languages=tuple(tally.languages.most_common()),
            took_s=time.perf_counter() - self._started,
            dry_run=self._options.dry_run,
        )


def _refuse_to_mix(target: Target) -> None:
    """Raises ModelError when what is stored was embedded by another model than the one in use."""
    others = [name for name, _ in target.record.changes.fingerprints() if name != target.fingerprint]
    if others:
        raise ModelError(
            f"This memory was embedded by another model ({others[0]}) than the one in use ({target.fingerprint}). "
            "Nothing was changed. Set the model of before with --model, or move the memory to this one with "
            "`lessons reindex`."
        )


def _is_read(state: FileState, reading: FileReading) -> bool:
    """Whether the stored text is what reading the file again would give."""
    return (state.state, state.sha256, state.read_by) == ("read", reading.sha256, reading.read_by)


def _is_unchanged(state: FileState, reading: FileReading) -> bool:
    return _is_read(state, reading) and state.extracted_by == reading.extracted_by


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
