from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from web_memory import TestMemory, make_memory

from retriever.logs import REQUESTS, JsonFormatter, set_up_server_logs
from retriever.web import create_app

LOOKUP = "/api/v1/lookup"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[TestMemory]:
    with make_memory(tmp_path_factory.mktemp("web"), models) as memory:
        yield memory


@pytest.fixture
def web(small: TestMemory, caplog: pytest.LogCaptureFixture) -> FlaskClient:
    caplog.set_level(logging.INFO, REQUESTS)
    return create_app(small, small.settings).test_client()


def lines_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    records = [record for record in caplog.records if record.name == REQUESTS]
    return [json.loads(JsonFormatter().format(record)) for record in records]


def test_each_request_is_one_line_that_says_what_came_of_it(
    web: FlaskClient, small: TestMemory, caplog: pytest.LogCaptureFixture
) -> None:
    token = small.record.tokens.add("bot", "contribute")
    web.get(LOOKUP + "?q=certificate", headers={"Authorization": f"Bearer {token}", "X-Request-Id": "trace-1"})
    web.get("/documents/0123456789abcdef")
    web.post("/nowhere/at-all")
    lookup, document, nowhere = lines_of(caplog)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(lookup["at"]))
    told = {name: lookup[name] for name in ("request_id", "method", "route", "status", "client", "scope", "level")}
    assert told == {
        "request_id": "trace-1",
        "method": "GET",
        "route": LOOKUP,
        "status": 200,
        "client": "bot",
        "scope": "contribute",
        "level": "info",
    }
    assert 0 <= float(str(lookup["ms"])) < 10_000
    assert (document["route"], document["status"], document["client"]) == ("/documents/<id>", 404, "anyone")
    assert (nowhere["route"], nowhere["status"]) == ("none", 404)


def test_no_line_holds_a_question_a_token_or_a_header(
    web: FlaskClient, small: TestMemory, caplog: pytest.LogCaptureFixture
) -> None:
    token = small.record.tokens.add("quiet", "read")
    headers = {
        "Authorization": f"Bearer {token}",
        "Cookie": "a=cookie-word",
        "Referer": "http://localhost/referer-word",
    }
    web.get(LOOKUP + "?q=question-word", headers=headers)
    web.post(LOOKUP, json={"q": "question-word"}, headers=headers)
    web.get("/?q=question-word", headers={"Authorization": "Bearer wrong-word"})
    web.post("/enter", data={"token": "wrong-word"})
    assert len(lines_of(caplog)) == 4
    assert not re.search(f"{token}|-word", caplog.text + json.dumps(lines_of(caplog)))


def test_questions_are_logged_only_where_the_operator_wants_them(
    small: TestMemory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, REQUESTS)
    web = create_app(small, replace(small.settings, log_questions=True)).test_client()
    web.get("/?q=first")
    web.post(LOOKUP, json={"q": "second"})
    web.post(LOOKUP, data="{", content_type="application/json")
    web.get("/lessons")
    assert [line.get("question") for line in lines_of(caplog)] == ["first", "second", None, None]


@pytest.mark.parametrize(
    ("body", "status"), [('{"q": "' + "a" * 200_000 + '"}', 413), ("[" * 100_000, 400)], ids=["too large", "too deep"]
)
def test_a_body_that_is_refused_is_refused_where_questions_are_logged_too(
    small: TestMemory, caplog: pytest.LogCaptureFixture, body: str, status: int
) -> None:
    caplog.set_level(logging.INFO, REQUESTS)
    app = create_app(small, replace(small.settings, log_questions=True))
    app.config["PROPAGATE_EXCEPTIONS"] = False
    response = app.test_client().post(LOOKUP, data=body, content_type="application/json")
    assert response.status_code == status
    assert lines_of(caplog)[-1]["status"] == status


def test_a_fault_is_logged_under_its_request_with_a_trace(small: TestMemory, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(small, small.settings)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.test_client().get(LOOKUP + "?q=close", headers={"X-Request-Id": "trace-2"})
    line = json.loads(JsonFormatter().format(caplog.records[0]))
    assert "Request trace-2 failed" in line["message"]
    assert "StoreError" in line["trace"]


@pytest.mark.parametrize("text", ["a\nb", 'a "quoted" b', "\x1b[31m", "\ud800", "é\u2028"])
def test_a_line_of_json_is_one_line_whatever_stands_in_it(text: str) -> None:
    record = logging.makeLogRecord({"msg": text, "levelname": "INFO", "name": "x", "field": text})
    line = JsonFormatter().format(record)
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line)["message"] == json.loads(line)["field"] == text


def test_the_log_is_set_up_as_the_settings_say(small: TestMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = logging.StreamHandler()
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    monkeypatch.setattr(logging.getLogger(REQUESTS), "level", logging.NOTSET)
    set_up_server_logs(small.settings)
    assert handler.formatter is None
    assert not logging.getLogger(REQUESTS).isEnabledFor(logging.INFO)
    set_up_server_logs(replace(small.settings, log_format="json", log_requests=True))
    assert isinstance(handler.formatter, JsonFormatter)
    assert logging.getLogger(REQUESTS).isEnabledFor(logging.INFO)


def test_prometheus_gets_counts_times_and_what_is_held(web: FlaskClient) -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    for path in (LOOKUP + "?q=certificate", LOOKUP + "?q=failover", LOOKUP, "/nowhere/1", "/nowhere/2"):
        web.get(path)
    response = web.get("/metrics")
    assert response.mimetype == "text/plain"
    families = {family.name: family for family in parser.text_string_to_metric_families(response.text)}
    counted = {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for sample in families["lessons_requests"].samples
        if sample.name.endswith("_total")
    }
    assert counted == {(LOOKUP, "200"): 2, (LOOKUP, "400"): 1, ("none", "404"): 2}
    held = {sample.labels["what"]: sample.value for sample in families["lessons_held"].samples}
    assert held["documents"] == 3
    assert families["lessons_ready"].samples[0].value in (0, 1)
    assert "process_resident_memory_bytes" in families


def test_invented_methods_and_addresses_add_no_numbers(web: FlaskClient) -> None:
    for number in range(20):
        web.open(f"/nowhere/{number}", method=f"X{number}")
    assert web.get("/metrics").text.count("lessons_requests_total{") == 1


def test_metrics_ask_for_a_token_where_reading_does(small: TestMemory) -> None:
    web = create_app(small, replace(small.settings, host="0.0.0.0")).test_client()
    web.environ_base["HTTP_HOST"] = "192.0.2.7"
    refused = web.get("/metrics")
    assert refused.status_code == 401
    assert refused.mimetype == "application/problem+json"
    header = {"Authorization": f"Bearer {small.record.tokens.add('prometheus', 'read')}"}
    assert web.get("/metrics", headers=header).status_code == 200
