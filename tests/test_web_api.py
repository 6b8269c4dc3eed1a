from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from web_memory import TestMemory, make_memory, published

from retriever.web import create_app

LOOKUP = "/api/v1/lookup"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[TestMemory]:
    with make_memory(tmp_path_factory.mktemp("web"), models) as memory:
        assert isinstance(memory, TestMemory)
        yield memory


@pytest.fixture(scope="module")
def web(small: TestMemory) -> FlaskClient:
    return create_app(small, small.settings).test_client()


def test_a_lookup_answers_in_the_agreed_shape(web: FlaskClient) -> None:
    response = web.get(LOOKUP, query_string={"q": "certificate expired"})
    answer = response.get_json()
    assert response.status_code == 200
    assert list(answer) == ["query", "answered", "confidence", "degraded", "took_ms", "notice", "hits"]
    hit = answer["hits"][0]
    assert {"rank", "score", "lesson", "document", "also_in"} == set(hit)
    lesson, document = hit["lesson"], hit["document"]
    assert [lesson["text"][start:end] for start, end in lesson["highlights"]] == ["certificate", "expired"]
    assert document["link"].startswith(f"/documents/{document['id']}#p")
    assert document["url"].startswith("https://git.example/2024/2024-03-02-certificate.md")


def test_post_and_get_give_the_same_answer(web: FlaskClient) -> None:
    got = web.get(LOOKUP + "?q=the&k=2&per_document=1&tag=tls&tag=database&since=2023").get_json()
    posted = web.post(
        LOOKUP, json={"q": "the", "k": 2, "per_document": 1, "tag": ["tls", "database"], "since": "2023"}
    ).get_json()
    assert [hit["lesson"]["id"] for hit in posted["hits"]] == [hit["lesson"]["id"] for hit in got["hits"]]
    assert len(got["hits"]) == 2


def test_a_body_may_give_one_value_where_a_list_is_taken(web: FlaskClient) -> None:
    hits = web.post(LOOKUP, json={"q": "the", "tag": "database"}).get_json()["hits"]
    assert {hit["document"]["title"] for hit in hits} == {"A failover that worked"}


@pytest.mark.parametrize(
    ("query", "parameter", "sentence"),
    [
        ("", "q", "'q' is required"),
        ("q=", "q", "must not be empty"),
        ("q=%20%09", "q", "must not be empty"),
        ("q=a&k=0", "k", "must be a whole number from 1 to 100, not 0"),
        ("q=a&k=101", "k", "from 1 to 100, not 101"),
        ("q=a&k=ten", "k", "not 'ten'"),
        ("q=a&k=1e1", "k", "not '1e1'"),
        ("q=a&k=1&k=2", "k", "may be given once, not 2 times"),
        ("q=a&per_document=0", "per_document", "from 1 to 100"),
        ("q=a&tagg=x", "tagg", "the parameters are: q, k, per_document, tag, team, kind"),
        ("q=a&kind=rant", "kind", "must be one of insight, cause, went_well"),
        ("q=a&polarity=bad", "polarity", "must be one of success, failure, neutral, not 'bad'"),
        ("q=a&since=yesterday", "since", "must be a date such as"),
        ("q=a&since=2024-02-30", "since", "must be a date such as"),
        ("q=a&until=2024-13", "until", "must be a date such as"),
        ("q=a%00b", "q", "no text"),
        ("q=" + "a" * 5000 + "&tag=" + "b" * 201, "tag", "at most 200 characters, not 201"),
    ],
)
def test_what_cannot_be_used_is_named_with_what_can(
    web: FlaskClient, query: str, parameter: str, sentence: str
) -> None:
    response = web.get(f"{LOOKUP}?{query}")
    problem = response.get_json()
    assert response.status_code == 400
    assert response.mimetype == "application/problem+json"
    assert problem["errors"][0]["parameter"] == parameter
    assert sentence in problem["errors"][0]["message"]
    assert problem["detail"].count(sentence) == 1


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"q": 7}, "'q' must be text, not 7"),
        ({"q": None}, "'q' must be text, not None"),
        ({"q": ["a"]}, "'q' must be text, not ['a']"),
        ({"q": "a", "k": "5"}, "'k' must be a whole number from 1 to 100, not '5'"),
        ({"q": "a", "k": True}, "not True"),
        ({"q": "a", "k": 1.5}, "not 1.5"),
        ({"q": "a", "k": 1e400}, "not inf"),
        ({"q": "a", "tag": [1]}, "'tag' must be text, not 1"),
        ({"q": "a", "tag": {"x": 1}}, "must be text or a list of texts"),
        ({"q": "a", "kind": ["rant"]}, "must be one of insight"),
        ({"q": "a", "tag": ["x"] * 51}, "at most 50 values, not 51"),
        ({"q": "\ud800"}, "no text"),
        ({"q": "a" * 16_385}, "at most 16,384 characters, not 16,385"),
        ({"q": "a", "x": 1, "y": 2}, "no parameter 'y'"),
        ({}, "'q' is required"),
        ([], "must be a JSON object"),
        ("a", "must be a JSON object"),
    ],
)
def test_a_body_of_the_wrong_types_is_told_what_is_right(web: FlaskClient, body: Any, sentence: str) -> None:
    response = web.post(LOOKUP, json=body)
    assert response.status_code == 400
    assert sentence in response.get_json()["detail"]


