"""What was forgotten leaves the disk: the record's part at once, the vector index's by a new generation or none."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from retriever.errors import StoreError
from retriever.locks import INDEX_LOCK, ProcessLock
from retriever.record import Record

logger = logging.getLogger(__name__)


def clean_disk(record: Record) -> None:
    """The record's files and the copies of it in its home no longer hold what was forgotten.

    Raises StoreError when that could not be done now.
    """
    for path in record.erasure.finish():
        logger.warning("%s was removed: it held what was forgotten and could not be changed", path)


def clean_disk_quietly(record: Record) -> None:
    """The same for those who have other things to do: what cannot be done now is logged, and tried again later."""
    try:
        clean_disk(record)
    except StoreError as error:
        logger.warning("what was forgotten is still on disk: %s", error)


def is_behind(record: Record) -> bool:
    """Whether the vector index lacks anything of the record, or holds what was forgotten."""
    generation = record.changes.current()
    return record.changes.is_behind() or (generation is not None and record.erasure.covers(generation.number))


def drop_index(home: Path, record: Record) -> None:
    """No vector index is left, for want of a model to build one; nothing happens while a process has it open."""
    lock = ProcessLock(home / INDEX_LOCK)
    if not lock.acquire("erasing the vector index"):
        return
    try:
        record.changes.retire_all()
        for folder in (home / "index").glob("gen-*"):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        lock.release()
