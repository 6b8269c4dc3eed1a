from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from web_memory import TestMemory, empty_memory

from retriever.web import create_app
from retriever.web.limits import DEFAULT_PER_MINUTE, RateLimit

LESSONS = "/api/v1/lessons"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[TestMemory]:
    with empty_memory(tmp_path_factory.mktemp("web"), models) as memory:
        yield memory


def client_of(memory: TestMemory, **settings: object) -> FlaskClient:
    app = create_app(memory, replace(memory.settings, **settings))
    client = app.test_client()
    client.environ_base["HTTP_HOST"] = "192.0.2.7" if settings.get("host") else "localhost"
    return client


def test_a_minutes_requests_may_come_at_once_and_the_next_one_waits(clock: Clock) -> None:
    limit = RateLimit(6, clock)
    assert [limit.charge("a").remaining for _ in range(6)] == [5, 4, 3, 2, 1, 0]
    refused = limit.charge("a")
    assert (refused.remaining, refused.wait_s) == (0, 10)
    clock.now += refused.wait_s
    assert limit.charge("a").wait_s == 0
    assert limit.charge("a").wait_s == 10


def test_a_refused_request_costs_nothing_and_nobody_pays_for_another(clock: Clock) -> None:
    limit = RateLimit(2, clock)
    for _ in range(50):
        limit.charge("a")
    assert limit.charge("b").wait_s == 0
    clock.now += 60
    assert [limit.charge("a").wait_s for _ in range(3)] == [0, 0, 30]


def test_callers_that_owe_nothing_are_forgotten(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retriever.web.limits._MANY_CALLERS", 100)
    limit = RateLimit(1, clock)
    for number in range(1000):
        limit.charge(f"address {number}")
        clock.now += 1
    assert len(limit._paid_at) <= 101


@given(st.integers(1, 100), st.lists(st.floats(0, 5), max_size=200))
def test_no_minute_sees_more_than_twice_the_limit_whatever_the_pace(per_minute: int, pauses: list[float]) -> None:
    clock = Clock()
    limit = RateLimit(per_minute, clock)
    granted = []
    for pause in pauses:
        clock.now += pause
        allowance = limit.charge("a")
        assert 0 <= allowance.remaining < per_minute
        assert not (allowance.wait_s and allowance.remaining)
        if not allowance.wait_s:
            granted.append(clock.now)
    for moment in granted:
        assert sum(moment <= other < moment + 60 for other in granted) <= 2 * per_minute


def test_who_asks_too_often_is_told_when_to_come_again(small: TestMemory) -> None:
    web = client_of(small, requests_per_minute=3)
    answers = [web.get(LESSONS) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Limit"] == "3"
    assert answers[0].headers["RateLimit-Policy"] == "3;w=60"
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert 0 < int(answers[2].headers["RateLimit-Reset"]) <= 60
    refused = answers[3]
    assert 0 < int(refused.headers["Retry-After"]) <= 20
    assert refused.mimetype == "application/problem+json"
    assert "More than 3 requests" in refused.get_json()["detail"]
    page = web.get("/lessons")
    assert page.status_code == 429
    assert "More than 3 requests" in page.get_data(as_text=True)


def test_probes_and_the_style_sheet_are_not_counted(small: TestMemory) -> None:
    web = client_of(small, requests_per_minute=1)
    for path in ("/healthz", "/readyz", "/static/icon.svg") * 3:
        with web.get(path) as response:
            assert response.status_code in (200, 503)
            assert "RateLimit-Limit" not in response.headers


def test_each_token_has_a_limit_of_its_own_and_unknown_ones_share_their_address(small: TestMemory) -> None:
    web = client_of(small, host="0.0.0.0", requests_per_minute=2)
    for name in ("first", "second"):
        header = {"Authorization": f"Bearer {small.record.tokens.add(name, 'read')}"}
        assert [web.get(LESSONS, headers=header).status_code for _ in range(3)] == [200, 200, 429]
    guesses = [web.get(LESSONS, headers={"Authorization": f"Bearer guess-{number}"}) for number in range(4)]
    assert [guess.status_code for guess in guesses] == [401, 401, 429, 429]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, None), ({"require_token": True}, DEFAULT_PER_MINUTE), ({"host": "0.0.0.0"}, DEFAULT_PER_MINUTE)],
)
def test_only_strangers_are_limited_by_default(
    small: TestMemory, settings: dict[str, object], expected: int | None
) -> None:
    answer = client_of(small, **settings).get(LESSONS)
    assert answer.headers.get("RateLimit-Limit", None, int) == expected


@pytest.mark.parametrize(("proxies", "expected"), [(0, 429), (1, 200)])
def test_a_proxys_word_for_the_callers_address_counts_only_if_wished(
    small: TestMemory, proxies: int, expected: int
) -> None:
    web = client_of(small, requests_per_minute=1, trusted_proxies=proxies)
    assert web.get(LESSONS, headers={"X-Forwarded-For": "198.51.100.1"}).status_code == 200
    assert web.get(LESSONS, headers={"X-Forwarded-For": "198.51.100.2"}).status_code == expected


def test_a_caller_cannot_choose_its_address_behind_a_proxy(small: TestMemory) -> None:
    web = client_of(small, requests_per_minute=1, trusted_proxies=1)
    # The proxy appends the address it sees; what the caller wrote before that is the caller's invention.
    statuses = [web.get(LESSONS, headers={"X-Forwarded-For": f"{n}, 198.51.100.1"}).status_code for n in (1, 2)]
    assert statuses == [200, 429]
