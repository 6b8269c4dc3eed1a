"""Locks between processes: advisory `flock`s, which the system frees when their holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from retriever.errors import HomeBusy, StoreError

# In a home: held by the server for life, and by whoever has the vector index open.
SERVER_LOCK = "server.lock"
INDEX_LOCK = "index/lock"


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

    def acquire(self, says: str = "") -> bool:
        """Whether the lock is now ours; never waits. Raises StoreError when the file cannot be used at all."""
        if self._file is None:
            try:
                self._file = self._taken(says)
            except OSError as error:
                raise StoreError(
                    f"The lock {self._path} cannot be taken: {error.strerror or error}. "
                    "Make room or mend its permissions, then try again."
                ) from error
        return self._file is not None

    def _taken(self, says: str) -> IO[str] | None:
        """The file, locked and saying who holds it; None when somebody else has the lock."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
