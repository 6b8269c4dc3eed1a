from __future__ import annotations

import re
from pathlib import Path

from flask.testing import FlaskClient
from web_memory import TestMemory, make_memory

from ingest.scribe import Scribe
from retriever.web import create_app, texts, writing_texts


def shown(web: FlaskClient, path: str) -> str:
    response = web.get(path, follow_redirects=True)
    assert response.status_code == 200
    return response.get_data(as_text=True)


def send(web: FlaskClient, path: str, **fields: str) -> None:
    token = re.search(r'name="csrf_token" value="([^"]+)"', shown(web, "/share"))
    assert token
    assert web.post(path, data={"csrf_token": token[1], **fields}).status_code == 303


def gaps(web: FlaskClient) -> list[str]:
    return re.findall(r'<h2><a href="[^"]+">([^<]+)</a></h2>', shown(web, "/gaps"))


def test_a_question_that_is_submitted_has_an_address_that_can_be_shared(web: FlaskClient) -> None:
    response = web.get("/ask?q=certificate&tag=tls&team=")
    assert (response.status_code, response.headers["Location"]) == (303, "/?q=certificate&tag=tls")


def test_only_what_was_submitted_is_kept(web: FlaskClient, small: TestMemory) -> None:
    for path in ("/?q=volcano", "/near?q=volcano", "/share/alike?learned=volcano", "/lessons", "/near?q=vol"):
        shown(web, path)
    assert gaps(web) == []
    shown(web, "/ask?q=volcano")
    shown(web, "/?q=volcano")
    assert gaps(web) == ["volcano"]
    assert writing_texts.GAP_ASKED_ONCE in shown(web, "/gaps")


def test_a_long_question_is_kept_too_and_no_cookie_grows_with_it(web: FlaskClient) -> None:
    question = "зачем вулкан " * 250
    response = web.get("/ask", query_string={"q": question})
    assert len(response.headers["Set-Cookie"]) < 1000
    shown(web, response.headers["Location"])
    assert len(gaps(web)) == 1


def test_a_page_elsewhere_cannot_ask_in_a_readers_name(web: FlaskClient) -> None:
    web.get("/ask?q=volcano", headers={"Sec-Fetch-Site": "cross-site"}, follow_redirects=True)
    assert gaps(web) == []


def test_where_nothing_is_kept_nothing_is_promised(tmp_path: Path, models: Path) -> None:
    with make_memory(tmp_path, models, record_questions=False) as memory:
        web = create_app(memory, memory.settings, scribe=Scribe()).test_client()
        assert writing_texts.QUESTION_KEPT not in shown(web, "/ask?q=volcano")
        assert gaps(web) == []


def test_who_asked_follows_the_question_and_is_told_once(web: FlaskClient, small: TestMemory) -> None:
    page = shown(web, "/ask?q=volcano")
    assert writing_texts.QUESTION_KEPT in page
    feed = re.search(r'href="(/feed/questions/[^"]+)"', page)
    assert feed
    assert "<entry>" not in shown(web, feed[1])
    send(create_app(small, small.settings, scribe=Scribe()).test_client(), "/share", learned="A volcano warms the sea.")
    assert "A volcano warms the sea." in shown(web, feed[1])
    told = shown(web, "/")
    assert writing_texts.LEARNED_SINCE in told
    assert '<a href="/?q=volcano">volcano</a>' in told
    assert writing_texts.LEARNED_SINCE not in shown(web, "/")
    assert gaps(web) == []


def test_an_answered_question_promises_nothing(web: FlaskClient) -> None:
    page = shown(web, "/ask?q=certificate")
    assert writing_texts.QUESTION_KEPT not in page
    assert writing_texts.GAP_KNOWN not in page


def test_who_knows_it_shares_it_from_the_gap_or_the_answer(web: FlaskClient) -> None:
    page = shown(web, "/ask?q=volcano+nearly")
    assert f'href="/share?title=volcano+nearly">{writing_texts.GAP_KNOWN}' in page
    assert f'href="/share?title=volcano+nearly">{writing_texts.GAP_KNOWN}' in shown(web, "/gaps")
    assert 'name="title" value="volcano nearly"' in shown(web, "/share?title=volcano+nearly")


def test_a_gap_is_left_out(web: FlaskClient) -> None:
    shown(web, "/ask?q=volcano")
    dismiss = re.search(r'action="(/gaps/[^"]+/dismiss)"', shown(web, "/gaps"))
    assert dismiss
    send(web, dismiss[1])
    assert writing_texts.GAP_DISMISSED in shown(web, "/gaps")
    assert gaps(web) == []


def test_a_cookie_that_is_not_ours_is_passed_over(web: FlaskClient) -> None:
    web.set_cookie("lessons_questions", "x.../../etc." + "a" * 500)
    web.set_cookie("lessons_visitor", "'; DROP TABLE")
    assert texts.TAGLINE in shown(web, "/")
