"""The page in a real Chromium. LESSONS_REQUIRE_BROWSER=1 makes a missing browser a failure."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from web_memory import TestMemory, empty_memory, make_memory
from werkzeug.serving import make_server

from retriever.memory import Memory
from retriever.web import create_app, texts

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# As root in a container; and without these a browser asks its maker's hosts for updates.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"] + [
    f"--disable-{name}" for name in ("background-networking", "component-update", "sync", "dev-shm-usage")
]


def serve_in_thread(memory: Memory) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_app(memory, memory.settings), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[TestMemory]:
    with make_memory(tmp_path_factory.mktemp("web"), models) as memory:
        assert isinstance(memory, TestMemory)
        yield memory


@pytest.fixture(scope="module")
def address(small: TestMemory) -> Iterator[str]:
    yield from serve_in_thread(small)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        reason = f"no browser is installed: none of {', '.join(BROWSERS)}"
        if os.environ.get("LESSONS_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page whose every complaint and every request to elsewhere fails the test."""
    context = browser.new_context(base_url=address)
    opened = context.new_page()
    complaints: list[str] = []

    def complain(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    opened.on("console", complain)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda asked: None if asked.url.startswith(address) else complaints.append(asked.url))
    yield opened
    context.close()
    assert complaints == []


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
    page.get_by_role("link", name=re.compile("^database")).click()
    expect(page.locator(".hits .card")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?q=the&tag=database$"))
    page.locator(".chips").get_by_role("link", name="database").click()
    expect(page.locator(".hits .card")).to_have_count(before)
    page.get_by_label(texts.SINCE).fill("2024")
    page.get_by_role("button", name=texts.APPLY).click()
    expect(page).to_have_url(re.compile("since=2024"))
    expect(page.get_by_text("A failover that worked")).to_have_count(0)


def test_slash_brings_the_keyboard_to_the_box(page: Page) -> None:
    page.goto("/lessons")
    expect(page.get_by_role("searchbox")).not_to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("a/b")
    expect(page.get_by_role("searchbox")).to_have_value("a/b")


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


@pytest.mark.parametrize("path", ["/?q=report+printer", "/documents", "document"])
def test_a_hostile_document_does_nothing(page: Page, small: TestMemory, path: str) -> None:
    page.goto(f"/documents/{small.document('hostile.md').id}" if path == "document" else path)
    page.wait_for_load_state("networkidle")
    # Its own title says the word; a script that ran would have left nothing else.
    assert page.title() != "owned"
    assert page.locator("main script, main img, main iframe, main [onerror]").count() == 0
    assert page.locator('a[href^="javascript"]').count() == 0


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1920])
@pytest.mark.parametrize("path", ["/", "/?q=the", "/lessons", "/documents", "/api", "document"])
def test_no_page_is_wider_than_its_window(
    browser: Browser, address: str, small: TestMemory, path: str, width: int
) -> None:
    context = browser.new_context(base_url=address, viewport={"width": width, "height": 800})
    page = context.new_page()
    certificate = small.document("2024/2024-03-02-certificate.md").id
    page.goto(f"/documents/{certificate}" if path == "document" else path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_an_empty_memory_says_what_to_do(browser: Browser, tmp_path: Path, models: Path) -> None:
    with empty_memory(tmp_path, models) as memory:
        for address in serve_in_thread(memory):
            page = browser.new_page()
            page.goto(address)
            expect(page.get_by_text(texts.EMPTY_COMMAND)).to_be_visible()
            page.close()
