from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from test_web_access import form_token
from web_memory import TestMemory, empty_memory

from retriever.scopes import SCOPES, Holder
from retriever.web import create_app
from retriever.web.access import may
from retriever.web.operations import operations
from retriever.web.writing_operations import WRITING

OPEN = "192.0.2.7:8080"
# Every way of asking for something, each at an address of its own, behind the real service's doors.
PLACES = {
    "/api/v1/try/read": ("read", "POST"),
    "/api/v1/try/contribute": ("contribute", "POST"),
    "/api/v1/try/admin": ("admin", "DELETE"),
    "/try/page": ("read", "GET"),
    "/try/form": ("contribute", "POST"),
    "/try/danger": ("admin", "POST"),
}
Answering = Callable[..., FlaskClient]


@pytest.fixture
def memory(tmp_path, models):
    with empty_memory(tmp_path, models) as memory:
        yield memory


@pytest.fixture
def answering(memory: TestMemory, monkeypatch: pytest.MonkeyPatch) -> Answering:
    """A client of the real service with PLACES added; `host` is where it listens."""

    def start(host: str) -> FlaskClient:
        app = create_app(memory, replace(memory.settings, host=host), local_token="local-secret")
        scopes = {path: scope for path, (scope, _) in PLACES.items() if path not in ("/try/page", "/try/form")}
        monkeypatch.setattr(_access_of(app), "scopes", scopes)
        for path, (_, method) in PLACES.items():
            is_api = path.startswith("/api/")
            app.add_url_rule(path, path, _done_by_api if is_api else _done_by_page, methods=[method])
        app.extensions["csrf"].exempt(_done_by_api)
        client = app.test_client()
        client.environ_base["HTTP_HOST"] = OPEN if host == "0.0.0.0" else "localhost"
        return client

    return start


def _done_by_api() -> str:
    return "done"


def _done_by_page() -> str:
    return "done"


def _access_of(app: Flask) -> object:
    return app.view_functions["enter"].__self__


def send(client: FlaskClient, path: str, token: str = "", **fields: str) -> int:
    method = PLACES[path][1]
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return client.open(path, method=method, headers=headers, data=fields or None).status_code


def csrf_of(client: FlaskClient) -> str:
    return form_token(client.get("/enter").get_data(as_text=True))


def test_a_scope_allows_what_those_before_it_do() -> None:
    for have in SCOPES:
        allowed = [scope for scope in SCOPES if Holder("a", have).may(scope)]
        assert allowed == list(SCOPES[: SCOPES.index(have) + 1])


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("held", SCOPES)
def test_a_program_is_let_in_by_the_scope_of_its_token(
    answering: Answering, memory: TestMemory, host: str, held: str
) -> None:
    client = answering(host)
    token = memory.record.tokens.add("bot", held)
    for path in [path for path in PLACES if path.startswith("/api/")]:
        wanted = 200 if Holder("bot", held).may(PLACES[path][0]) else 403
        assert send(client, path, token) == wanted, path


def test_a_scope_that_is_too_small_is_named_with_the_one_it_takes(answering: Answering, memory: TestMemory) -> None:
    token = memory.record.tokens.add("bot", "read")
    response = answering("127.0.0.1").delete("/api/v1/try/admin", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 403
    assert response.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="admin"'
    assert "a token of scope admin, and yours is of scope read" in response.get_json()["detail"]


def test_on_loopback_a_program_without_a_token_reads_and_does_not_write(answering: Answering) -> None:
    client = answering("127.0.0.1")
    assert [send(client, path) for path in PLACES if path.startswith("/api/")] == [200, 401, 401]
    assert send(client, "/api/v1/try/admin", "local-secret") == 200


def test_elsewhere_nothing_goes_without_a_token(answering: Answering) -> None:
    client = answering("0.0.0.0")
    fields = {"csrf_token": csrf_of(client)}
    assert {send(client, path, **fields) for path in PLACES if PLACES[path][1] != "GET"} == {401}
    assert send(client, "/try/page") == 401


def test_on_loopback_the_page_writes_with_its_form_and_not_without(answering: Answering) -> None:
    client = answering("127.0.0.1")
    assert send(client, "/try/form") == 400
    assert send(client, "/try/form", csrf_token=csrf_of(client)) == 200
    # A session is one browser's: its form's token is of no use in another.
    other = answering("127.0.0.1")
    assert send(other, "/try/form", csrf_token=csrf_of(client)) == 400


def test_on_loopback_what_cannot_be_undone_asks_the_page_for_a_token(answering: Answering) -> None:
    client = answering("127.0.0.1")
    assert send(client, "/try/danger", csrf_token=csrf_of(client)) == 401
    entered = client.post("/enter", data={"token": "local-secret", "next": "/", "csrf_token": csrf_of(client)})
    assert entered.status_code == 303
    assert send(client, "/try/danger", csrf_token=csrf_of(client)) == 200


def test_a_reader_on_the_page_cannot_write_and_is_told_why(answering: Answering, memory: TestMemory) -> None:
    client = answering("0.0.0.0")
    token = memory.record.tokens.add("guest", "read")
    client.post("/enter", data={"token": token, "next": "/", "csrf_token": csrf_of(client)})
    assert send(client, "/try/page") == 200
    response = client.post("/try/form", data={"csrf_token": csrf_of(client)})
    assert response.status_code == 403
    assert "yours is of scope read" in response.get_data(as_text=True)


def test_a_cookie_writes_nothing_through_the_api(answering: Answering, memory: TestMemory) -> None:
    client = answering("0.0.0.0")
    token = memory.record.tokens.add("boss", "admin")
    client.post("/enter", data={"token": token, "next": "/", "csrf_token": csrf_of(client)})
    assert send(client, "/api/v1/try/contribute") == 401


def test_templates_can_ask_what_a_reader_may(answering: Answering, memory: TestMemory) -> None:
    client = answering("127.0.0.1")
    client.application.add_url_rule("/may", "may", lambda: {scope: may(scope) for scope in SCOPES})
    assert client.get("/may").get_json() == {"read": True, "contribute": True, "admin": False}
    header = {"Authorization": f"Bearer {memory.record.tokens.add('boss', 'admin')}"}
    assert client.get("/may", headers=header).get_json() == {"read": True, "contribute": True, "admin": True}


def test_an_operation_that_changes_something_asks_for_more_than_read(memory: TestMemory) -> None:
    for operation in (*operations(memory.settings), *WRITING):
        is_writing = operation.method != "GET" and operation.name != "lookup_by_post"
        assert not is_writing or operation.scope in ("contribute", "admin"), operation.name
