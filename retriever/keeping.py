"""Keeping a memory beyond its home: backup and restore of the record, export and import of everything in it.

The vector index is in none of them: it is built anew from the record afterwards.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from retriever.config import Settings
from retriever.errors import HomeBusy, ModelError, StoreError
from retriever.home import make_home
from retriever.locks import INDEX_LOCK, RECORD_LOCK, SERVER_LOCK, ProcessLock, held
from retriever.memory import Memory
from retriever.record import FILE_NAME
from retriever.record.backups import put_in_place, remember_backup
from retriever.record.copies import CopyFacts, copy_in, is_copy, written_whole
from retriever.record.portable import Imported, import_file, is_export

logger = logging.getLogger(__name__)

_FRESH = FILE_NAME + ".new"
# How long those who are about to close the record are waited for.
_IN_USE_S = 5.0


@dataclass(frozen=True, slots=True)
class Replaced:
    """A record that took its place: where the one before it is, and whether the vector index was built at once."""

    aside: Path | None
    is_indexed: bool


def back_up(settings: Settings, file: Path) -> CopyFacts:
    """`file` holds the whole record as it is at one moment, checked; the home remembers where it is."""
    _refuse_target(settings.home, file, is_ours=is_copy)
    with Memory.open(settings) as memory:
        facts = memory.record.copy_to(file)
    try:
        remember_backup(settings.home, file.absolute())
    except StoreError as error:
        # There is a backup all the same, and where the home has no room it is wanted most.
        logger.warning("the home does not know of this backup: %s", error)
    return facts


def restore(settings: Settings, file: Path, *, replace: bool) -> tuple[CopyFacts, Replaced]:
    """The memory is what the backup holds. Raises StoreError where there is a memory and it is not to be replaced."""
    record = settings.home / FILE_NAME
    fresh = record.with_name(_FRESH)
    purpose = "restore a backup"
    with _home_to_itself(settings.home, purpose, functools.partial(_refuse_to_replace, record, replace=replace)):
        try:
            facts = copy_in(file, fresh)
            aside = put_in_place(fresh, record)
            _remove_generations(settings.home)
        finally:
            fresh.unlink(missing_ok=True)
    return facts, Replaced(aside, _build_index(settings))


def export(settings: Settings, file: Path, *, embeddings: bool) -> int:
    """How many lines `file` holds: the record as it is at one moment."""
    _refuse_target(settings.home, file, is_ours=is_export)
    with Memory.open(settings) as memory, written_whole(file) as partial:
        partial.touch(mode=0o600)
        with partial.open("w", encoding="utf-8", newline="\n") as out:
            count = 0
            for line in memory.record.export(embeddings=embeddings):
                out.write(line)
                count += 1
    return count


def import_from(settings: Settings, file: Path) -> tuple[Imported, Replaced]:
    """The memory is what the export holds. Raises StoreError where there is a memory already."""
    record = settings.home / FILE_NAME
    fresh = record.with_name(_FRESH)
    with _home_to_itself(settings.home, "import an export", functools.partial(_refuse_to_fill, record)):
        try:
            imported = import_file(fresh, file)
            put_in_place(fresh, record)
            _remove_generations(settings.home)
        finally:
            fresh.unlink(missing_ok=True)
    return imported, Replaced(None, imported.has_embeddings and _build_index(settings))


def _refuse_to_replace(record: Path, *, replace: bool) -> None:
    if record.exists() and not replace:
        raise StoreError(
            f"There is a memory in {record.parent} already. With --replace the backup takes its place, and the record "
            "that is there is kept aside; or choose another --home."
        )


def _refuse_to_fill(record: Path) -> None:
    if record.exists():
        raise StoreError(
            f"There is a memory in {record.parent} already, and an export is imported into an empty home only. "
            "Choose another --home."
        )


@contextlib.contextmanager
def _home_to_itself(home: Path, purpose: str, refuse: Callable[[], None]) -> Iterator[None]:
    """No server runs on the home, nobody has its index or its record open, and none of it begins meanwhile.

    `refuse` raises what speaks against it: asked first, as it says more than who is there, and again once nothing
    can change any more. Raises HomeBusy when the home is in use.
    """
    refuse()
    make_home(home)
    says = f"a command that is to {purpose}"
    with held(home / SERVER_LOCK, says, purpose), held(home / INDEX_LOCK, says, purpose):
        alone = ProcessLock(home / RECORD_LOCK)
        if not alone.acquire(says, wait_s=_IN_USE_S):
            raise HomeBusy(
                f"{home / FILE_NAME} is in use by another process. Stop what ingests, asks or serves there, then try "
                "again."
            )
        try:
            refuse()
            yield
        finally:
            alone.release()


def _refuse_target(home: Path, file: Path, is_ours: Callable[[Path], bool]) -> None:
    """Raises StoreError for a file that is something else and must not be written over."""
    if file.is_dir():
        raise StoreError(f"{file} is a folder. Name a file in it.")
    if not file.absolute().parent.is_dir():
        raise StoreError(f"There is no folder {file.absolute().parent}. Make it first, or name another file.")
    if file.exists() and ((home / FILE_NAME).exists() and file.samefile(home / FILE_NAME) or not is_ours(file)):
        raise StoreError(f"{file} is there already and is something else. Name another file.")


def _remove_generations(home: Path) -> None:
    for folder in (home / "index").glob("gen-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _build_index(settings: Settings) -> bool:
    """Whether the index holds the record now; else a server or an ingest with the right model builds it."""
    with Memory.open(settings) as memory:
        try:
            if memory.record.embeddings.model() != memory.fingerprint:
                return False
            keeper = memory.keeper()
        except ModelError:
            return False
        is_open = keeper.open("building the vector index")
        keeper.close()
        return is_open
