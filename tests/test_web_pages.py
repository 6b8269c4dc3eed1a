from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from web_memory import FILES, TestMemory, empty_memory, make_memory

from retriever.lesson import Answer, Document, Filters, Hit, Lesson, Metadata
from retriever.web import cards, create_app, texts, view


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[TestMemory]:
    with make_memory(tmp_path_factory.mktemp("web"), models) as memory:
        assert isinstance(memory, TestMemory)
        yield memory


@pytest.fixture(scope="module")
def web(small: TestMemory) -> FlaskClient:
    return create_app(small, small.settings).test_client()


def page(web: FlaskClient, path: str, status: int = 200) -> str:
    response = web.get(path)
    assert response.status_code == status
    assert response.mimetype == "text/html"
    return response.get_data(as_text=True)


def certificate_id(small: TestMemory) -> str:
    return small.document("2024/2024-03-02-certificate.md").id


def test_the_start_page_asks_and_shows_what_is_new(web: FlaskClient) -> None:
    shown = page(web, "/")
    assert 'name="q"' in shown
    assert "from 3 documents" in shown
    assert "The certificate nobody renewed" in shown


def test_an_empty_memory_says_what_to_do(tmp_path: Path, models: Path) -> None:
    with empty_memory(tmp_path, models) as memory:
        shown = page(create_app(memory, memory.settings).test_client(), "/")
    assert texts.EMPTY_COMMAND in shown
    assert texts.EMPTY_DEMO_COMMAND in shown


@pytest.mark.parametrize(
    ("query", "said", "unsaid"),
    [
        ("certificate", texts.ANSWERED, texts.NOT_ANSWERED),
        ("certificate nearly", texts.NOT_ANSWERED, texts.ANSWERED),
        ("certificate nearly", texts.NEAR_MISSES, texts.NOTHING_NEAR),
        ("volcano", texts.NOTHING_NEAR, texts.NEAR_MISSES),
        ("certificate unmeasured", texts.NO_VERDICT, texts.ANSWERED),
        ("certificate degraded", texts.DEGRADED["meaning"], texts.NO_VERDICT),
    ],
)
def test_the_verdict_is_said_in_plain_words(web: FlaskClient, query: str, said: str, unsaid: str) -> None:
    shown = page(web, f"/?q={query}")
    assert said in shown
    assert unsaid not in shown


def test_a_card_shows_the_marked_words_and_leads_to_their_place(web: FlaskClient, small: TestMemory) -> None:
    shown = page(web, "/?q=certificate+expired")
    assert "<strong><mark" in shown
    assert '<mark class="match">certificate</mark>' in shown
    address = re.search(r'href="(/documents/[^"]+)"', shown)
    assert address
    assert re.fullmatch(rf"/documents/{certificate_id(small)}\?lesson=\w+&amp;q=certificate\+expired#p\d+", address[1])
    assert 'href="https://git.example/2024/2024-03-02-certificate.md' in shown


def test_evidence_is_never_dressed_up_as_a_lesson(web: FlaskClient, small: TestMemory) -> None:
    shown = page(web, "/?q=certificate+evidence")
    assert texts.EVIDENCE in shown
    address = re.search(r'href="(/documents/[^"]+span=(\d+)-(\d+)[^"]*)"', shown)
    assert address
    assert 'class="asked"' in page(web, address[1].replace("&amp;", "&"))


def test_a_facet_keeps_the_question_and_can_be_taken_back(web: FlaskClient) -> None:
    shown = page(web, "/?q=the&tag=tls&since=2023")
    assert "/?q=the&amp;tag=tls&amp;tag=database&amp;since=2023" in shown
    assert 'href="/?q=the&amp;since=2023"' in shown
    assert 'href="/?q=the&amp;tag=tls"' in shown
    assert "A failover that worked" not in shown


def test_the_page_passes_over_what_links_pick_up_on_their_way(web: FlaskClient) -> None:
    assert texts.ANSWERED in page(web, "/?q=certificate&utm_source=chat&since=&tag=")


@pytest.mark.parametrize("path", ["/?q=a&k=0", "/?q=a&since=soon", "/lessons?after=nonsense", "/lessons?kind=rant"])
def test_a_page_that_cannot_be_made_says_why(web: FlaskClient, path: str) -> None:
    assert "Bad Request" in page(web, path, 400)


@pytest.mark.parametrize("path", ["/nowhere", "/documents/unknown", "/documents/unknown/text"])
def test_what_is_not_there_is_said_in_a_page(web: FlaskClient, path: str) -> None:
    assert "Not Found" in page(web, path, 404)


def test_a_document_shows_its_lessons_in_place_and_the_asked_one_in_view(web: FlaskClient, small: TestMemory) -> None:
    document_id = certificate_id(small)
    lesson = next(lesson for lesson in small.lessons_of(document_id) if "expired" in lesson.text)
    shown = page(web, f"/documents/{document_id}?lesson={lesson.id}&q=certificate")
    assert f'id="lesson-{lesson.id}"' in shown
    assert re.search(r'<span class="anchor" id="p\d+"></span><mark class="lesson failure asked"[^>]*>The cert', shown)
    passages = len(small.passages_of(document_id))
    assert re.findall(r'class="anchor" id="(p\d+)"', shown) == [f"p{n}" for n in range(1, passages + 1)]
    assert f'<a href="/?q=certificate">{texts.BACK_TO_ANSWER}</a>' in shown
    assert "severity: SEV2" in shown.split("<details", 1)[1].split("</details>")[0]


def test_the_stored_text_is_a_download_and_nothing_else(web: FlaskClient, small: TestMemory) -> None:
    response = web.get(f"/documents/{certificate_id(small)}/text")
    assert response.mimetype == "text/plain"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="2024-03-02-certificate.md.txt"')
    assert response.get_data(as_text=True) == small.document(certificate_id(small)).text


