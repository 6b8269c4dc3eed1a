"""Every page: free of what axe-core finds, in light and dark; nothing moves while it loads; a first visit is small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Response, expect
from web_browser import opened, served
from web_memory import TestMemory, empty_memory, make_memory

from retriever.web import writing_texts

PAGES = ("/", "/?q=the", "/?q=certificate+nearly", "/?q=volcano&tag=tls", "/lessons?polarity=failure", "/documents")
PAGES += ("document", "lesson", "/share", "/share/files", "/gaps", "/api", "/nowhere")
MOST_BYTES = 150_000
_SHIFTS = """new Promise(done => {
    let sum = 0;
    new PerformanceObserver(list => list.getEntries().forEach(entry => sum += entry.value))
        .observe({type: "layout-shift", buffered: true});
    setTimeout(() => done(sum), 300);
})"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[TestMemory]:
    with make_memory(tmp_path_factory.mktemp("web"), models) as memory:
        assert isinstance(memory, TestMemory)
        yield memory


@pytest.fixture(scope="module")
def address(small: TestMemory) -> Iterator[str]:
    with served(small) as address:
        yield address


def where(path: str, small: TestMemory) -> str:
    if path not in ("document", "lesson"):
        return path
    document = small.document("2024/2024-03-02-certificate.md")
    if path == "lesson":
        return f"/lessons/{small.lessons_of(document.id)[0].id}"
    return f"/documents/{document.id}?lesson={small.lessons_of(document.id)[0].id}&q=certificate"


def violations(page: Page, options: dict[str, list[str]] | None = None) -> list[str]:
    found = Axe().run(page, options=options).response["violations"]
    return [f"{item['id']}: {node['html']}" for item in found for node in item["nodes"]]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(browser: Browser, address: str, small: TestMemory, path: str) -> None:
    with browser.new_context(base_url=address, bypass_csp=True) as context:
        page = context.new_page()
        page.goto(where(path, small))
        assert violations(page) == []
        # Colours are all that the dark changes.
        page.emulate_media(color_scheme="dark")
        assert violations(page, {"runOnly": ["color-contrast"]}) == []


def test_axe_finds_what_is_wrong(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content('<main><img src="x"><p style="color: #ccc; background: #fff">Pale words.</p></main>')
    found = " ".join(violations(page))
    page.close()
    assert "image-alt" in found
    assert "color-contrast" in found


def test_axe_finds_nothing_in_the_panel(browser: Browser, address: str) -> None:
    with browser.new_context(base_url=address, bypass_csp=True) as context:
        page = context.new_page()
        page.goto("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        page.keyboard.type("certificate")
        page.locator(".panel a.near").first.wait_for()
        assert violations(page) == []


def test_axe_finds_nothing_in_forms_that_were_sent(browser: Browser, address: str) -> None:
    with browser.new_context(base_url=address, bypass_csp=True, java_script_enabled=True) as context:
        page = context.new_page()
        page.goto("/share")
        page.locator("#learned").fill("A certificate that expired was nobody's. password=hunter2hunter2")
        page.locator("#date").fill("soon")
        page.get_by_role("button", name=writing_texts.SHARE_PREVIEW).click()
        page.locator(".fault").wait_for()
        assert violations(page) == []
        page.locator("#date").fill("2024")
        page.get_by_role("button", name=writing_texts.SHARE_PREVIEW).click()
        page.locator(".preview").wait_for()
        assert violations(page) == []
        page.goto("/ask?q=volcano")
        assert violations(page) == []
        page.goto("/share/files")
        page.locator("[type=file]").set_input_files({"name": "a.bin", "mimeType": "", "buffer": b"0"})
        page.get_by_role("button", name=writing_texts.FILES_BUTTON).click()
        page.locator(".sent .skipped").wait_for()
        assert violations(page) == []


def test_axe_finds_nothing_where_a_token_is_asked_for(browser: Browser, tmp_path: Path, models: Path) -> None:
    with make_memory(tmp_path, models, require_token=True) as memory, served(memory) as address:
        page = browser.new_page(bypass_csp=True)
        page.goto(address)
        assert violations(page) == []
        page.close()


def test_axe_finds_nothing_on_an_empty_memory(browser: Browser, tmp_path: Path, models: Path) -> None:
    with empty_memory(tmp_path, models) as memory, served(memory) as address:
        page = browser.new_page(bypass_csp=True)
        page.goto(address)
        assert violations(page) == []
        page.close()


@pytest.mark.parametrize("path", PAGES[:-1])
def test_a_first_visit_is_small_and_nothing_moves(browser: Browser, address: str, small: TestMemory, path: str) -> None:
    with opened(browser.new_context(base_url=address), address) as page:
        bodies: list[Response] = []
        page.on("response", lambda response: bodies.append(response))
        page.goto(where(path, small))
        page.wait_for_load_state("networkidle")
        assert sum(response.request.sizes()["responseBodySize"] for response in bodies) < MOST_BYTES
        assert len(bodies) > 5
        assert page.evaluate(_SHIFTS) == 0


def test_nothing_moves_while_one_types(browser: Browser, address: str) -> None:
    with opened(browser.new_context(base_url=address), address) as page:
        page.goto("/lessons")
        page.wait_for_load_state("networkidle")
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        for text in ("cert", "ificate", " exp", "ired"):
            page.keyboard.type(text)
            page.wait_for_timeout(350)
        assert page.locator(".panel a.near").count()
        assert page.evaluate(_SHIFTS.replace("entry.value", "(entry.hadRecentInput, entry.value)")) == 0
