from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from web_memory import make_memory

from retriever.config import Settings
from retriever.web.server import serve

WAIT_S = 60.0
# The server in a process of its own, over the small memory; a question for "slow" takes two seconds.
SCRIPT = """
import json, os, sys, time
from pathlib import Path
from retriever.config import Settings
from retriever.errors import RetrieverError
from retriever.web import worker
from retriever.web.server import serve
from web_memory import TestMemory
from word_embedder import WordEmbedder

class SlowMemory(TestMemory):
    __test__ = False
    def ask(self, query, **options):
        time.sleep(2.0 if query == "slow" else 0)
        return super().ask(query, **options)

def open_memory():
    memory = SlowMemory.open(settings)
    memory.__dict__.update(embedder=WordEmbedder(), fingerprint=WordEmbedder.fingerprint)
    return memory

vars(worker).update(json.loads(os.environ["TEST_PATIENCE"]))
home, host, port = sys.argv[1:]
settings = Settings(home=Path(home), host=host, port=int(port), **json.loads(os.environ["TEST_SETTINGS"]))
try:
    serve(settings, open_memory, lambda url: print("ready", url, flush=True))
except RetrieverError as error:
    print(type(error).__name__, error, flush=True)
    sys.exit(1)
print("ended", flush=True)
"""


class Server:
    """A server under test; `first` is its first line, which comes when it answers or when it cannot."""

    def __init__(
        self, home: Path, host: str, port: int, settings: dict[str, Any], patience: dict[str, float] | None = None
    ) -> None:
        root = Path(__file__).parent
        path = os.pathsep.join([str(root), str(root.parent)])
        self.home = home
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(home), host, str(port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={
                **os.environ,
                "PYTHONPATH": path,
                "TEST_SETTINGS": json.dumps(settings),
                "TEST_PATIENCE": json.dumps(patience or {}),
            },
        )
        assert self.process.stdout
        self.first = self.process.stdout.readline().strip()

    @property
    def url(self) -> str:
        return self.first.removeprefix("ready ")

    def get(self, path: str) -> int:
        with urllib.request.urlopen(self.url + path, timeout=WAIT_S) as response:
            response.read()
            return int(response.status)

    def end(self, signal_number: int | None = signal.SIGTERM) -> tuple[int, str, str]:
        """(exit code, output, errors) after the signal; None waits for an end that comes by itself."""
        if signal_number is not None and self.process.poll() is None:
            self.process.send_signal(signal_number)
        output, errors = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, output, errors

    def worker(self) -> int:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        assert len(children) == 1
        return int(children[0])


