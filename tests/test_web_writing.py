from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from web_memory import TestMemory, published

from retriever.web import create_app

LESSONS = "/api/v1/lessons"
TOLD = {
    "learned": "Label the valves before the night shift.",
    "happened": "The wrong valve was opened in the dark.",
    "next": "Paint each valve in the colour of its tank.",
    "polarity": "failure",
    "tags": ["valves"],
}


@pytest.fixture
def contributor(small: TestMemory) -> dict[str, str]:
    return {"Authorization": f"Bearer {small.record.tokens.add('bot', 'contribute')}"}


def test_a_lesson_is_shared_read_reworded_and_withdrawn(web: FlaskClient, contributor: dict[str, str]) -> None:
    made = web.post(LESSONS, json=TOLD, headers=contributor)
    assert made.status_code == 201
    shared = made.get_json()
    address = f"{LESSONS}/{shared['lesson']['id']}"
    assert made.headers["Location"] == address
    assert shared["shared"]["next"] == TOLD["next"]
    assert web.get(address).get_json()["lesson"] == shared["lesson"]
    assert shared["document"]["path"] == f"shared/{shared['lesson']['id']}"
    changed = web.patch(address, json={"learned": "Locks beat labels.", "tags": None}, headers=contributor).get_json()
    assert changed["lesson"]["id"] == shared["lesson"]["id"]
    assert (changed["lesson"]["text"], changed["document"]["tags"]) == ("Locks beat labels.", [])
    gone = web.delete(address, headers=contributor)
    assert (gone.status_code, gone.data) == (204, b"")
    assert web.get(address).status_code == 404
    assert "no longer" in web.get(address).get_json()["detail"]


