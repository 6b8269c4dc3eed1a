"""A server of its own for a measurement, in processes of its own, asked over HTTP as a client would."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.speed.options import anew

_START_S = 600.0
_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `process` is its master."""

    port: int
    process: subprocess.Popen[bytes]
    took_s: float

    def client(self) -> Client:
        """A connection that stays open between questions."""
        return Client(self.port)

    def megabytes(self) -> float:
        """Resident memory of the process and its children, pages they share counted by their share (PSS)."""
        return sum(_pss_kb(number) for number in _family(self.process.pid)) / 1024


class Client:
    """One client: asks, reads the whole answer, asks again."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, address: str) -> float:
        """Milliseconds until the whole answer is there."""
        started = time.perf_counter()
        self._connection.request("GET", address)
        response = self._connection.getresponse()
        response.read()
        if response.status != 200:
            raise SystemExit(f"{address} was answered with {response.status}")
        return (time.perf_counter() - started) * 1000

    def lookup(self, question: str) -> float:
        """Milliseconds of a lookup."""
        return self.get("/api/v1/lookup?" + urlencode({"q": question, "k": 10}))


@contextlib.contextmanager
def lessons_server(home: Path) -> Iterator[Server]:
    """`lessons serve` over the home, ready: its model warm and its index open."""
    port = _free_port()
    command = [sys.executable, "-m", "cli", "--home", str(home), "serve", "--port", str(port)]
    with _running(command, port, "/readyz") as server:
        yield server


@contextlib.contextmanager
def flask_server(factory: str) -> Iterator[Server]:
    """The server program that ours uses, set up alike, around an application named as `module:factory()`."""
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", "-w", "1", "-k", "gthread", "--threads", "8"]
    command += ["--keep-alive", "5", "--log-level", "warning", "-b", f"127.0.0.1:{port}", factory]
    with _running(command, port, "/") as server:
        yield server


def side_by_side(
    server: Server, questions: Sequence[str], clients: int, each: int, mark: str, *, apart: int
) -> tuple[list[float], float]:
    """(milliseconds of every lookup, lookups a second) of so many clients that each ask `each` questions at once.

    None of them was asked with another mark. Each client begins so many questions after the one before: with `each` no
    question is asked twice, with 0 all ask the same.
    """
    taken: list[float] = []
    gate = threading.Barrier(clients + 1)

    def ask(first: int) -> None:
        client = server.client()
        gate.wait()
        taken.extend([client.lookup(anew(questions, turn, mark)) for turn in range(first, first + each)])

    threads = [threading.Thread(target=ask, args=(number * apart,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    gate.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    return taken, clients * each / (time.perf_counter() - started)


@contextlib.contextmanager
def _running(command: Sequence[str], port: int, ready: str) -> Iterator[Server]:
    started = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while not _answers(port, ready):
            if process.poll() is not None or time.perf_counter() - started > _START_S:
                raise SystemExit(f"{' '.join(command)} did not become ready")
            time.sleep(_PAUSE_S)
        yield Server(port, process, time.perf_counter() - started)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _answers(port: int, address: str) -> bool:
    try:
        Client(port).get(address)
    except (OSError, SystemExit, http.client.HTTPException):
        return False
    return True


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _family(process: int) -> list[int]:
    """The process and all below it."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    return [process, *(one for child in children for one in _family(int(child)))]


def _pss_kb(process: int) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