@pytest.fixture(scope="module")
def small_home(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:
    with make_memory(tmp_path_factory.mktemp("web"), models) as memory:
        return memory.settings.home


@pytest.fixture
def start(small_home: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start_it(host: str = "127.0.0.1", port: int = 0, home: Path = small_home, **settings: Any) -> Server:
        started.append(Server(home, host, port, settings))
        return started[-1]

    yield start_it
    for server in started:
        server.end()


def test_a_server_answers_tells_where_it_is_and_takes_that_back(start: Callable[..., Server]) -> None:
    server = start()
    assert server.get("/healthz") == 200
    word = server.home / "server.json"
    known = json.loads(word.read_text())
    assert known["url"] == server.url
    assert known["pid"] == server.process.pid
    assert word.stat().st_mode & 0o777 == 0o600
    code, output, errors = server.end()
    assert (code, output, errors) == (0, "ended\n", "")
    assert not word.exists()


def test_ctrl_c_finishes_what_has_begun_and_ends_calmly(start: Callable[..., Server]) -> None:
    server = start()
    statuses: list[int] = []
    asking = threading.Thread(target=lambda: statuses.append(server.get("/api/v1/lookup?q=slow")))
    asking.start()
    time.sleep(0.7)
    # A terminal sends it to the whole group.
    os.killpg(server.process.pid, signal.SIGINT)
    asking.join(WAIT_S)
    assert statuses == [200]
    assert server.end() == (0, "ended\n", "")


def test_signals_that_would_start_a_second_worker_are_refused(start: Callable[..., Server]) -> None:
    server = start()
    worker = server.worker()
    for number in (signal.SIGHUP, signal.SIGUSR2, signal.SIGTTIN):
        server.process.send_signal(number)
        time.sleep(0.3)
    os.kill(worker, signal.SIGHUP)
    time.sleep(1.0)
    assert server.worker() == worker
    assert server.get("/healthz") == 200
    assert server.end()[2].count("refused") == 3


def test_a_worker_that_dies_is_replaced(start: Callable[..., Server]) -> None:
    server = start()
    before = server.worker()
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + WAIT_S
    while server.worker() == before and time.monotonic() < deadline:
        time.sleep(0.2)
    assert server.get("/healthz") == 200
    assert json.loads((server.home / "server.json").read_text())["url"] == server.url
    assert server.end()[0] == 0


def test_a_server_whose_master_is_killed_ends_as_well(start: Callable[..., Server]) -> None:
    server = start()
    worker = server.worker()
    server.end(signal.SIGKILL)
    deadline = time.monotonic() + WAIT_S
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not Path(f"/proc/{worker}").exists()
    assert not (server.home / "server.json").exists()


def test_a_port_in_use_is_said_at_once(start: Callable[..., Server]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        server = start(port=port)
    assert server.first == f"SettingError port {port} is already in use: give another with --port"
    assert server.end(None)[0] == 1


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [
        ("127.0.0.1", 65_536, "65536 is no port"),
        ("no such host", 0, "is no address to serve on"),
        ("192.0.2.1", 0, "is no address of this machine"),
    ],
)
def test_an_address_that_cannot_be_served_is_said(
    start: Callable[..., Server], host: str, port: int, said: str
) -> None:
    assert said in start(host=host, port=port).first


def test_a_memory_that_cannot_be_opened_ends_the_server_with_its_own_words(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    server = start(home=tmp_path / "none")
    assert re.match(r"StoreError There is no memory in .*none yet", server.first)
    assert server.end(None) == (1, "", "")


def test_other_machines_are_not_let_in_without_a_token(start: Callable[..., Server]) -> None:
    server = start(host="0.0.0.0")
    assert "needs an access token" in server.first
    assert server.end(None)[0] == 1


def test_a_server_that_is_to_ask_for_tokens_wants_one_to_exist(start: Callable[..., Server]) -> None:
    server = start(require_token=True)
    assert "require_token is on, and there is no token" in server.first
    assert server.end(None)[0] == 1


def test_a_second_server_on_one_home_says_who_holds_it(start: Callable[..., Server]) -> None:
    first = start()
    second = start()
    assert re.match(r"HomeBusy .* is being served already", second.first)
    assert first.get("/healthz") == 200
    assert json.loads((first.home / "server.json").read_text())["url"] == first.url


def test_a_request_line_beyond_the_limit_is_refused(start: Callable[..., Server]) -> None:
    server = start()
    assert server.get("/api/v1/lookup?q=" + "a" * 8100) == 200
    with pytest.raises(urllib.error.HTTPError, match="URI Too Long"):
        server.get("/api/v1/lookup?q=" + "a" * 8200)


def test_a_process_that_cannot_be_forked_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", sys)
    with pytest.raises(RuntimeError, match="needs a fresh process: this one has loaded .*onnxruntime"):
        serve(Settings(home=tmp_path, models=tmp_path), pytest.fail, print)


def test_a_head_and_a_body_on_one_connection_do_not_wait_for_each_other(start: Callable[..., Server]) -> None:
    server = start()
    port = int(server.url.rpartition(":")[2])
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with closing(socket.create_connection(("127.0.0.1", port))) as connection:
        took = []
        for _ in range(20):
            began = time.perf_counter()
            connection.sendall(request)
            received = b""
            while b'"alive"}' not in received:
                received += connection.recv(65_536)
            took.append(time.perf_counter() - began)
    # Nagle's algorithm against delayed acknowledgements would cost 40 ms each.
    assert sorted(took)[10] < 0.03
