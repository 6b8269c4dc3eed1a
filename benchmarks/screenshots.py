"""`python -m benchmarks.screenshots`: every page of the example memory, for docs/page.md.

Light and dark, on a desktop and on a phone, in the installed Chromium, as WebP; written to docs/screenshots.
"""

from __future__ import annotations

import argparse
import base64
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from ingest.pipeline import IngestOptions, ingest
from ingest.scribe import Scribe
from retriever.config import load_settings
from retriever.demo import examples_folder
from retriever.memory import Memory
from retriever.web import create_app

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
QUALITY = 36
SIZES = {"desktop": (1280, 860), "phone": (390, 844)}
SCHEMES = ("light", "dark")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUESTION = "has a certificate expired without anybody noticing"
OPEN_QUESTIONS = (
    "who has moved a printer room",
    "moving the printers to another floor",
    "how do we name meeting rooms",
)


def main() -> None:
    """Takes them all and says how large they are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, _chromium() as browser:
        with _memory(Path(home) / "full") as memory:
            ingest(memory, examples_folder(), IngestOptions(source="examples"))
            with _served(memory) as address:
                _take_all(browser, address, {name: see for name, see in PAGES.items() if name != "empty"}, folder)
        with _memory(Path(home) / "empty") as memory, _served(memory) as address:
            _take_all(browser, address, {"empty": PAGES["empty"]}, folder)
    print(f"{sum(path.stat().st_size for path in folder.glob('*.webp')):,} bytes in {folder}")


def _take_all(browser: Browser, address: str, pages: dict[str, Callable[[Page], None]], folder: Path) -> None:
    for size, (width, height) in SIZES.items():
        for scheme in SCHEMES:
            context = browser.new_context(
                base_url=address, viewport={"width": width, "height": height}, color_scheme=scheme
            )
            # The font is optional, and a first visit may do without.
            context.new_page().goto("/api")
            for name, see in pages.items():
                _take(context, see, folder / f"{name}-{size}-{scheme}.webp")
            context.close()


def _take(context: BrowserContext, see: Callable[[Page], None], path: Path) -> None:
    page = context.new_page()
    see(page)
    page.wait_for_load_state("networkidle")
    taken = context.new_cdp_session(page).send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    path.write_bytes(base64.b64decode(taken["data"]))
    page.close()


def _at(path: str) -> Callable[[Page], None]:
    return lambda page: page.goto(path) and None


def _typing(page: Page) -> None:
    page.goto("/")
    page.get_by_role("searchbox").type("certificate expired")
    page.locator(".panel a.near").first.wait_for()


def _document(page: Page) -> None:
    page.goto(f"/?q={QUESTION}")
    page.locator(".hits .title").first.click()


def _lesson(page: Page) -> None:
    page.goto(f"/?q={QUESTION}")
    page.locator(".hits .actions a", has_text="Correct").first.click()


def _share(page: Page) -> None:
    page.goto("/share")
    page.locator("#happened").fill("Our gateway refused everybody on a Sunday, because its certificate had expired.")
    page.locator("#learned").fill("A certificate expires unnoticed unless a team address is warned weeks before.")
    page.locator(".alike-one").first.wait_for()


def _gaps(page: Page) -> None:
    for question in OPEN_QUESTIONS:
        page.goto(f"/ask?q={question}")
    page.goto("/gaps")


PAGES: dict[str, Callable[[Page], None]] = {
    "start": _at("/"),
    "typing": _typing,
    "answer": _at(f"/?q={QUESTION}"),
    "unanswered": _at(f"/ask?q={OPEN_QUESTIONS[0]}"),
    "document": _document,
    "lesson": _lesson,
    "lessons": _at("/lessons?polarity=success"),
    "documents": _at("/documents"),
    "share": _share,
    "files": _at("/share/files"),
    "gaps": _gaps,
    "api": _at("/api"),
    "empty": _at("/"),
}


@contextmanager
def _memory(home: Path) -> Iterator[Memory]:
    with Memory.open(replace(load_settings({}), home=home), create=True) as memory:
        yield memory


@contextmanager
def _served(memory: Memory) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_app(memory, memory.settings, scribe=Scribe()), threaded=True)
    server.daemon_threads, server.block_on_close = True, False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@contextmanager
def _chromium() -> Iterator[Browser]:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise SystemExit(f"No browser is installed: none of {', '.join(BROWSERS)}.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


if __name__ == "__main__":
    main()
