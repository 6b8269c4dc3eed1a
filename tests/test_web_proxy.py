from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from test_web_access import form_token
from web_memory import TestMemory, make_memory

from retriever.web import create_app
from retriever.web.proxy import path_prefix

PREFIX = "/lessons"
PUBLIC = "https://memory.example/lessons/"
_ADDRESS = re.compile(r'(?:href|src|action|content|data-[a-z-]+)="(/[^"]*)"')


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[TestMemory]:
    with make_memory(tmp_path_factory.mktemp("web"), models) as memory:
        yield memory


@pytest.fixture
def web(small: TestMemory) -> FlaskClient:
    client = create_app(small, replace(small.settings, public_url=PUBLIC)).test_client()
    client.environ_base["HTTP_HOST"] = "memory.example"
    return client


@pytest.mark.parametrize(
    ("public_url", "expected"),
    [("", ""), ("https://a.example", ""), ("https://a.example/", ""), ("https://a.example/b/c/", "/b/c")],
)
def test_the_prefix_is_the_path_of_the_public_address(public_url: str, expected: str) -> None:
    assert path_prefix(public_url) == expected


def test_every_link_of_every_page_leads_below_the_prefix(web: FlaskClient) -> None:
    waiting, seen = [PREFIX + "/", PREFIX + "/?q=certificate"], set[str]()
    while waiting:
        address = waiting.pop(0)
        # Filters are many, and alike.
        place = address if "?q=" in address else address.partition("?")[0]
        if place in seen or len(seen) > 40:
            continue
        seen.add(place)
        with web.get(address) as response:
            # The panel of the nearest lessons is asked with a question only.
            assert response.status_code in (200, 303, 400 if place.endswith("/near") else 200), address
            links = _ADDRESS.findall(response.text) if response.mimetype == "text/html" else []
            links += [response.headers["Location"]] if response.status_code == 303 else []
        for link in links:
            assert link.startswith(PREFIX + "/"), f"{address} links to {link}"
            waiting += [link.partition("#")[0].replace("&amp;", "&")] * ("&" not in link)
    assert {PREFIX + "/lessons", PREFIX + "/documents", PREFIX + "/api", PREFIX + "/openapi.json"} <= seen


def test_lists_of_the_api_go_on_below_the_prefix(web: FlaskClient) -> None:
    link = web.get(PREFIX + "/api/v1/lessons?limit=1").headers["Link"]
    following = re.fullmatch(r'<([^>]*)>; rel="next"', link)
    assert following
    assert following[1].startswith(PREFIX + "/api/v1/lessons?limit=1&after=")
    assert web.get(following[1]).status_code == 200


def test_the_api_says_where_it_is(web: FlaskClient) -> None:
    assert web.get(PREFIX + "/openapi.json").get_json()["servers"] == [{"url": PUBLIC}]


def test_a_proxy_that_takes_the_prefix_away_says_so(web: FlaskClient) -> None:
    # `/lessons` is a page of its own below `/lessons`.
    taken = web.get("/lessons", headers={"X-Forwarded-Prefix": PREFIX}).text
    assert taken == web.get(PREFIX + "/lessons").text
    assert web.get("/lessons").text == web.get(PREFIX + "/").text
    # Somebody else's word for another prefix changes nothing.
    assert web.get(PREFIX + "/lessons", headers={"X-Forwarded-Prefix": "/evil"}).text == taken


def test_what_comes_without_the_prefix_is_served_to_this_machines_commands(web: FlaskClient) -> None:
    assert web.post("/api/v1/lookup", json={"q": "certificate"}).status_code == 200
    assert web.get("/healthz").status_code == 200


def test_cookies_stay_below_the_prefix_and_the_form_leads_back_there(small: TestMemory) -> None:
    settings = replace(small.settings, public_url=PUBLIC, require_token=True)
    client = create_app(small, settings).test_client()
    client.environ_base.update(HTTP_HOST="memory.example", HTTP_REFERER=PUBLIC)
    token = small.record.tokens.add("guest", "read")
    shown = client.get(PREFIX + "/lessons?kind=cause", base_url="https://memory.example")
    assert shown.status_code == 401
    target = re.search(r'name="next" value="([^"]*)"', shown.text)
    assert target
    fields = {"token": token, "next": target[1], "csrf_token": form_token(shown.text)}
    entered = client.post(PREFIX + "/enter", data=fields, base_url="https://memory.example")
    assert entered.headers["Location"] == PREFIX + "/lessons?kind=cause"
    cookie = entered.headers["Set-Cookie"]
    assert f"Path={PREFIX}" in cookie
    assert "Secure" in cookie
    assert client.get(entered.headers["Location"], base_url="https://memory.example").status_code == 200
