"""Locks between processes: advisory `flock`s, which the system frees when their holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from retriever.errors import HomeBusy, StoreError

# In a home: held by the server for life, and by whoever has the vector index open.
SERVER_LOCK = "server.lock"
INDEX_LOCK = "index/lock"
# Held by everybody who has the record open, together; and alone by who puts another record in its place.
RECORD_LOCK = "record.lock"

_PAUSE_S = 0.02


class ProcessLock:
    """An exclusive lock on a file. What its holder says of itself can be read by those it keeps waiting.

    The file's descriptor is not inherited by programs that are started; a fork would share the lock, so there are
    none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._file is not None

    def acquire(self, says: str = "", *, wait_s: float = 0.0) -> bool:
        """Whether the lock is now ours, waiting so long for it. Raises StoreError when the file cannot be used."""
        if self._file is None:
            with _explained(self._path):
                self._file = self._taken(says, wait_s)
        return self._file is not None

    def _taken(self, says: str, wait_s: float) -> IO[str] | None:
        """The file, locked and saying who holds it; None when somebody else has the lock."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+", encoding="utf-8")
        try:
            _lock(file, fcntl.LOCK_EX, wait_s)
            file.seek(0)
            file.truncate()
            json.dump({"pid": os.getpid(), "says": says}, file)
            file.flush()
        except BaseException as error:
            # Closing flushes once more, and fails once more where there is no room; the lock is free all the same.
            with contextlib.suppress(OSError):
                file.close()
            if isinstance(error, BlockingIOError):
                return None
            raise
        return file

    def release(self) -> None:
        """The lock is free; harmless when it was not held."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def holder(self) -> str:
        """Who holds the lock, in words."""
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return "another process"
        return f"process {known.get('pid')} ({known.get('says') or 'no description'})"


class SharedLock:
    """A lock on a file that many hold together, and that nobody has alone meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def acquire(self, *, wait_s: float = 0.0) -> bool:
        """Whether it is held now, waiting so long for who has it alone. Raises StoreError when it cannot be used."""
        with _explained(self._path):
            file = self._path.open("a+", encoding="utf-8")
            try:
                _lock(file, fcntl.LOCK_SH, wait_s)
            except BlockingIOError:
                file.close()
                return False
            self._file = file
        return True

    def release(self) -> None:
        """It is held no longer; harmless when it was not."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _lock(file: IO[str], how: int, wait_s: float) -> None:
    """The file is locked; raises BlockingIOError when others kept it locked for so long."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE_S)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The lock {path} cannot be taken: {error.strerror or error}. "
            "Make room or mend its permissions, then try again."
        ) from error


@contextlib.contextmanager
def held(path: Path, says: str, purpose: str) -> Iterator[None]:
    """Holds the lock for a block. Raises HomeBusy, naming the holder, when somebody else has it."""
    lock = ProcessLock(path)
    if not lock.acquire(says):
        raise HomeBusy(f"Cannot {purpose}: {lock.holder()} holds {path}. Stop it first, or wait for it.")
    try:
        yield
    finally:
        lock.release()
