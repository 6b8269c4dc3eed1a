"""Before anything is read: which source a root belongs to, what is known of it, what moved and what is gone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ingest.sources import SkippedFile, SourceFile
from retriever.errors import ModelError, SourceError
from retriever.lesson import SHARED_SOURCE
from retriever.record import Record
from retriever.record.draft import FileState
from retriever.record.files import Files
from retriever.record.rows import Source

# A prune that would take more than this share of a source's files wants a second word.
PRUNE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a root belongs: a source's name, the folder its paths start from, and what that puts before ours."""

    name: str
    base: Path
    prefix: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What an ingest of one root has before it; paths are the source's own, `moves` {new path: old path}.

    `unchanged` counts files that are known to be so without a look.
    """

    source: Source
    root: Path
    prefix: str
    files: tuple[SourceFile, ...]
    skipped: tuple[tuple[str, str], ...]
    unlisted: tuple[tuple[str, str], ...]
    states: Mapping[str, FileState]
    moves: Mapping[str, str]
    gone: tuple[str, ...]
    unchanged: int = 0

    def path_of(self, file: SourceFile) -> str:
        """The file's path within the source."""
        return self.prefix + file.relative


def refuse_to_mix(record: Record, fingerprint: str) -> None:
    """Raises ModelError when what is stored was embedded by another model than the one in use."""
    model = record.embeddings.model()
    if model not in (None, fingerprint):
        raise ModelError(
            f"This memory was embedded by another model ({model}) than the one in use ({fingerprint}). "
            "Nothing was changed. Set the model of before with --model, or move the memory to this one with "
            "`lessons reindex`."
        )


def find_place(root: Path, name: str | None, sources: Sequence[Source]) -> Place:
    """The place of a resolved root: in the nearest source, of that name if one is given, that holds it; else its own.

    Raises SourceError when the name belongs to another folder that is still there: their files would overwrite each
    other. A folder that is not there any more has moved, and its source with it.
    """
    if name == SHARED_SOURCE:
        raise SourceError(f"The source {name!r} is kept for what people tell by hand. Give another --source.")
    folder = root if root.is_dir() else root.parent
    holding = [
        Path(known.root)
        for known in sources
        if known.root and name in (None, known.name) and folder.is_relative_to(known.root)
    ]
    if holding:
        base = max(holding, key=lambda path: len(path.parts))
        owner = next(known.name for known in sources if known.root == str(base) and name in (None, known.name))
        inside = folder.relative_to(base).as_posix()
        return Place(owner, base, "" if inside == "." else f"{inside}/")
    for known in sources:
        if known.name == name and known.root and Path(known.root).exists():
            raise SourceError(
                f"The source {name!r} is the folder {known.root!r}. Give another --source, or ingest a folder that "
                "holds both."
            )
    return Place(name or str(folder), folder, "")


def find_source(files: Files, place: Place, url_template: str | None, *, is_dry: bool) -> Source:
    """The source at a place, made or brought up to date; a dry run changes nothing."""
    if not is_dry:
        return files.open_source(place.name, str(place.base), url_template)
    known = {source.name: source for source in files.sources()}
    return known.get(place.name, Source(0, place.name, str(place.base), None, None, None))


class KnownFiles(Protocol):
    """What is known of a source's files: by the record, or by a server that was asked."""

    def states(self, source: Source) -> Mapping[str, FileState]:
        """{path: what is remembered of it} for every file of the source, also those no longer there."""

    def stored_paths(self, source: Source) -> Sequence[str]:
        """The paths of all files of the source that gave documents, in order."""

    def damaged_paths(self, source: Source) -> Set[str]:
        """The files of the source whose stored text does not match its checksum."""


def make_plan(
    source: Source, place: Place, root: Path, entries: Sequence[SourceFile | SkippedFile], files: KnownFiles
) -> Plan:
    """The plan for what the walk over `root` found."""
    found = tuple(entry for entry in entries if isinstance(entry, SourceFile))
    only = None if root.is_dir() else place.prefix + root.name
    states = {
        path: state
        for path, state in files.states(source).items()
        if (path == only if only is not None else path.startswith(place.prefix))
    }
    present = {place.prefix + entry.relative for entry in entries}
    # Nothing is known about what lies in a folder that could not be listed, least of all that it is gone.
    unlisted = tuple(
        place.prefix if entry.relative == "." else place.prefix + entry.relative
        for entry in entries
        if isinstance(entry, SkippedFile) and entry.is_unlisted
    )
    missing = {path: state for path, state in states.items() if path not in present and not path.startswith(unlisted)}
    moves = _find_moves(missing, {place.prefix + file.relative: file for file in found}, states)
    holding = set(files.stored_paths(source))
    damaged = files.damaged_paths(source)
    return Plan(
        source=source,
        root=root,
        prefix=place.prefix,
        files=found,
        skipped=tuple(
            (place.prefix + entry.relative, entry.reason)
            for entry in entries
            if isinstance(entry, SkippedFile) and not entry.is_unlisted
        ),
        unlisted=tuple(
            (place.prefix + entry.relative, entry.reason)
            for entry in entries
            if isinstance(entry, SkippedFile) and entry.is_unlisted
        ),
        # A file whose stored text was damaged counts as never read, so it is read again.
        states={path: state for path, state in states.items() if path not in damaged},
        moves=moves,
        gone=tuple(sorted(path for path in missing if path in holding and path not in moves.values())),
    )


def check_prune(plan: Plan) -> None:
    """Raises SourceError when removing what is gone looks like a mistake."""
    if not plan.gone:
        return
    if not plan.files:
        raise SourceError(
            f"{str(plan.root)!r} holds no documents, and --prune would remove all {len(plan.gone)} known from there. "
            "Is the folder mounted? If they are to go, repeat with --yes."
        )
    known = sum(state.state == "read" for state in plan.states.values())
    if len(plan.gone) > PRUNE_SHARE * known:
        raise SourceError(
            f"--prune would remove {len(plan.gone)} of the {known} files known in {str(plan.root)!r}, more than a "
            "fifth. If they are to go, repeat with --yes; `lessons ingest` without --prune lists them."
        )


def _find_moves(
    missing: Mapping[str, FileState], found: Mapping[str, SourceFile], states: Mapping[str, FileState]
) -> dict[str, str]:
    """{new path: old path} for files with the same bytes as one that is gone."""
    by_content = {state.sha256: path for path, state in sorted(missing.items()) if state.sha256}
    moves: dict[str, str] = {}
    for path, file in found.items():
        if not by_content:
            break
        if path not in states:
            content = _sha256(file.path)
            if content in by_content:
                moves[path] = by_content.pop(content)
    return moves


def _sha256(path: Path) -> str:
    """The hash of a file's bytes, "" for one that cannot be read, which is then said when it is its turn."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