def test_json_has_one_kind_of_number(web: FlaskClient) -> None:
    assert len(web.post(LOOKUP, json={"q": "the", "k": 1.0}).get_json()["hits"]) == 1


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": "{", "content_type": "application/json"}, 400),
        ({"data": "[" * 100_000, "content_type": "application/json"}, 400),
        ({"data": b"\xff\xfe", "content_type": "application/json"}, 400),
        ({"data": "q=certificate", "content_type": "application/x-www-form-urlencoded"}, 415),
        ({"data": '{"q": "certificate"}', "content_type": "text/plain"}, 415),
        ({"json": {"q": "a" * 100_000}}, 400),
        ({"json": {"q": "a" * 200_000}}, 413),
        ({"json": {"q": "a"}, "query_string": "k=3"}, 400),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(web: FlaskClient, options: Any, status: int) -> None:
    response = web.post(LOOKUP, **options)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert response.get_json()["detail"]


def test_lists_go_on_where_the_page_before_ended(web: FlaskClient) -> None:
    whole = web.get("/api/v1/lessons?limit=100").get_json()
    assert whole["next"] is None
    collected: list[Any] = []
    address = "/api/v1/lessons?limit=2&polarity=success&polarity=failure&polarity=neutral"
    while address:
        response = web.get(address)
        collected += response.get_json()["items"]
        address = response.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert collected == whole["items"]
    assert len({item["lesson"]["id"] for item in collected}) == len(collected) > 3


def test_lists_take_filters(web: FlaskClient) -> None:
    titles = [item["title"] for item in web.get("/api/v1/documents?until=2023").get_json()["items"]]
    assert titles == ["A failover that worked"]
    kinds = {item["lesson"]["kind"] for item in web.get("/api/v1/lessons?kind=went_well").get_json()["items"]}
    assert kinds == {"went_well"}


def test_a_lesson_stands_in_its_documents_text_where_it_says(web: FlaskClient) -> None:
    for item in web.get("/api/v1/lessons").get_json()["items"]:
        assert web.get(f"/api/v1/lessons/{item['lesson']['id']}").get_json() == item
        shown = web.get(f"/api/v1/documents/{item['document']['id']}").get_json()
        lesson = item["lesson"]
        assert shown["document"]["text"][lesson["start"] : lesson["end"]] == lesson["text"]
        assert lesson in shown["lessons"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/lessons/unknown", 404),
        ("GET", "/api/v1/documents/unknown", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v2", 404),
        ("DELETE", "/api/v1/lookup", 405),
        ("PUT", "/api/v1/lessons", 405),
        ("GET", "/api/v1/lessons?after=not-ours", 400),
        ("GET", "/api/v1/lessons?limit=0", 400),
        ("GET", "/api/v1/lessons/x?k=1", 400),
    ],
)
def test_every_error_is_a_problem(web: FlaskClient, method: str, path: str, status: int) -> None:
    response = web.open(path, method=method)
    problem = response.get_json()
    assert response.status_code == problem["status"] == status
    assert response.mimetype == "application/problem+json"
    assert {"type", "title", "detail", "request_id"} <= set(problem)
    assert problem["request_id"] == response.headers["X-Request-Id"]
    assert (status == 405) == ("Allow" in response.headers)


@pytest.mark.parametrize(("query", "status"), [("break", 500), ("close", 503)])
def test_a_fault_of_ours_tells_no_detail(small: TestMemory, query: str, status: int) -> None:
    app = create_app(small, small.settings)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    for path in (LOOKUP, "/"):
        response = app.test_client().get(path, query_string={"q": query})
        assert response.status_code == status
        assert "secret" not in response.get_data(as_text=True)
        assert response.headers["X-Request-Id"] in response.get_data(as_text=True)


def test_health_touches_nothing_and_readiness_says_what_is_missing(
    small: TestMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = create_app(small, small.settings).test_client()
    monkeypatch.setattr(small, "readiness", lambda: (False, ("the vector index is being opened",)))
    assert web.get("/healthz").get_json() == {"status": "alive"}
    response = web.get("/readyz")
    assert response.status_code == 503
    assert response.get_json() == {"ready": False, "reasons": ["the vector index is being opened"]}


def test_the_openapi_document_describes_what_is_answered(web: FlaskClient) -> None:
    assert published(web)


def test_answers_obey_the_schemas_that_are_published(web: FlaskClient) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    document = web.get("/openapi.json").get_json()

    def check(path: str, name: str) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(web.get(path).get_json())

    lesson = web.get("/api/v1/lessons?limit=1").get_json()["items"][0]
    check(LOOKUP + "?q=certificate+evidence+unmeasured", "Answer")
    check("/api/v1/lessons", "LessonList")
    check("/api/v1/documents", "DocumentList")
    check(f"/api/v1/lessons/{lesson['lesson']['id']}", "ListedLesson")
    check(f"/api/v1/documents/{lesson['document']['id']}", "ShownDocument")
    check(LOOKUP, "Problem")


def test_answers_are_one_write_that_names_its_length(web: FlaskClient) -> None:
    response = web.get(LOOKUP + "?q=certificate")
    assert int(response.headers["Content-Length"]) == len(response.data)
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert json.loads(response.data.decode("utf-8"))
