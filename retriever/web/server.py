"""gunicorn around the web service: a master, and one worker process with eight threads that opens the memory.

One worker, because one process owns the vector index; opened after the fork, because a forked chromadb hangs.
The signals with which gunicorn would start a second worker beside the first are refused for the same reason.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import logging
import os
import secrets
import select
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from retriever import errors
from retriever.config import Settings
from retriever.errors import RetrieverError, SettingError, StoreError
from retriever.web import create_app
from retriever.web.worker import GatheringWorker

if TYPE_CHECKING:
    from flask import Flask

    from retriever.memory import Memory
    from retriever.sharing import Scribe

SERVER_FILE = "server.json"
_THREADS = 8
# Descriptors are often limited to 1,024, and the record and the index have theirs.
_CONNECTIONS = 400
_REQUEST_LINE_BYTES = 8190
# Opening a large memory may take a while, and the master counts the worker's silence meanwhile.
_SILENCE_S = 180
_LAST_REQUESTS_S = 20
# Their threads do not survive a fork, and their locks do: measured, the first question hangs for ever.
_UNFORKABLE = ("chromadb", "onnxruntime", "torch")


def serve(
    settings: Settings,
    open_memory: Callable[[], Memory],
    on_ready: Callable[[str], None],
    *,
    make_scribe: Callable[[], Scribe] | None = None,
    log_level: str = "warning",
) -> None:
    """Serve until a signal ends it; requests that have begun are answered first.

    `open_memory`, `make_scribe` (see create_app) and `on_ready`, which is given the address once requests are
    answered, are called in the worker process, a child of this one. Raises RetrieverError when it cannot start,
    in the memory's own words if it is the memory that cannot be opened. To be called from the main thread of a
    fresh process: raises RuntimeError in one that has loaded what cannot be forked.
    """
    loaded = [name for name in _UNFORKABLE if name in sys.modules]
    if loaded:
        raise RuntimeError(f"serve() needs a fresh process: this one has loaded {', '.join(loaded)}")
    with _listening_socket(settings.host, settings.port) as listener:
        port = listener.getsockname()[1]
        server = _Server(replace(settings, port=port), listener, (open_memory, make_scribe), on_ready, log_level)
        master = os.getpid()
        code: object = 0
        try:
            server.run()
        except SystemExit as stop:
            code = stop.code
        if os.getpid() != master:
            _end_worker(code)
        server.forget()
        server.raise_fault()
        if code:
            raise StoreError("The server stopped; the lines above say why.")


class _Server(BaseApplication):  # type: ignore[misc]
    """What gunicorn runs."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        makers: tuple[Callable[[], Memory], Callable[[], Scribe] | None],
        on_ready: Callable[[str], None],
        log_level: str,
    ) -> None:
        self.settings = settings
        self.listener = listener
        self.open_memory, self.make_scribe = makers
        self.on_ready = on_ready
        self.log_level = log_level
        self.local_token = secrets.token_urlsafe(32)
        self.memory: Memory | None = None
        self.fault = _Fault()
        super().__init__()

    def load_config(self) -> None:
        """Every setting of gunicorn that is not its default; no file and no environment is read."""
        chosen = {
            "bind": [f"fd://{os.dup(self.listener.fileno())}"],
            "workers": 1,
            "worker_class": GatheringWorker,
            "worker_connections": _CONNECTIONS,
            "threads": _THREADS,
            "preload_app": False,
            "timeout": _SILENCE_S,
            "graceful_timeout": _LAST_REQUESTS_S,
            "keepalive": 5,
            "limit_request_line": _REQUEST_LINE_BYTES,
            "loglevel": self.log_level,
            "logger_class": self.fault.quiet_logger,
            # A file through which other processes could command this one.
            "control_socket_disable": True,
            # We believe no header about where a request comes from.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "post_worker_init": self.tell_ready,
            "worker_exit": self.close_memory,
        }
        for name, value in chosen.items():
            # Older releases of gunicorn lack the newest settings, and what they would switch off.
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def run(self) -> NoReturn:
        """Serve until a signal ends it; always leaves by SystemExit, in the master and in the worker."""
        _Master(self).run()
        raise SystemExit(0)

    def load(self) -> Flask:
        """The web service, in the worker. A fault is told to the master, whose caller can tell a person."""
        # A terminal sends these to every process in it; the master decides what they mean.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        _share_one_arena()
        try:
            self.memory = self.open_memory()
            self._check_tokens(self.memory)
            self.memory.start_following()
            scribe = self.make_scribe() if self.make_scribe else None
            return create_app(self.memory, self.settings, scribe=scribe, local_token=self.local_token)
        except RetrieverError as error:
            self.fault.tell(error)
            raise SystemExit(Arbiter.APP_LOAD_ERROR) from error

    def _check_tokens(self, memory: Memory) -> None:
        if memory.has_tokens():
            return
        from retriever.web.security import is_loopback

        if not is_loopback(self.settings.host):
            raise SettingError(
                f"Serving on {self.settings.host} lets other machines in, which needs an access token, "
                "and there is none. Make one with `lessons token add NAME`, or serve on 127.0.0.1."
            )
        if self.settings.require_token:
            raise SettingError("The setting require_token is on, and there is no token: `lessons token add NAME`.")

    @property
    def url(self) -> str:
        """The address under which this machine reaches the server."""
        from retriever.web.security import WILDCARDS

        host = "127.0.0.1" if self.settings.host in WILDCARDS else self.settings.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.settings.port}"

    def tell_ready(self, worker: Any) -> None:
        """Leave word for `lessons ask`, and tell the caller the first time."""
        from retriever.web.access import write_private

        known = {"url": self.url, "pid": os.getppid(), "token": self.local_token}
        write_private(self.settings.home / SERVER_FILE, json.dumps(known).encode())
        if worker.age == 1:
            self.on_ready(self.url)

    def close_memory(self, _arbiter: Any, _worker: Any) -> None:
        """Give the memory back."""
        memory, self.memory = self.memory, None
        if memory is not None:
            self.forget()
            memory.close()

    def forget(self) -> None:
        """Take back the word left for `lessons ask`, if it is ours."""
        path = self.settings.home / SERVER_FILE
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            if json.loads(path.read_text(encoding="utf-8"))["token"] == self.local_token:
                path.unlink()

    def raise_fault(self) -> None:
        """Raise what kept the worker from opening the memory, if anything did."""
        error = self.fault.heard()
        if error is not None:
            raise error