def test_lists_page_and_narrow(web: FlaskClient) -> None:
    assert "A failover that worked" in page(web, "/documents")
    narrowed = page(web, "/lessons?polarity=success")
    assert "rollback script" in narrowed
    assert 'class="kind success"' in narrowed
    assert 'class="kind failure"' not in narrowed


def test_the_api_is_described_for_people(web: FlaskClient) -> None:
    shown = page(web, "/api")
    assert "/api/v1/lookup" in shown
    assert "per_document" in shown


def test_every_page_is_free_of_inline_script_and_style(web: FlaskClient, small: TestMemory) -> None:
    hostile = small.document("hostile.md").id
    for path in ("/", "/?q=the", "/lessons", "/documents", "/api", f"/documents/{hostile}", "/nowhere"):
        shown = web.get(path).get_data(as_text=True)
        assert not re.search(
            r"<script(?! type=\"module\" src=\"/static/)|<style|\sstyle=|\son\w+=(?!\")|javascript:[^<]*\"", shown
        )
        assert not re.search(r'(?:src|action)="(?!/)', shown)


def long_hit(text: str, highlights: tuple[tuple[int, int], ...]) -> Hit:
    lesson = Lesson("l", "d", text, 0, len(text), stated=False)
    return Hit(1, 1.0, lesson, Document("d", "s", "a.md", None, text), highlights=highlights)


@pytest.mark.parametrize("at", [0, 500, 3000])
def test_a_long_text_is_shown_around_its_first_mark(at: int) -> None:
    text = ("filler " * 1000)[:at] + "needle " + "filler " * 300
    card = cards.hit_card(long_hit(text, ((at, at + 6),)), "needle")
    assert '<mark class="match">needle</mark>' in card.text
    assert len(card.text) < cards.MAX_EXCERPT_CHARS + 100
    assert card.text.startswith("<p>… ") == (at > cards.MAX_EXCERPT_CHARS // 2)


def test_the_verdict_within_filters_blames_the_filters_too() -> None:
    nothing = Answer("q", False, 0.1, ())
    assert view.verdict(nothing, Filters(tag=("x",))).sentence == texts.NOT_ANSWERED_FILTERED


def test_the_examples_of_this_file_are_all_read(small: TestMemory) -> None:
    assert small.counts()["documents"] == len(FILES)


def stated_hit(text: str, stated_end: int, context: str = "") -> Hit:
    lesson = Lesson("l", "d", text, 10, 10 + len(text), "cause", "failure", "Doc > Causes", context, True, stated_end)
    return Hit(1, 1.0, lesson, Document("d", "s", "a.md", None, "", Metadata(title="Doc")), highlights=((0, 3),))


def test_what_follows_a_lesson_is_told_from_the_lesson() -> None:
    card = cards.hit_card(stated_hit("The lesson. What follows.", 21), "q")
    assert card.text == ('<p><mark class="match">The</mark> lesson.<mark class="beyond"> What follows.</mark></p>\n')


@pytest.mark.parametrize(
    ("text", "items"),
    [("one\n- two\n- three", 3), ("- one\n- two", 2), ("Because:\n- one\n- two", 2), ("one\ntwo", 0)],
)
def test_a_list_that_was_cut_behind_its_first_bullet_is_a_list_again(text: str, items: int) -> None:
    card = cards.hit_card(stated_hit(text, 10 + len(text)), "q")
    assert card.text.count("<li>") == items
    assert card.text.count('<mark class="match">') == 1


def test_a_context_says_only_what_is_not_beside_it() -> None:
    assert (
        cards.hit_card(stated_hit("Text.", 15, "Doc — Causes — The door was open."), "q").context
        == "The door was open."
    )


@pytest.mark.parametrize(
    ("marks", "signals", "said"),
    [
        (((0, 4),), (("words", 0.7), ("sentence", 0.1)), texts.WHY_WORDS.format("“pump”")),
        (((0, 4), (5, 11)), (("words", 0.4), ("sentence", 0.6)), texts.WHY_BOTH.format("“pump”, “stalls”")),
        (((12, 20),), (("words", 0.0), ("sentence", 0.6)), texts.WHY_SENTENCE),
        ((), (("words", 0.1), ("passage", 0.6)), texts.WHY_MEANING),
        ((), (("words", 0.6), ("passage", 0.1)), texts.WHY_DOCUMENT),
        ((), (), ""),
    ],
)
def test_why_a_hit_was_found_is_said_in_words(
    marks: tuple[tuple[int, int], ...], signals: tuple[tuple[str, float], ...], said: str
) -> None:
    text = "Pump stalls in winter."
    lesson = Lesson("l", "d", text, 0, len(text), "cause", "failure", stated_end=len(text))
    hit = Hit(1, 1.0, lesson, Document("d", "s", "a.md", None, text), highlights=marks, signals=signals)
    assert cards.why(hit, "why do pumps stall") == said


def test_boxes_of_tasks_are_shown_as_boxes() -> None:
    card = cards.hit_card(stated_hit("[x] Oil it.\n- [ ] Heat it.\n- [y] Paint it.", 21), "q")
    assert ("☑" in card.text, "☐" in card.text, "[y]" in card.text) == (True, True, True)


def test_what_follows_a_lesson_ends_at_a_heading_and_is_short() -> None:
    headed = cards.hit_card(stated_hit("The lesson. What follows.\n\n## Next\n\nMore.", 21), "q")
    assert "Next" not in headed.text
    endless = cards.hit_card(stated_hit("The lesson. " + "And so on. " * 200, 21), "q")
    assert len(endless.text) < cards.MAX_BEYOND_CHARS + 120
