"""Readers run in a process of their own, where a hostile file can cost its own reading and nothing else.

One child lives as long as the `ReaderProcess`; it is started anew after a crash, a time-out or too much
memory. It is spawned, never forked: a forked child would inherit the lock on the index. Started once it costs
0.1 s, and each format's library is imported there when its first file comes, so the parent stays light.

Markdown and plain text are read in this process: 89 µs a file against 142 µs through the pipe (the 531 notes
of til-simonw, 2 cores, Python 3.11), and a folder of nothing else never starts a child at all. Their small
readers take linear time and touch no C library but libyaml's, whose input is bounded.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import struct
import sys
import zipfile
import zlib
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from xml.parsers.expat import ExpatError

from ingest.readers import Reading, read
from ingest.readers.columns import NO_COLUMNS, Columns
from ingest.readers.formats import identify
from retriever.errors import SourceError

DEFAULT_TIMEOUT_S = 60.0
DEFAULT_MEMORY_BYTES = 2_000_000_000
DEFAULT_OUTPUT_CHARS = 20_000_000
# A child that has read this many files is replaced: C libraries do not give everything back.
_FILES_PER_CHILD = 2000
_START_TIMEOUT_S = 60.0
# Python's audit events for leaving the process.
_OUTSIDE = frozenset(
    [
        "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind",
        "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn",
    ]
)  # fmt: skip
# What a library may raise over a hostile file; anything else ends the child, which is reported as a crash.
_LIBRARY_ERRORS = (
    ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, ImportError, LookupError,
    NameError, OSError, RuntimeError, SyntaxError, TypeError, ValueError,
    ExpatError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class ReaderProcess:
    """A context manager that reads files in a child process; every failure is a SourceError."""

    def __init__(
        self,
        *,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
        output_chars: int = DEFAULT_OUTPUT_CHARS,
        columns: Columns = NO_COLUMNS,
    ) -> None:
        """Starts nothing yet: the child begins with the first file that needs one."""
        self._memory_bytes = memory_bytes
        self._output_chars = output_chars
        self._columns = columns
        self._child: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._files_read = 0

    def __enter__(self) -> ReaderProcess:
        """The same object."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the child."""
        self.close()

    def read(self, source: Path | bytes, name: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> list[Reading]:
        """What `readers.read` gives, within limits of time, memory and output.

        `source` is the file's bytes, or its path (then this process does not hold them twice).
        """
        data = source if isinstance(source, bytes) else _bytes_of(source, name)
        is_cheap = identify(data, name).is_cheap
        readings = read(data, name, self._columns) if is_cheap else self._read_in_child(data, name, timeout_s)
        total = sum(len(reading.text) for reading in readings)
        if total > self._output_chars:
            raise _too_much(name, self._output_chars)
        return readings

    def close(self) -> None:
        """End the child, if there is one; a later read starts another."""
        if self._pipe is not None:
            self._pipe.close()
        if self._child is not None:
            self._child.kill()
            self._child.join()
            self._child.close()
        self._pipe = self._child = None
        self._files_read = 0

    def _read_in_child(self, data: bytes, name: str, timeout_s: float) -> list[Reading]:
        pipe = self._started()
        self._files_read += 1
        answer: list[Reading] | str | None = None
        try:
            pipe.send((data, name, self._columns))
            if not pipe.poll(timeout_s):
                raise SourceError(f"{name!r} took longer than {timeout_s:g} s to read and was given up.")
            answer = pipe.recv()
        except (EOFError, OSError) as error:
            raise SourceError(f"{name!r} made its reader crash or run out of memory; it was given up.") from error
        finally:
            # Also when interrupted half-way: the next answer in that pipe would be this file's.
            if answer is None:
                self.close()
        if isinstance(answer, str):
            raise SourceError(answer)
        return answer

    def _started(self) -> Connection:
        if self._files_read >= _FILES_PER_CHILD:
            self.close()
        if self._pipe is not None and self._child is not None and self._child.is_alive():
            return self._pipe
        self.close()
        context = multiprocessing.get_context("spawn")
        self._pipe, far_end = context.Pipe()
        self._child = context.Process(
            target=_serve,
            args=(far_end, self._memory_bytes, self._output_chars),
            name="lessons-reader",
            daemon=True,
        )
        self._child.start()
        far_end.close()
        if not self._pipe.poll(_START_TIMEOUT_S) or self._pipe.recv() != "ready":
            self.close()
            raise SourceError("The process that reads documents did not start; see `lessons doctor`.")
        return self._pipe


def _serve(pipe: Connection, memory_bytes: int, output_chars: int) -> None:
    """The child: read what comes, answer with readings or a sentence, end when the pipe does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # C libraries grumble about broken files on stderr, in the middle of the parent's progress bar.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    _limit_memory(memory_bytes)
    sys.addaudithook(refuse_outside)
    pipe.send("ready")
    while True:
        try:
            data, name, columns = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(_answer(data, name, columns, output_chars))


def _answer(data: bytes, name: str, columns: Columns, output_chars: int) -> list[Reading] | str:
    try:
        readings = read(data, name, columns)
    except SourceError as error:
        return str(error)
    except MemoryError:
        return f"{name!r} needs more memory to read than the limit allows."
    except _LIBRARY_ERRORS as error:
        return f"{name!r} cannot be read: its reader failed with {type(error).__name__}: {str(error)[:200]}."
    if sum(len(reading.text) for reading in readings) > output_chars:
        return str(_too_much(name, output_chars))
    return readings


def refuse_outside(event: str, _arguments: object) -> None:
    """Raises PermissionError when Python code is about to reach the network or to start a program; an audit hook.

    No reader needs either, and a file may name things to fetch. C libraries are not seen; none of ours does it.
    """
    if event in _OUTSIDE:
        raise PermissionError(f"a document may not do this: {event}")


def _limit_memory(memory_bytes: int) -> None:
    """Cap the address space where the system can; macOS cannot, there the time limit has to do."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    except (ImportError, ValueError, OSError):
        return


def _bytes_of(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{name!r} cannot be read: {(error.strerror or str(error)).lower()}.") from error


def _too_much(name: str, output_chars: int) -> SourceError:
    return SourceError(f"{name!r} holds more than {output_chars / 1e6:g} million characters of text; split it.")
