"""The journeys of people who add to the memory, in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from web_browser import opened, served
from web_memory import TestMemory

from retriever.web import writing_texts


@pytest.fixture
def address(small: TestMemory) -> Iterator[str]:
    with served(small) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser.new_context(base_url=address), address) as page:
        yield page


def label(field: str) -> re.Pattern[str]:
    return re.compile(re.escape(writing_texts.SHARE_FIELDS[field][0]))


def test_a_lesson_is_shared_with_the_keyboard_alone_and_found(page: Page) -> None:
    page.goto("/share")
    expect(page.get_by_role("textbox").first).to_be_focused()
    page.keyboard.type("The pump stalled in the frost.")
    page.keyboard.press("Tab")
    page.keyboard.type("Heat the pump before it is started.")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label(writing_texts.SHARE_POLARITIES["failure"])).to_be_checked()
    page.get_by_role("button", name=writing_texts.SHARE_BUTTON).press("Enter")
    expect(page.get_by_text(writing_texts.SHARED)).to_be_visible()
    expect(page.locator("mark.asked").first).to_have_text("Heat the pump before it is started.")
    page.keyboard.press("/")
    page.keyboard.type("pump")
    page.keyboard.press("Enter")
    expect(page.locator(".hits .words").first).to_have_text("Heat the pump before it is started.")


def test_while_one_writes_lessons_like_it_show(page: Page) -> None:
    page.goto("/share")
    expect(page.get_by_text(writing_texts.ALIKE_WAITING)).to_be_visible()
    page.get_by_label(label("learned")).fill("A certificate that expired was nobody's.")
    expect(page.get_by_role("heading", name=writing_texts.ALIKE_TITLE)).to_be_visible()
    expect(page.locator(".alike-one").first).to_contain_text("The certificate nobody renewed")
    page.get_by_label(label("learned")).fill("Volcanoes erupt without asking anybody.")
    expect(page.get_by_text(writing_texts.ALIKE_NONE)).to_be_visible()


def test_enter_in_a_field_shares_and_says_no_me_too(page: Page, small: TestMemory) -> None:
    page.goto("/share")
    page.get_by_label(label("learned")).fill("A certificate that expired was nobody's.")
    expect(page.get_by_role("button", name=writing_texts.ALIKE_ME_TOO).first).to_be_visible()
    page.get_by_label(label("title")).press("Enter")
    expect(page.get_by_text(writing_texts.SHARED)).to_be_visible()
    assert small.counts()["documents"] == 4


def test_me_too_counts_instead_of_telling_it_again(page: Page, small: TestMemory) -> None:
    page.goto("/share")
    page.get_by_label(label("learned")).fill("A certificate that expired was nobody's.")
    page.get_by_role("button", name=writing_texts.ALIKE_ME_TOO).first.click()
    expect(page.get_by_text(writing_texts.SAID)).to_be_visible()
    expect(page.get_by_text(writing_texts.ME_TOO_COUNT.format(1))).to_be_visible()
    assert small.counts()["documents"] == 3


@pytest.mark.parametrize("has_script", [True, False])
def test_a_reader_says_that_a_lesson_helped(browser: Browser, address: str, has_script: bool) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=has_script)
    with opened(context, address) as page:
        page.goto("/?q=certificate+expired")
        button = page.locator(".hits .card").first.get_by_role("button", name=writing_texts.SAYINGS["helped"])
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(page).to_have_url(re.compile("q=certificate"))
        button.click()
        expect(button).not_to_have_attribute("aria-pressed", "true")


def test_a_lesson_is_put_right(page: Page) -> None:
    page.goto("/?q=certificate+expired")
    page.locator(".hits .card").first.get_by_role("link", name=writing_texts.CORRECT).click()
    page.get_by_label(writing_texts.MEND_FIELDS["severity"]).fill("SEV1")
    page.locator("#mend").get_by_role("button", name=writing_texts.EDIT_BUTTON).click()
    expect(page.get_by_text(writing_texts.MENDED, exact=True)).to_be_visible()
    expect(page.locator(".card .severity")).to_have_text(f"SEV1 {writing_texts.MENDED_SIGN}")
    page.get_by_role("button", name=writing_texts.PIN).click()
    expect(page.locator(".card .pinned")).to_be_visible()
    page.get_by_role("button", name=writing_texts.HIDE).click()
    page.goto("/?q=certificate+expired")
    expect(page.locator(".hits")).not_to_contain_text("nobody owned its renewal")


def test_a_lesson_is_shared_reworded_and_withdrawn_without_script(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=False)
    with opened(context, address) as page:
        page.goto("/share")
        page.get_by_label(label("learned")).fill("A certificate expired once more.")
        page.get_by_role("button", name=writing_texts.SHARE_PREVIEW).click()
        expect(page.get_by_role("heading", name=writing_texts.PREVIEW_TITLE)).to_be_visible()
        expect(page.get_by_role("heading", name=writing_texts.ALIKE_TITLE)).to_be_visible()
        page.get_by_role("button", name=writing_texts.SHARE_BUTTON).click()
        page.get_by_role("link", name=writing_texts.EDIT_SHARED).click()
        page.get_by_label(label("learned")).fill("Certificates expire at night.")
        page.get_by_role("button", name=writing_texts.EDIT_BUTTON).click()
        expect(page.locator(".document")).to_contain_text("Certificates expire at night.")
        page.get_by_role("link", name=writing_texts.EDIT_SHARED).click()
        page.get_by_text(writing_texts.WITHDRAW, exact=True).click()
        page.get_by_role("button", name=writing_texts.WITHDRAW_BUTTON).click()
        expect(page.get_by_text(writing_texts.WITHDRAWN)).to_be_visible()


def test_files_are_dropped_and_each_gets_its_row(page: Page) -> None:
    page.goto("/share")
    page.get_by_role("link", name=writing_texts.SHARE_FILES).click()
    page.locator(".drop").evaluate(
        """drop => {
            const carried = new DataTransfer();
            const told = "## Lessons learned\\n\\n- Heat the pump before it is started in winter.\\n";
            carried.items.add(new File([told], "frost.md"));
            carried.items.add(new File(["\\u0000"], "movie.bin"));
            drop.dispatchEvent(new DragEvent("drop", {dataTransfer: carried, bubbles: true, cancelable: true}));
        }"""
    )
    rows = page.locator(".sent li")
    expect(rows.first).to_have_class("read")
    expect(rows.first).to_contain_text(writing_texts.FILE_READ.format(1))
    expect(rows.nth(1)).to_have_class("skipped")
    expect(page.locator(".sum")).to_have_text(writing_texts.FILES_SUM.format(2, 1, 0, 1, 0))


@pytest.mark.parametrize("has_script", [True, False])
def test_files_are_chosen_and_handed_over(browser: Browser, address: str, tmp_path: Path, has_script: bool) -> None:
    (tmp_path / "frost.md").write_text(
        "# Frost\n\n## Lessons learned\n\n- Heat the pump before it is started in winter.\n"
    )
    context = browser.new_context(base_url=address, java_script_enabled=has_script)
    with opened(context, address) as page:
        page.goto("/share/files")
        page.get_by_label(writing_texts.FILES_LABEL).set_input_files(tmp_path / "frost.md")
        page.get_by_role("button", name=writing_texts.FILES_BUTTON).click()
        expect(page.locator(".sum")).to_have_text(writing_texts.FILES_SUM.format(1, 1, 0, 0, 0))
        page.get_by_role("link", name="Frost").click()
        expect(page.locator("mark.lesson")).to_contain_text("Heat the pump before it")