def test_the_same_key_gives_the_same_lesson(web: FlaskClient, contributor: dict[str, str]) -> None:
    headers = {**contributor, "Idempotency-Key": "a-key"}
    first, again = (web.post(LESSONS, json=TOLD, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.headers["Location"] == again.headers["Location"]
    other = web.post(LESSONS, json={"learned": "Another."}, headers=headers)
    assert other.status_code == 422
    assert "was given to another request" in other.get_json()["detail"]
    assert web.post(LESSONS, json=TOLD, headers={**contributor, "Idempotency-Key": "k" * 256}).status_code == 400
    assert len(web.get(LESSONS + "?tag=valves").get_json()["items"]) == 2


def test_what_is_like_it_is_found_while_it_is_told(web: FlaskClient) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    found = web.get("/api/v1/similar?text=the+certificate+expired").get_json()
    document = web.get("/openapi.json").get_json()
    schema = {"$ref": "#/components/schemas/SimilarLessons", "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(found)
    assert "expired" in found["items"][0]["lesson"]["text"]
    assert len(web.get("/api/v1/similar?text=the+certificate&k=1").get_json()["items"]) == 1
    assert web.get("/api/v1/similar?text=bassoon").get_json() == {"items": []}
    assert web.get("/api/v1/gaps").get_json()["items"] == []


def test_what_is_redacted_is_said(web: FlaskClient, contributor: dict[str, str]) -> None:
    told = {"learned": "Do not put AKIAZ7QPLM2XW4RTVB6N into a ticket."}
    shared = web.post(LESSONS, json=told, headers=contributor).get_json()
    assert shared["redacted"] == {"aws-key": 1}
    assert "AKIA" not in str(shared)


@pytest.mark.parametrize(
    ("body", "parameter", "sentence"),
    [
        ({}, "learned", "'learned' is required"),
        ({"learned": " "}, "learned", "must not be empty"),
        ({"learned": "x" * 4001}, "learned", "at most 4,000 characters"),
        ({"learned": "x", "polarity": "bad"}, "polarity", "must be one of success, failure, neutral"),
        ({"learned": "x", "link": "javascript:alert(1)"}, "link", "begins with http"),
        ({"learned": "x", "date": "2024-02-30"}, "date", "must be a date"),
        ({"learned": "x", "mood": "glad"}, "mood", "the parameters are: learned, happened, next"),
        ([], "body", "must be a JSON object"),
    ],
)
def test_what_no_lesson_can_be_is_refused(
    web: FlaskClient, contributor: dict[str, str], body: Any, parameter: str, sentence: str
) -> None:
    response = web.post(LESSONS, json=body, headers=contributor)
    assert response.status_code == 400
    error = response.get_json()["errors"][0]
    assert error["parameter"] == parameter
    assert sentence in error["message"]


def test_only_a_shared_lesson_can_be_reworded(web: FlaskClient, contributor: dict[str, str]) -> None:
    extracted = web.get(LESSONS).get_json()["items"][0]["lesson"]["id"]
    response = web.patch(f"{LESSONS}/{extracted}", json={"learned": "x"}, headers=contributor)
    assert response.status_code == 400
    assert "was read from a document" in response.get_json()["detail"]
    assert web.patch(f"{LESSONS}/unknown", json={"learned": "x"}, headers=contributor).status_code == 404


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("PATCH", "/some"), ("DELETE", "/some")])
def test_writing_needs_a_token_that_may_also_on_loopback(
    small: TestMemory, web: FlaskClient, method: str, path: str
) -> None:
    reader = {"Authorization": f"Bearer {small.record.tokens.add('reader', 'read')}"}
    assert web.open(LESSONS + path, method=method, json={"learned": "x"}).status_code == 401
    assert web.open(LESSONS + path, method=method, json={"learned": "x"}, headers=reader).status_code == 403
    assert small.counts()["sources"] == 1


def test_without_a_scribe_the_service_only_reads(small: TestMemory) -> None:
    web = create_app(small, small.settings).test_client()
    assert web.post(LESSONS, json=TOLD).status_code == 405
    assert "post" not in web.get("/openapi.json").get_json()["paths"][LESSONS]


def test_the_openapi_document_describes_writing_too(web: FlaskClient, contributor: dict[str, str]) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    document = published(web)
    schema = {"$ref": "#/components/schemas/SharedLesson", "components": document["components"]}
    for told in (TOLD, {"learned": "Bare."}):
        shared = web.post(LESSONS, json=told, headers=contributor).get_json()
        jsonschema.Draft202012Validator(schema).validate(shared)
    assert web.get("/api").status_code == 200


def test_a_lesson_that_was_read_is_marked_and_hidden(web: FlaskClient, contributor: dict[str, str]) -> None:
    item = web.get(LESSONS).get_json()["items"][0]
    address = f"{LESSONS}/{item['lesson']['id']}"
    assert item["lesson"]["remarks"]["pinned"] is False
    changed = web.patch(
        address, json={"pinned": True, "owner": "Kim", "review_on": "2027-01"}, headers=contributor
    ).get_json()
    assert changed["shared"] is None
    assert changed["lesson"]["remarks"]["owner"] == "Kim"
    pinned = web.get(LESSONS + "?marked=pinned").get_json()["items"]
    assert [one["lesson"] for one in pinned] == [changed["lesson"]]
    assert (
        web.patch(address, json={"owner": None}, headers=contributor).get_json()["lesson"]["remarks"]["owner"] is None
    )
    assert web.delete(address, headers=contributor).status_code == 204
    assert "was hidden" in web.get(address).get_json()["detail"]
    assert item["lesson"]["id"] not in str(web.get(LESSONS).get_json())
    assert len(web.get(LESSONS + "?marked=hidden").get_json()["items"]) == 1
    assert web.patch(address, json={"hidden": False}, headers=contributor).status_code == 200
    assert web.get(address).status_code == 200


def test_a_shared_lesson_takes_words_and_marks_at_once(web: FlaskClient, contributor: dict[str, str]) -> None:
    lesson = web.post(LESSONS, json=TOLD, headers=contributor).get_json()["lesson"]
    changed = web.patch(
        f"{LESSONS}/{lesson['id']}", json={"pinned": True, "team": "Night shift"}, headers=contributor
    ).get_json()
    assert changed["lesson"]["remarks"]["pinned"] is True
    assert changed["shared"]["team"] == changed["document"]["team"] == "Night shift"


def test_feedback_counts_a_token_once(web: FlaskClient, small: TestMemory, contributor: dict[str, str]) -> None:
    other = {"Authorization": f"Bearer {small.record.tokens.add('other', 'contribute')}"}
    lesson = web.get(LESSONS).get_json()["items"][0]["lesson"]
    address = f"{LESSONS}/{lesson['id']}/feedback"
    for says, headers in (("helped", contributor), ("helped", contributor), ("me_too", contributor), ("wrong", other)):
        given = web.post(address, json={"says": says}, headers=headers).get_json()
    counted = {name: given["lesson"]["remarks"][name] for name in ("helped", "me_too", "wrong", "outdated")}
    assert counted == {"helped": 1, "me_too": 1, "wrong": 1, "outdated": 0}
    taken = web.delete(address + "?says=helped", headers=contributor).get_json()
    assert taken["lesson"]["remarks"]["helped"] == 0
    assert web.post(address, json={"says": "boring"}, headers=contributor).status_code == 400
    assert web.post(f"{LESSONS}/unknown/feedback", json={"says": "helped"}, headers=contributor).status_code == 404
    assert web.post(address, json={"says": "helped"}).status_code == 401


def test_a_document_is_mended_and_says_so(web: FlaskClient, contributor: dict[str, str]) -> None:
    document = web.get("/api/v1/documents?team=Platform").get_json()["items"][0]
    address = f"/api/v1/documents/{document['id']}"
    assert (document["mended"], document["owner"]) == ([], None)
    mended = web.patch(address, json={"severity": "SEV1", "owner": "Kim"}, headers=contributor).get_json()
    assert (mended["severity"], mended["owner"], sorted(mended["mended"])) == ("SEV1", "Kim", ["owner", "severity"])
    assert web.get("/api/v1/documents?severity=SEV1").get_json()["items"] == [mended]
    back = web.patch(address, json={"severity": None, "owner": None}, headers=contributor).get_json()
    assert back == document
    assert web.patch(address, json={"date": "yesterday"}, headers=contributor).status_code == 400
    assert web.patch(address, json={"title": "x"}, headers=contributor).status_code == 400
    assert web.patch("/api/v1/documents/unknown", json={"owner": "Kim"}, headers=contributor).status_code == 404
