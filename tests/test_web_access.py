from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from web_memory import TestMemory, make_memory

from retriever.config import Settings
from retriever.errors import StoreError
from retriever.scopes import token_digest
from retriever.web import create_app, texts
from retriever.web.access import secret_key
from retriever.web.security import KnownHosts, is_loopback

OPEN = "192.0.2.7:8080"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[TestMemory]:
    with make_memory(tmp_path_factory.mktemp("web"), models) as memory:
        assert isinstance(memory, TestMemory)
        yield memory


@pytest.fixture(scope="module")
def token(small: TestMemory) -> str:
    return small.record.tokens.add("reader", "read")


@pytest.fixture
def shut(small: TestMemory) -> FlaskClient:
    """A client of a server that other machines can reach."""
    app = create_app(small, replace(small.settings, host="0.0.0.0"), local_token="local-secret")
    client = app.test_client()
    client.environ_base["HTTP_HOST"] = OPEN
    return client


def form_token(shown: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', shown)
    assert found
    return found[1]


def enter(client: FlaskClient, token: str, target: str = "/lessons") -> int:
    shown = client.get(target).get_data(as_text=True)
    fields = {"token": token, "next": target, "csrf_token": form_token(shown)}
    return client.post("/enter", data=fields).status_code


@pytest.mark.parametrize("path", ["/api/v1/lookup?q=a", "/api/v1/lessons", "/openapi.json", "/api/v1/nowhere"])
def test_programs_need_a_token_from_elsewhere(shut: FlaskClient, path: str) -> None:
    response = shut.get(path)
    assert response.status_code == 401
    assert response.mimetype == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert "token of scope read" in response.get_json()["detail"]


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "Basic cmVhZGVy", "wrong", "Bearer \xff"])
def test_another_token_is_no_token(shut: FlaskClient, header: str) -> None:
    assert shut.get("/api/v1/lessons", headers={"Authorization": header}).status_code == 401


def test_a_token_opens_the_api(shut: FlaskClient, token: str) -> None:
    for secret in (token, "local-secret"):
        assert shut.get("/api/v1/lessons", headers={"Authorization": f"bearer {secret}"}).status_code == 200


def test_a_token_that_is_sent_must_be_a_good_one_also_on_loopback(small: TestMemory, token: str) -> None:
    web = create_app(small, small.settings).test_client()
    response = web.get("/api/v1/lessons", headers={"Authorization": "Bearer wrong"})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    for header in (f"Bearer {token}", "Basic cmVhZGVy"):
        assert web.get("/api/v1/lessons", headers={"Authorization": header}).status_code == 200


def test_a_digest_is_no_token_and_a_cookie_holds_no_token(shut: FlaskClient, token: str) -> None:
    header = {"Authorization": f"Bearer {token_digest(token)}"}
    assert shut.get("/api/v1/lessons", headers=header).status_code == 401
    assert enter(shut, token_digest(token)) == 401
    assert enter(shut, token) == 303
    with shut.session_transaction() as session:
        assert token not in str(dict(session))
    assert shut.get("/api/v1/lessons").status_code == 401


def test_probes_need_no_token(shut: FlaskClient) -> None:
    assert shut.get("/healthz").status_code == 200
    assert shut.get("/readyz").status_code in (200, 503)


def test_people_give_their_token_once(shut: FlaskClient, token: str) -> None:
    asked = shut.get("/lessons?kind=cause")
    assert asked.status_code == 401
    assert texts.ENTER_TITLE in asked.get_data(as_text=True)
    fields = {"token": token, "next": "/lessons?kind=cause", "csrf_token": form_token(asked.get_data(as_text=True))}
    response = shut.post("/enter", data=fields)
    assert response.status_code == 303
    assert response.headers["Location"] == "/lessons?kind=cause"
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert shut.get("/lessons").status_code == 200
    shown = shut.get("/").get_data(as_text=True)
    assert shut.post("/leave", data={"csrf_token": form_token(shown)}).status_code == 303
    assert shut.get("/lessons").status_code == 401


def test_a_wrong_token_is_refused_with_a_sentence(shut: FlaskClient) -> None:
    assert enter(shut, "wrong") == 401
    assert shut.get("/lessons").status_code == 401


def test_a_revoked_token_closes_the_page_at_once(shut: FlaskClient, small: TestMemory) -> None:
    secret = small.record.tokens.add("guest", "read")
    assert enter(shut, secret) == 303
    small.record.tokens.revoke("guest")
    assert shut.get("/lessons").status_code == 401


def test_a_forged_form_is_refused(shut: FlaskClient, token: str) -> None:
    assert shut.post("/enter", data={"token": token, "next": "/"}).status_code == 400
    assert shut.get("/lessons").status_code == 401


def test_a_forged_cookie_is_no_session(shut: FlaskClient) -> None:
    shut.set_cookie("lessons_session", "eyJ0b2tlbiI6ImxvY2FsLXNlY3JldCJ9.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert shut.get("/lessons").status_code == 401


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "", "/\nx"])
def test_the_form_leads_nowhere_else(shut: FlaskClient, token: str, target: str) -> None:
    shown = shut.get("/lessons").get_data(as_text=True)
    fields = {"token": token, "next": target, "csrf_token": form_token(shown)}
    assert shut.post("/enter", data=fields).headers["Location"] == "/"


