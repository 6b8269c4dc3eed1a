"""gunicorn's worker with threads, whose threads see requests that have come whole.

gunicorn's own hands a connection to a thread as soon as it exists and lets the thread wait for the words: measured,
eight callers who send half a line and nothing more stop it for good. Here the main loop gathers what a caller
sends, in no thread's time, and a thread gets the request once all of it is there. What is slower than the time
allowed is closed. Bodies too large to be gathered, as uploads are, may have half of the threads at a time, and each
must keep coming.
"""

from __future__ import annotations

import re
import selectors
import socket
import struct
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

# From the first byte to the last of a head and a small body; and how long a caller may be silent between requests.
WHOLE_S = 15.0
IDLE_S = 5.0
# How long one read of a large body, or one write of an answer, may make no progress.
STALL_S = 10.0
# How long a large body may take in all: 25 MB at 100 kB/s.
LARGE_S = 250.0
# A caller that was answered for the last time is given so long to hang up itself.
_HANG_UP_S = 2.0
_MAX_HEAD_BYTES = 64 * 1024
_MAX_GATHERED_BYTES = 192 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*(?=\r\n)", re.IGNORECASE)
# A length may begin with zeros, any number of them; with more digits than this after them it is too large anyway.
_LENGTH_DIGITS = 12
# What follows cannot be foreseen, or waits for a word from us.
_UNFORESEEN = re.compile(rb"\r\n(?:transfer-encoding|expect|upgrade):", re.IGNORECASE)
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_AT_ONCE_BYTES = 64 * 1024


@dataclass(slots=True)
class _Caller:
    """A connection that no thread has: its request is not whole yet, or it is to hang up."""

    connection: Any
    deadline: float
    received: bytearray = field(default_factory=bytearray)
    is_leaving: bool = False


class GatheringWorker(ThreadWorker):  # type: ignore[misc]
    """A ThreadWorker that gathers requests in its main loop; every method but `handle` runs there."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._callers: dict[Any, _Caller] = {}
        self._queued: deque[_Caller] = deque()
        self._large: dict[Any, float] = {}
        self._looked_at = 0.0

    def accept(self, listener: socket.socket) -> None:
        """Somebody calls."""
        try:
            client, address = listener.accept()
        except OSError:
            # It hung up again, or there is no descriptor left: those that wait will be closed in time.
            return
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections and self._callers:
            self._drop(next(iter(self._callers.values())))
        _limit_stalls(client)
        self._gather(TConn(self.cfg, client, address, listener.getsockname()), b"", WHOLE_S)

    def _gather(self, connection: Any, received: bytes, allowed_s: float) -> None:
        connection.sock.setblocking(False)
        caller = _Caller(connection, time.monotonic() + allowed_s, bytearray(received))
        self._callers[connection.sock] = caller
        self.poller.register(connection.sock, selectors.EVENT_READ, self._hear)
        if received:
            self._look(caller)
        # What it has to say is mostly there already.
        if connection.sock in self._callers:
            self._hear(connection.sock)

    def _hear(self, sock: Any) -> None:
        """Something came in on a connection that no thread has."""
        caller = self._callers.get(sock)
        if caller is None:
            # Closed to make room, after the system had told of it.
            return
        try:
            came = sock.recv(_AT_ONCE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            came = b""
        if not came:
            self._drop(caller)
        elif not caller.is_leaving:
            if not caller.received:
                caller.deadline = time.monotonic() + WHOLE_S
            caller.received += came
            self._look(caller)

    def _look(self, caller: _Caller) -> None:
        """Hand the request to a thread, if it is whole or will not be gathered."""
        end = caller.received.find(b"\r\n\r\n")
        if end < 0:
            if len(caller.received) > _MAX_HEAD_BYTES:
                self._refuse(caller, _TOO_LARGE)
            return
        head = bytes(caller.received[: end + 2])
        length = _LENGTH.search(head)
        missing = int(length[1].lstrip(b"0")[:_LENGTH_DIGITS] or b"0") + end + 4 if length else 0
        if missing > _MAX_GATHERED_BYTES or _UNFORESEEN.search(head):
            self._release(caller)
            self._queued.append(caller)
            self._serve_queued()
        elif len(caller.received) >= missing:
            self._release(caller)
            self._serve(caller)

    def _serve_queued(self) -> None:
        while self._queued and len(self._large) < max(1, self.cfg.threads // 2):
            caller = self._queued.popleft()
            self._large[caller.connection] = time.monotonic()
            self._serve(caller)

    def _serve(self, caller: _Caller) -> None:
        # The parser, made in the thread, finds these bytes before those still in the socket.
        caller.connection.gathered = bytes(caller.received)
        caller.connection.data_ready = True
        self.enqueue_req(caller.connection)

    def handle(self, conn: Any) -> Any:
        """Answer the request; in a thread. The outcome is gunicorn's own."""
        try:
            conn.init()
            conn.parser.unreader.unread(conn.gathered)
        except OSError:
            return False
        return super().handle(conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """A thread is done: the connection waits for its next request, or its caller is to hang up."""
        self._large.pop(conn, None)
        self._serve_queued()
        goes_on = not fs.cancelled() and fs.exception() is None and fs.result()
        try:
            if not goes_on:
                self._hang_up(conn)
                return
            rest = conn.parser.unreader.take_buffered()
            self._gather(conn, rest, WHOLE_S if rest else min(IDLE_S, float(self.cfg.keepalive)))
        except (OSError, ValueError, KeyError):
            self.nr_conns -= 1
            conn.close()

    def _hang_up(self, conn: Any) -> None:
        """Say that nothing more comes, and give the caller a moment: closing at once could cut the answer short."""
        conn.sock.setblocking(False)
        conn.sock.shutdown(socket.SHUT_WR)
        self._callers[conn.sock] = _Caller(conn, time.monotonic() + _HANG_UP_S, is_leaving=True)
        self.poller.register(conn.sock, selectors.EVENT_READ, self._hear)

    def _refuse(self, caller: _Caller, answer: bytes) -> None:
        self._release(caller)
        try:
            caller.connection.sock.send(answer)
            self._hang_up(caller.connection)
        except OSError:
            self.nr_conns -= 1
            caller.connection.close()

    def _release(self, caller: _Caller) -> None:
        self.poller.unregister(caller.connection.sock)
        del self._callers[caller.connection.sock]

    def _drop(self, caller: _Caller) -> None:
        self._release(caller)
        self.nr_conns -= 1
        caller.connection.close()

    def murder_pending(self) -> None:
        """Close what is too slow; at the end of the server also what has not begun."""
        now = time.monotonic()
        if now < self._looked_at + 0.25 and self.alive:
            return
        self._looked_at = now
        for connection, began in self._large.items():
            if now > began + LARGE_S:
                # The thread that reads it finds that nothing more comes.
                connection.sock.shutdown(socket.SHUT_RD)
        for caller in list(self._callers.values()):
            has_begun = bool(caller.received)
            if not self.alive and not has_begun:
                caller.deadline = min(caller.deadline, now + _HANG_UP_S)
            if caller.deadline > now:
                continue
            if has_begun and not caller.is_leaving:
                self._refuse(caller, _TOO_SLOW)
            else:
                self._drop(caller)


def _limit_stalls(client: socket.socket) -> None:
    """Limit each read and write of the connection by the system's own clock: gunicorn takes Python's off again."""
    limit = struct.pack("ll", int(STALL_S), 0)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
