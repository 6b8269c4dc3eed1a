"""The journeys of people who ask and read, in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from web_browser import opened, served
from web_memory import TestMemory, empty_memory, make_memory

from retriever.web import texts, writing_texts


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[TestMemory]:
    with make_memory(tmp_path_factory.mktemp("web"), models) as memory:
        assert isinstance(memory, TestMemory)
        yield memory


@pytest.fixture(scope="module")
def address(small: TestMemory) -> Iterator[str]:
    with served(small) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser.new_context(base_url=address), address) as page:
        yield page


def test_a_person_asks_and_reads_the_lesson_in_its_place(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("certificate expired")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(texts.ANSWERED)
    first = page.locator(".hits .card").first
    expect(first.locator("mark")).to_have_text(["certificate", "expired"])
    first.get_by_role("link", name="The certificate nobody renewed").click()
    asked = page.locator("mark.asked").first
    expect(asked).to_be_in_viewport()
    expect(asked).to_contain_text("The certificate")
    page.get_by_role("link", name=texts.BACK_TO_ANSWER).click()
    expect(page.get_by_role("searchbox")).to_have_value("certificate expired")
    page.go_back()
    expect(page.locator("mark.asked").first).to_be_in_viewport()


def test_a_person_is_told_that_nobody_has_recorded_it(page: Page) -> None:
    page.goto("/?q=certificate+nearly")
    expect(page.get_by_role("heading", level=1)).to_have_text(texts.NOT_ANSWERED)
    expect(page.get_by_text(texts.NEAR_MISSES)).to_be_visible()
    page.goto("/?q=volcano")
    expect(page.get_by_text(texts.NOTHING_NEAR)).to_be_visible()
    expect(page.locator(".card")).to_have_count(0)


def test_filters_narrow_the_answer_and_come_off_again(page: Page) -> None:
    page.goto("/?q=the")
    before = page.locator(".hits .card").count()
    page.get_by_label(texts.FILTERS).get_by_role("link", name=re.compile("^database")).click()
    expect(page.locator(".hits .card")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?q=the&tag=database$"))
    page.locator(".chips").get_by_role("link", name="database").click()
    expect(page.locator(".hits .card")).to_have_count(before)
    page.get_by_label(texts.SINCE).fill("2024")
    page.get_by_role("button", name=texts.APPLY).click()
    expect(page).to_have_url(re.compile("since=2024"))
    expect(page.get_by_text("A failover that worked")).to_have_count(0)


def test_a_person_browses_by_tag_and_reads(page: Page) -> None:
    page.goto("/")
    page.get_by_label(texts.BROWSE).get_by_role("link", name=re.compile("^database")).click()
    expect(page).to_have_url(re.compile(r"/lessons\?tag=database$"))
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_label(texts.FILTERS).get_by_role("link", name=texts.PAST_MONTH).click()
    expect(page.get_by_text(texts.EMPTY_LIST)).to_be_visible()
    page.get_by_label(texts.CHOSEN_FILTERS).get_by_role("link", name=texts.SINCE).click()
    page.locator(".card .title").click()
    expect(page.locator("mark.lesson").first).to_be_in_viewport()
    page.get_by_role("link", name=texts.NAV_DOCUMENTS, exact=True).click()
    expect(page.locator(".row")).to_have_count(3)


def test_slash_brings_the_keyboard_to_the_box(page: Page) -> None:
    page.goto("/lessons")
    expect(page.get_by_role("searchbox")).not_to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("a/b")
    expect(page.get_by_role("searchbox")).to_have_value("a/b")


def test_the_nearest_lessons_show_while_one_types_and_lead_to_their_place(page: Page) -> None:
    page.goto("/")
    # The field gets the focus a moment after the page is there.
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("certificate expired")
    near = page.locator(".panel a.near")
    expect(near.first.locator("mark").first).to_have_text("certificate")
    expect(page).to_have_url(re.compile("/$"))
    page.keyboard.press("ArrowDown")
    expect(near.first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("mark.asked").first).to_be_in_viewport()
    page.go_back()
    expect(page).to_have_url(re.compile("/$"))
    expect(page.locator(".panel")).not_to_be_visible()


def test_the_panel_goes_when_it_is_not_wanted(page: Page) -> None:
    page.goto("/lessons")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("certificate")
    expect(page.locator(".panel")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".panel")).to_be_hidden()
    page.keyboard.type(" expired")
    expect(page.locator(".panel")).to_be_visible()
    page.mouse.click(1200, 650)
    expect(page.locator(".panel")).to_be_hidden()


def test_an_answer_that_comes_late_is_dropped(page: Page) -> None:
    page.route("**/near?q=certificate", lambda route: (page.wait_for_timeout(600), route.continue_()))
    page.goto("/")
    # The field gets the focus a moment after the page is there.
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("certificate")
    page.wait_for_timeout(300)
    page.keyboard.type(" failover")
    expect(page.locator(".panel a.near")).to_have_count(2)
    page.wait_for_timeout(500)
    expect(page.locator(".panel a.near")).to_have_count(2)


def test_a_question_without_an_answer_is_kept_and_told_of_once(page: Page, small: TestMemory) -> None:
    page.goto("/")
    # The field gets the focus a moment after the page is there.
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("drawbridge")
    page.wait_for_timeout(400)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/\?q=drawbridge$"))
    expect(page.get_by_role("link", name=writing_texts.QUESTION_FEED)).to_be_visible()
    page.get_by_role("link", name=writing_texts.NAV_GAPS).click()
    expect(page.get_by_role("heading", name="drawbridge")).to_be_visible()
    page.get_by_role("link", name=writing_texts.GAP_KNOWN).click()
    page.get_by_label(writing_texts.SHARE_FIELDS["learned"][0]).fill("Oil the drawbridge in autumn.")
    page.get_by_role("button", name=writing_texts.SHARE_BUTTON).click()
    page.goto("/")
    expect(page.get_by_text(writing_texts.LEARNED_SINCE)).to_be_visible()
    page.get_by_role("status").get_by_role("link", name="drawbridge").click()
    expect(page.locator(".hits")).to_contain_text("Oil the drawbridge in autumn.")
    expect(page.get_by_text(writing_texts.LEARNED_SINCE)).to_have_count(0)
    small.forget(small.lesson(page.locator(".hits .copy").first.get_attribute("href").split("/")[2]).document_id)


def test_arrows_go_through_the_answer(page: Page) -> None:
    page.goto("/?q=the")
    page.keyboard.press("/")
    titles = page.locator(".hits .title")
    for number in (0, 1):
        page.keyboard.press("ArrowDown")
        expect(titles.nth(number)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(titles.first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("mark.asked").first).to_be_in_viewport()


def test_a_lesson_is_copied_as_markdown_with_a_link_back(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, permissions=["clipboard-read", "clipboard-write"])
    with opened(context, address) as page:
        page.goto("/?q=certificate+expired")
        page.locator(".copy").first.click()
        expect(page.locator(".copy").first).to_have_text(texts.COPIED)
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("> The certificate **expired** because")
        link = re.search(r"\[The certificate nobody renewed\]\((\S+)\) · 2024-03-02 · SEV2 · Platform", copied)
        assert link
        page.goto(link[1])
        expect(page.locator("mark.asked").first).to_be_in_viewport()


def test_filters_unfold_on_a_phone_with_the_keyboard_alone(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto("/?q=the")
    expect(page.get_by_label(texts.SINCE)).to_be_hidden()
    page.get_by_label(texts.FILTERS).get_by_role("checkbox").focus()
    page.keyboard.press("Space")
    expect(page.get_by_label(texts.SINCE)).to_be_visible()
    context.close()


def test_everything_works_without_script(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("expired")
    page.keyboard.press("Enter")
    page.locator(".hits .title").first.click()
    expect(page.locator("mark.asked").first).to_be_in_viewport()
    context.close()


@pytest.mark.parametrize("path", ["/?q=report+printer", "/documents", "/lessons", "/gaps", "document"])
def test_a_hostile_document_does_nothing(page: Page, small: TestMemory, path: str) -> None:
    page.goto("/ask?q=<script>document.title='owned'</script>")
    page.goto(f"/documents/{small.document('hostile.md').id}" if path == "document" else path)
    page.wait_for_load_state("networkidle")
    # Its own title says the word; a script that ran would have left nothing else.
    assert page.title() != "owned"
    assert page.locator("main script, main img, main iframe, main [onerror]").count() == 0
    assert page.locator('a[href^="javascript"]').count() == 0


@pytest.mark.parametrize(
    "path", ["/", "/?q=the", "/lessons", "/documents", "/gaps", "/share", "/share/files", "/api", "document"]
)
def test_no_page_is_wider_than_its_window(browser: Browser, address: str, small: TestMemory, path: str) -> None:
    with browser.new_context(base_url=address) as context:
        page = context.new_page()
        certificate = small.document("2024/2024-03-02-certificate.md").id
        page.goto(f"/documents/{certificate}" if path == "document" else path)
        for width in (320, 390, 768, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_empty_memory_says_what_to_do(browser: Browser, tmp_path: Path, models: Path) -> None:
    with empty_memory(tmp_path, models) as memory, served(memory) as address:
        page = browser.new_page()
        page.goto(address)
        expect(page.get_by_text(texts.EMPTY_COMMAND)).to_be_visible()
        page.close()
