"""What slow, silent and rude callers can do to a server: nothing to anybody else."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from test_web_server import Server
from web_memory import make_memory

LOOKUP = b"POST /api/v1/lookup HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
RUDE = {
    "silent": b"",
    "half a line": b"GET /heal",
    "half a head": HEALTH[:-2],
    "half a body": LOOKUP + b"Content-Length: 100\r\n\r\n{",
    "half a large body": LOOKUP + b"Content-Length: 99000000\r\n\r\n{",
    "half a body after many zeros": LOOKUP + b"Content-Length: %020d\r\n\r\n{" % 100,
    "half a body without end": LOOKUP + b"Content-Length: 1" + b"0" * 20 + b"\r\n\r\n{",
    "half a chunk": LOOKUP + b"Transfer-Encoding: chunked\r\n\r\n5\r\n",
    "never hangs up": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "half a second request": HEALTH + b"GET /heal",
}
MANY = 40
# Shorter than in earnest, so that their ends can be waited for.
PATIENCE = {"WHOLE_S": 2.5, "STALL_S": 1.0, "LARGE_S": 5.0}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Server]:
    with make_memory(tmp_path_factory.mktemp("web"), models) as memory:
        home = memory.settings.home
    server = Server(home, "127.0.0.1", 0, {}, PATIENCE)
    yield server
    code, _, errors = server.end()
    assert code == 0
    assert [line for line in errors.splitlines() if "Invalid request from" not in line] == []


@pytest.fixture
def call(server: Server) -> Iterator[Callable[[], socket.socket]]:
    """Connects to the server; all connections are closed at the end."""
    port = int(server.url.rpartition(":")[2])
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=10)))


def heard(connection: socket.socket) -> bytes:
    """Everything the server says until it hangs up."""
    said = b""
    while came := connection.recv(65_536):
        said += came
    return said


def one_answer(connection: socket.socket) -> tuple[int, bytes]:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, response.read()


@pytest.mark.parametrize("words", RUDE.values(), ids=RUDE.keys())
def test_many_rude_callers_keep_nobody_waiting(server: Server, call: Callable[[], socket.socket], words: bytes) -> None:
    for _ in range(MANY):
        call().sendall(words)
    took = []
    deadline = time.monotonic() + 0.6
    while time.monotonic() < deadline:
        began = time.perf_counter()
        assert server.get("/healthz") == 200
        took.append(time.perf_counter() - began)
    assert max(took) < 1.0, f"{len(took)} requests, the slowest in {max(took):.2f} s"


@pytest.mark.parametrize("name", ["half a head", "half a body"])
def test_who_is_too_slow_is_told_so(call: Callable[[], socket.socket], name: str) -> None:
    connection = call()
    connection.sendall(RUDE[name])
    assert heard(connection).startswith(b"HTTP/1.1 408 ")


def test_who_drips_is_cut_off_all_the_same(call: Callable[[], socket.socket]) -> None:
    connection = call()
    connection.sendall(HEALTH[:-2] + b"X-Slow: ")
    connection.settimeout(0.2)
    for _ in range(30):
        connection.sendall(b"a")
        try:
            said = connection.recv(100)
        except TimeoutError:
            continue
        break
    assert said.startswith(b"HTTP/1.1 408 ")


def test_a_large_body_that_stalls_is_given_up(call: Callable[[], socket.socket]) -> None:
    connection = call()
    connection.sendall(RUDE["half a chunk"])
    assert heard(connection).startswith(b"HTTP/1.1 4")


def test_a_head_without_end_is_refused(call: Callable[[], socket.socket]) -> None:
    connection = call()
    connection.sendall(b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 80_000)
    assert heard(connection).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 7\r\n\r\n{}",
        b"Content-Length: +2\r\n\r\n{}",
        b"Content-Length: 2, 2\r\n\r\n{}",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Content-Length : 2\r\n\r\n{}",
        b"X-A: b\x00c\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_a_request_that_could_be_read_in_two_ways_is_read_in_none(
    call: Callable[[], socket.socket], head: bytes
) -> None:
    connection = call()
    connection.sendall(LOOKUP + head + HEALTH)
    said = heard(connection)
    assert re.match(rb"HTTP/1.1 (400|501) ", said)
    assert b"alive" not in said


def test_a_request_may_come_letter_by_letter(call: Callable[[], socket.socket]) -> None:
    connection = call()
    for letter in HEALTH:
        connection.sendall(bytes([letter]))
    assert one_answer(connection) == (200, b'{"status":"alive"}')


def test_two_requests_at_once_are_both_answered_in_order(call: Callable[[], socket.socket]) -> None:
    connection = call()
    body = b'{"q":"certificate","k":1}'
    connection.sendall(HEALTH + LOOKUP + b"Content-Length: %d\r\n\r\n" % len(body) + body + HEALTH[:20])
    assert one_answer(connection)[0] == 200
    status, answer = one_answer(connection)
    assert status == 200
    assert json.loads(answer)["query"] == "certificate"
    connection.sendall(HEALTH[20:])
    assert one_answer(connection)[0] == 200


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"Transfer-Encoding: chunked\r\n\r\n", b'9\r\n{"q": "ce\r\n0A\r\nrtificate"\r\n1\r\n}\r\n0\r\n\r\n'),
        (b"Expect: 100-continue\r\nContent-Length: 20\r\n\r\n", b'{"q": "certificate"}'),
    ],
)
def test_bodies_of_other_kinds_are_read(call: Callable[[], socket.socket], headers: bytes, body: bytes) -> None:
    connection = call()
    connection.sendall(LOOKUP + headers)
    if b"Expect" in headers:
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
    connection.sendall(body)
    status, answer = one_answer(connection)
    assert (status, json.loads(answer)["query"]) == (200, "certificate")


def test_a_server_with_callers_that_say_nothing_still_ends_soon(tmp_path: Path, models: Path) -> None:
    with make_memory(tmp_path, models) as memory:
        home = memory.settings.home
    server = Server(home, "127.0.0.1", 0, {})
    port = int(server.url.rpartition(":")[2])
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(closing(socket.create_connection(("127.0.0.1", port))))
        server.get("/healthz")
        began = time.monotonic()
        assert server.end()[0] == 0
    assert time.monotonic() - began < 8