def test_a_link_from_elsewhere_asks_again_so_that_the_strict_cookie_comes_along(shut: FlaskClient) -> None:
    shown = shut.get("/?q=a", headers={"Sec-Fetch-Site": "cross-site"}).get_data(as_text=True)
    assert '<meta http-equiv="refresh" content="0">' in shown
    assert "csrf_token" not in shown


def test_on_loopback_tokens_are_asked_for_if_wished(small: TestMemory, token: str) -> None:
    web = create_app(small, replace(small.settings, require_token=True)).test_client()
    assert web.get("/lessons").status_code == 401
    assert web.get("/api/v1/lessons").status_code == 401
    assert web.get("/api/v1/lessons", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert web.get("/openapi.json", headers={"Authorization": f"Bearer {token}"}).get_json()["security"] == [
        {"bearer": []}
    ]


def test_on_loopback_everybody_reads(small: TestMemory) -> None:
    web = create_app(small, small.settings).test_client()
    assert web.get("/lessons").status_code == 200
    assert web.post("/enter").status_code == 400


@pytest.mark.parametrize(
    ("settings", "host", "is_known"),
    [
        ({}, "localhost", True),
        ({}, "LOCALHOST:8080", True),
        ({}, "127.0.0.1:9", True),
        ({}, "[::1]:8080", True),
        ({}, "evil.example", False),
        ({}, "evil.example:8080", False),
        ({}, "localhost.evil.example", False),
        ({}, "192.0.2.7", False),
        ({}, "", False),
        ({"host": "192.0.2.7"}, "192.0.2.7:8080", True),
        ({"host": "0.0.0.0"}, "192.0.2.7:8080", True),
        ({"host": "0.0.0.0"}, "evil.example", False),
        ({"host": "::"}, "[2001:db8::1]:8080", True),
        ({"allowed_hosts": "Lessons.example, other:81"}, "lessons.example:443", True),
        ({"allowed_hosts": "lessons.example, other:81"}, "other:81", True),
        ({"allowed_hosts": "lessons.example, other:81"}, "other:82", False),
        ({"public_url": "https://memory.example/lessons"}, "memory.example", True),
        ({"public_url": "https://memory.example:8443/"}, "memory.example:8443", True),
        # A proxy may pass the name on without the port, and browsers leave out the one that is usual.
        ({"public_url": "https://memory.example:8443/"}, "memory.example", True),
        ({"public_url": "https://memory.example:443"}, "memory.example", True),
        ({"public_url": "https://[2001:db8::7]:8443/"}, "[2001:db8::7]:8443", True),
        ({"public_url": "https://memory.example:8443/"}, "evil.example:8443", False),
    ],
)
def test_only_known_hosts_are_answered(settings: dict[str, str], host: str, is_known: bool) -> None:
    assert KnownHosts(Settings(home=Path(), models=Path(), **settings)).know(host) is is_known


def test_an_unknown_host_is_told_so_by_page_and_api(small: TestMemory) -> None:
    web = create_app(small, small.settings).test_client()
    for path in ("/", "/api/v1/lessons", "/healthz", "/static/style.css"):
        response = web.get(path, headers={"Host": "evil.example"})
        assert response.status_code == 421, path
        assert "allowed_hosts" in response.get_data(as_text=True)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.3.2.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)]
    + [(host, False) for host in ("::", "192.168.0.1", "example.org", "")],
)
def test_loopback_is_what_other_machines_cannot_reach(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize("path", ["/", "/api/v1/lessons", "/nowhere", "/healthz", "/static/style.css"])
def test_every_answer_closes_the_doors(small: TestMemory, path: str) -> None:
    with create_app(small, small.settings).test_client().get(path) as response:
        headers = response.headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert re.fullmatch(r"[0-9a-f]{16}", headers["X-Request-Id"])


@pytest.mark.parametrize(("given", "is_kept"), [("trace-1.a_B", True), ("x" * 65, False), ("<b>", False)])
def test_a_request_id_is_kept_if_it_is_one(small: TestMemory, given: str, is_kept: bool) -> None:
    web = create_app(small, small.settings).test_client()
    assert (web.get("/healthz", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given) is is_kept


def test_static_files_are_kept_for_as_long_as_they_do_not_change(small: TestMemory) -> None:
    web = create_app(small, small.settings).test_client()
    address = re.search(r'href="(/static/base\.css\?v=\w+)"', web.get("/").get_data(as_text=True))
    assert address
    for path, is_kept in ((address[1], True), ("/static/base.css?v=old", False)):
        with web.get(path) as response:
            assert ("immutable" in response.headers["Cache-Control"]) is is_kept


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    key = secret_key(tmp_path / "home")
    assert secret_key(tmp_path / "home") == key
    assert (tmp_path / "home" / "secret").stat().st_mode & 0o777 == 0o600
    assert list((tmp_path / "home").iterdir()) == [tmp_path / "home" / "secret"]


def test_a_key_that_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"short")
    assert len(secret_key(tmp_path)) == 32


def test_a_key_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    with pytest.raises(StoreError, match="secret cannot be read"):
        secret_key(tmp_path)
