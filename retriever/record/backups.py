"""Which copies of the record a home knows of, and how one of them takes the record's place."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from retriever.errors import HomeBusy, StoreError
from retriever.record.copies import BESIDE, copy_out, sync, written_whole

# Where a home keeps copies of its record: made before a migration, or set aside when another took its place.
FOLDER = "backups"

# Says where the last backup went; read when the record itself can no longer say anything.
LAST_BACKUP = "last-backup.json"

_SET_ASIDE = "replaced"
_IN_USE_S = 5.0


def put_in_place(fresh: Path, record: Path) -> Path | None:
    """The finished file is the record; gives where the one before it was set aside, None when there was none.

    Raises HomeBusy while another process uses the record.
    """
    aside = None
    if record.exists():
        aside = _free_name(record.parent / FOLDER, _SET_ASIDE)
    try:
        if aside is not None:
            aside.parent.mkdir(mode=0o700, exist_ok=True)
            _set_aside(record, aside)
        fresh.replace(record)
        sync(record.parent)
    except OSError as error:
        raise StoreError(f"{record} cannot be replaced: {error.strerror or error}. The one before is kept.") from error
    return aside


def before_migration(connection: sqlite3.Connection, record: Path, version: int) -> Path:
    """A copy of the record at its old version, in the home."""
    folder = record.parent / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    target = _free_name(folder, f"version-{version}")
    copy_out(connection, target)
    return target


def remember_backup(home: Path, path: Path) -> None:
    """The home knows where its last backup went."""
    with written_whole(home / LAST_BACKUP) as partial:
        partial.write_text(json.dumps({"file": str(path)}), encoding="utf-8")


def last_backup(home: Path) -> Path | None:
    """Where the last backup went; None when there was none."""
    try:
        return Path(json.loads((home / LAST_BACKUP).read_text(encoding="utf-8"))["file"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def advice(home: Path) -> str:
    """What to do about a damaged record: which backup to restore, and how."""
    last = last_backup(home)
    known = [*(home / FOLDER).glob("*.db"), *([last] if last is not None else [])]
    present = [
        (path.stat().st_mtime, path) for path in known if path.is_file() and not path.name.startswith(_SET_ASIDE)
    ]
    if not present:
        return (
            "No backup of it is known here. If you have one: `lessons restore FILE --replace`; the damaged record is "
            "kept aside. If not: keep a copy of the home folder, and fill a new memory from your documents."
        )
    made, newest = max(present)
    moment = datetime.fromtimestamp(made, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"The newest backup known here is of {moment}: `lessons restore {newest} --replace` puts it in place, and "
        "keeps the damaged record aside."
    )


def _set_aside(record: Path, aside: Path) -> None:
    """The record is at `aside` too, with everything that belongs to it; raises HomeBusy while others use it."""
    try:
        with contextlib.closing(sqlite3.connect(record, timeout=_IN_USE_S, isolation_level=None)) as connection:
            # Writes the log back and removes it; SQLite refuses while anybody else has the file open.
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise HomeBusy(
                f"{record} is in use by another process. Stop what ingests, asks or serves there, then try again."
            ) from error
    except sqlite3.DatabaseError:
        # Too damaged for that: its log, if any, goes with it, for it must never meet another record.
        pass
    for suffix in BESIDE:
        beside = record.with_name(record.name + suffix)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + suffix))
    try:
        os.link(record, aside)
    except OSError:
        # A file system without hard links.
        shutil.copyfile(record, aside)


def _free_name(folder: Path, stem: str) -> Path:
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    names = (f"{stem}-{moment}{mark}.db" for mark in ("", *(f"-{number}" for number in range(2, 1000))))
    return next(folder / name for name in names if not (folder / name).exists())
