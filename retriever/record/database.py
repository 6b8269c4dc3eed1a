"""One SQLite file: opening it with care, a connection for each thread, and transactions that say why they failed."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from retriever.errors import HomeBusy, NotAMemory, RecordDamaged, RecordTooNew, StoreError
from retriever.locks import RECORD_LOCK, ProcessLock, SharedLock
from retriever.record.schema import APPLICATION_ID, SCHEMA_VERSION, migrate

logger = logging.getLogger(__name__)

FILE_NAME = "record.db"

# How long one process waits for another that is writing.
BUSY_TIMEOUT_S = 30
_LOCKED_PAUSE_S = 0.05

# The last is said of a text that is no UTF-8 any more.
_SIGNS_OF_DAMAGE = ("malformed", "not a database", "corrupt", "Could not decode")

# Five embeddings of the default model fill a page of 4 kB; larger pages leave more empty behind texts and sentences.
# Each thread's cache is small, since the system keeps the file's pages for all of them.
PAGE_BYTES = 4096
_PRAGMAS = f"""
PRAGMA page_size = {PAGE_BYTES};
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA secure_delete = ON;
PRAGMA cache_size = -2000;
PRAGMA temp_store = MEMORY;
"""


class Database:
    """The record's file; safe to use from several threads, each of which gets a connection of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._use = SharedLock(path.with_name(RECORD_LOCK))
        if not self._use.acquire(wait_s=BUSY_TIMEOUT_S):
            holder = ProcessLock(path.with_name(RECORD_LOCK)).holder()
            raise HomeBusy(f"{path} is being replaced by {holder}. Try again when that is done.")
        try:
            with self.explained():
                self._prepare()
        except BaseException:
            self.close()
            raise

    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection = connection
            with self._guard:
                self._connections.append(connection)
        return connection

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection whose reads all see one state of the record."""
        with self.explained():
            connection = self.connection()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction that is on disk when the block ends, and never happened when it raises."""
        with self.explained(), self._writing:
            connection = self.connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._require_version(connection)
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise

    def _require_version(self, connection: sqlite3.Connection) -> None:
        """Raises RecordTooNew once a newer program has migrated the record under a process that was running."""
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            raise RecordTooNew(
                f"{self.path} has version {version} by now, and this process knows {SCHEMA_VERSION}. Nothing was "
                "written. Start this one anew, with the Lessons that migrated it."
            )

    def compact(self) -> None:
        """No free page and no write-ahead log holds deleted rows any more; takes time in proportion to the file.

        Raises HomeBusy when another process reads in it for too long, so that its log could not be emptied.
        """
        with self.explained(), self._writing:
            connection = self.connection()
            # The whole record goes through a temporary database, which may be more than there is memory for.
            connection.execute("PRAGMA temp_store = FILE")
            connection.execute("VACUUM")
            connection.execute("PRAGMA temp_store = MEMORY")
            if connection.execute("PRAGMA wal_checkpoint (TRUNCATE)").fetchone()[0]:
                raise HomeBusy(f"{self.path} was read for {BUSY_TIMEOUT_S} s by another process. Try again.")

    def close(self) -> None:
        """Every connection is closed; the object is not used again."""
        with self._guard:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
        self._local = threading.local()
        self._use.release()

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turns what SQLite says into an error with a finished sentence."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def _explain(self, error: sqlite3.Error) -> Exception:
        # Only here: copying files brings every kind of archive with it.
        from retriever.record.backups import advice

        # SQLite's module quotes a text that it cannot decode, and that is nobody's business.
        text = str(error).partition(" with text")[0]
        if "locked" in text or "busy" in text:
            return HomeBusy(f"{self.path} was being written for {BUSY_TIMEOUT_S} s by another process. Try again.")
        if "full" in text:
            return StoreError(f"There is no room left for {self.path}. Free some; nothing recorded so far is lost.")
        if "readonly" in text or "unable to open" in text:
            return StoreError(f"{self.path} cannot be written: {text}. Mend its permissions or choose another --home.")
        if any(sign in text for sign in _SIGNS_OF_DAMAGE):
            return RecordDamaged(
                f"{self.path} is damaged ({text}). Nothing was changed; `lessons doctor` says which part. "
                f"{advice(self.path.parent)}"
            )
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            # A mistake of this program's own, which its traceback says best.
            return error
        return StoreError(
            f"{self.path} could not be used: {text}. What was recorded before is kept. "
            "Look at its disk, then try again; `lessons doctor` says more."
        )

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.row_factory = sqlite3.Row
        connection.executescript(_PRAGMAS)
        return connection

    def _prepare(self) -> None:
        connection = self.connection()
        _use_write_ahead_log(connection)
        version = self._check(connection)
        if version == SCHEMA_VERSION:
            return
        connection.execute("BEGIN EXCLUSIVE")
        try:
            # Another process may have migrated while this one waited.
            version = self._check(connection)
            if 0 < version < SCHEMA_VERSION:
                self._keep_old(version)
            migrate(connection, version)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        if 0 < version < SCHEMA_VERSION:
            _give_back_room(connection)

    def _keep_old(self, version: int) -> None:
        """A copy of the record as it was is kept; a reader of its own still sees that, and the lock keeps it so."""
        from retriever.record.backups import before_migration

        with contextlib.closing(self._connect()) as reader:
            kept = before_migration(reader, self.path, version)
        logger.warning("%s is brought from version %d to %d; as it was: %s", self.path, version, SCHEMA_VERSION, kept)

    def _check(self, connection: sqlite3.Connection) -> int:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        application: int = connection.execute("PRAGMA application_id").fetchone()[0]
        is_new = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if application != APPLICATION_ID and not is_new:
            raise NotAMemory(f"{self.path} is not a record of Lessons. Choose another --home.")
        if version > SCHEMA_VERSION:
            raise RecordTooNew(
                f"{self.path} has version {version}; this program knows up to {SCHEMA_VERSION}. "
                "Upgrade Lessons; the record was not touched."
            )
        return version


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """A mode of the file, kept by it; readers then never wait for the writer.

    SQLite refuses the change at once, whatever the timeout, while another process is making the same new file.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= deadline:
                raise
            time.sleep(_LOCKED_PAUSE_S)


def _give_back_room(connection: sqlite3.Connection) -> None:
    """What a migration left empty goes back to the disk, and pages have the size of a new record's.

    Only where nobody else has the record open; else, or without room for a second file, it is filled again in time.
    """
    try:
        # Pages change their size in this mode only.
        connection.executescript(f"""
            PRAGMA journal_mode = DELETE;
            PRAGMA page_size = {PAGE_BYTES};
            PRAGMA temp_store = FILE;
            VACUUM;
        """)
    except sqlite3.OperationalError as error:
        logger.warning("the record has room that is not used, which could not be given back: %s", error)
    connection.execute("PRAGMA temp_store = MEMORY")
    _use_write_ahead_log(connection)