class _Master(Arbiter):  # type: ignore[misc]
    """gunicorn's master, refusing what would put a second process on the memory."""

    def refuse(self) -> None:
        """Say that a signal was not obeyed."""
        self.log.warning("Signal refused: the server keeps one worker. To restart, stop it and start it again.")

    handle_usr2 = handle_ttin = handle_ttou = refuse

    def handle_int(self) -> NoReturn:
        """Ctrl-C: finish what has begun; a second one does not wait."""
        raise StopIteration

    def handle_hup(self) -> None:
        """Stop if the terminal was closed; refuse a HUP sent by hand, which asks for a second worker."""
        if _HAD_TERMINAL and not sys.stdin.isatty():
            raise StopIteration
        self.refuse()


# How glibc's malloc.h names the setting.
_M_ARENA_MAX = -8

_HAD_TERMINAL = sys.stdin is not None and sys.stdin.isatty()


class _Fault:
    """A pipe on which the worker tells the master why it could not start."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        fault = self

        class QuietLogger(Logger):  # type: ignore[misc]
            """gunicorn's log, silent about its worker's end once the worker has said why in plain words."""

            def setup(self, cfg: Any) -> None:
                super().setup(cfg)
                # One log, one form: what a gatherer of logs reads must not change half-way.
                for handler in self.error_log.handlers if logging.getLogger().handlers else ():
                    handler.setFormatter(logging.getLogger().handlers[0].formatter)
                self.error_log.addFilter(lambda record: record.levelno < logging.ERROR or not fault.is_waiting())

        self.quiet_logger = QuietLogger

    def tell(self, error: RetrieverError) -> None:
        """Write the error to the pipe."""
        os.write(self._writing, json.dumps([type(error).__name__, str(error)[:2000]]).encode())

    def is_waiting(self) -> bool:
        """Whether an error is in the pipe."""
        return bool(select.select([self._reading], [], [], 0)[0])

    def heard(self) -> RetrieverError | None:
        """The error in the pipe."""
        if not self.is_waiting():
            return None
        name, message = json.loads(os.read(self._reading, 1 << 16))
        kind = getattr(errors, name, RetrieverError)
        return kind(message) if issubclass(kind, RetrieverError) else RetrieverError(message)


def _listening_socket(host: str, port: int) -> socket.socket:
    """A socket bound to `host` and `port`; raises SettingError saying what to do when that cannot be."""
    # getaddrinfo takes a larger one modulo 65,536.
    if not 0 <= port <= 65_535:
        raise SettingError(f"{port} is no port: give one from 1 to 65535 with --port")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise SettingError(f"{host!r} is no address to serve on: {error}. Give another with --host.") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise SettingError(_bind_fault(host, port, error)) from error
    return listener


def _bind_fault(host: str, port: int, error: OSError) -> str:
    reasons = {
        errno.EADDRINUSE: f"port {port} is already in use: give another with --port",
        errno.EACCES: f"port {port} needs more rights than you have: give one above 1023 with --port",
        errno.EADDRNOTAVAIL: f"{host} is no address of this machine: give another with --host",
    }
    return reasons.get(error.errno or 0, f"cannot serve on {host}, port {port}: {error}")


def _share_one_arena() -> None:
    """All threads take memory from one place, where the system's allocator (glibc's) can be told so.

    Each of its own would keep what its largest question once took: a quarter of the server's memory. Python's lock
    lets one of them at a time ask for memory anyway.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _end_worker(code: object) -> NoReturn:
    """End the worker here: what its caller would tidy away on return belongs to the master."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    logging.shutdown()
    os._exit(code if isinstance(code, int) else 1)
