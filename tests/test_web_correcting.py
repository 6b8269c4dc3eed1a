from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from web_memory import TestMemory, make_memory

from ingest.pipeline import IngestOptions, ingest
from ingest.scribe import Scribe
from retriever.web import create_app, texts, writing_texts


def lesson_id(small: TestMemory, word: str = "expired") -> str:
    lessons = small.lessons_of(small.document("2024/2024-03-02-certificate.md").id)
    return next(lesson.id for lesson in lessons if word in lesson.text)


def shown(web: FlaskClient, path: str) -> str:
    response = web.get(path)
    assert response.status_code == 200
    return response.get_data(as_text=True)


def send(web: FlaskClient, path: str, status: int = 303, **fields: str) -> str:
    token = re.search(r'name="csrf_token" value="([^"]+)"', shown(web, "/share"))
    assert token
    response = web.post(path, data={"csrf_token": token[1], **fields})
    assert response.status_code == status
    return response.headers.get("Location") or response.get_data(as_text=True)


def test_a_hidden_lesson_is_in_no_answer_and_can_be_shown_again(
    web: FlaskClient, small: TestMemory, tmp_path: Path
) -> None:
    id = lesson_id(small)
    assert send(web, f"/lessons/{id}/correct", do="hide") == f"/lessons/{id}"
    assert "nobody" not in shown(web, "/?q=expired").split("<main")[1].split("<aside")[0]
    ingest(small, tmp_path / "documents", IngestOptions(source="team"))
    document = small.document("2024/2024-03-02-certificate.md").id
    assert f"{writing_texts.HIDDEN_HERE} (1)" in shown(web, f"/documents/{document}")
    assert writing_texts.LESSON_HIDDEN in shown(web, f"/lessons/{id}")
    send(web, f"/lessons/{id}/correct", do="show")
    assert writing_texts.LESSON_HIDDEN not in shown(web, f"/lessons/{id}")


def test_a_pinned_lesson_says_so_and_has_somebody_who_looks_after_it(web: FlaskClient, small: TestMemory) -> None:
    id = lesson_id(small)
    send(web, f"/lessons/{id}/correct", do="pin")
    send(web, f"/lessons/{id}/correct", do="save", owner="Platform", review_on="2027-01")
    page = shown(web, f"/lessons/{id}")
    assert writing_texts.PINNED in page
    assert 'value="Platform"' in page
    assert 'value="2027-01"' in page
    assert writing_texts.PINNED in shown(web, "/?q=expired")


def test_what_is_mended_is_shown_as_mended_and_given_back_by_an_empty_field(
    web: FlaskClient, small: TestMemory
) -> None:
    document = small.document("2024/2024-03-02-certificate.md").id
    mended = {"date": "2024-03-05", "severity": "SEV1", "team": "Platform", "owner": ""}
    send(web, f"/documents/{document}/mend", **mended)
    page = shown(web, f"/documents/{document}")
    assert page.count(texts.ORIGINS["mended"]) == 2
    assert f"2024-03-05</time> <small>{writing_texts.MENDED_SIGN}</small>" in shown(web, "/?q=expired")
    assert small.document(document).meta.severity == "SEV1"
    send(web, f"/documents/{document}/mend", **{**mended, "date": "", "severity": ""})
    assert (small.document(document).meta.date, small.document(document).meta.severity) == ("2024-03-02", "SEV2")
    assert texts.ORIGINS["mended"] not in shown(web, f"/documents/{document}")


def test_a_mend_that_is_no_date_is_refused(web: FlaskClient, small: TestMemory) -> None:
    document = small.document("2024/2024-03-02-certificate.md").id
    assert "Date must be" in send(web, f"/documents/{document}/mend", 400, date="soon")


def test_one_browser_has_one_say_and_can_take_it_back(web: FlaskClient, small: TestMemory) -> None:
    id = lesson_id(small)
    for _ in range(2):
        assert send(web, f"/lessons/{id}/say", says="me_too", next="/?q=expired") == "/?q=expired"
    assert small.lesson(id).remarks.me_too == 1
    page = shown(web, "/?q=expired")
    assert writing_texts.ME_TOO_COUNT.format(1) in page
    assert 'value="not:me_too" aria-pressed="true"' in page
    other = create_app(small, small.settings, scribe=Scribe()).test_client()
    send(other, f"/lessons/{id}/say", says="me_too")
    assert small.lesson(id).remarks.me_too == 2
    assert 'aria-pressed="true"' not in send(web, f"/lessons/{id}/say?part", 200, says="not:me_too")
    assert small.lesson(id).remarks.me_too == 1


def test_reading_hands_out_no_name(web: FlaskClient, small: TestMemory) -> None:
    id = lesson_id(small)
    for path in ("/", "/?q=expired", f"/lessons/{id}"):
        shown(web, path)
    assert web.get_cookie("lessons_visitor") is None
    send(web, f"/lessons/{id}/say", says="helped")
    cookie = web.get_cookie("lessons_visitor")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site) == (True, "Strict")


@pytest.mark.parametrize("says", ["", "great", "not:"])
def test_what_cannot_be_said_is_refused(web: FlaskClient, small: TestMemory, says: str) -> None:
    send(web, f"/lessons/{lesson_id(small)}/say", 400, says=says)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_a_form_leads_nowhere_else(web: FlaskClient, small: TestMemory, target: str) -> None:
    id = lesson_id(small)
    assert send(web, f"/lessons/{id}/say", says="helped", next=target) == f"/lessons/{id}"


def test_who_may_only_read_is_offered_nothing_to_correct(tmp_path: Path, models: Path) -> None:
    with make_memory(tmp_path, models, require_token=True) as memory:
        web = create_app(memory, memory.settings, scribe=Scribe()).test_client()
        token = re.search(r'name="csrf_token" value="([^"]+)"', web.get("/").get_data(as_text=True))
        assert token
        secret = memory.record.tokens.add("reader", "read")
        web.post("/enter", data={"csrf_token": token[1], "token": secret, "next": "/"})
        id = lesson_id(memory)
        for path in ("/?q=expired", f"/lessons/{id}"):
            page = shown(web, path)
            assert writing_texts.SAYINGS["helped"] not in page
            assert writing_texts.HIDE not in page
        assert web.post(f"/lessons/{id}/correct", data={"csrf_token": token[1], "do": "hide"}).status_code in (400, 403)
