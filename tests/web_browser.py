"""A real Chromium for tests. LESSONS_REQUIRE_BROWSER=1 makes a missing browser a failure."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from werkzeug.serving import make_server

from ingest.scribe import Scribe
from retriever.memory import Memory
from retriever.web import create_app

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# As root in a container; and without these a browser asks its maker's hosts for updates.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"] + [
    f"--disable-{name}" for name in ("background-networking", "component-update", "sync", "dev-shm-usage")
]

# A busy machine is no fault of the page.
expect.set_options(timeout=15_000)


@contextmanager
def served(memory: Memory) -> Iterator[str]:
    """The address at which `memory` is served, by a thread of this process."""
    server = make_server("127.0.0.1", 0, create_app(memory, memory.settings, scribe=Scribe()), threaded=True)
    # A browser opens connections before it needs them; nobody waits for those.
    server.daemon_threads, server.block_on_close = True, False
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """The installed Chromium; without one the test is skipped."""
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


@contextmanager
def opened(context: BrowserContext, address: str) -> Iterator[Page]:
    """A page whose every complaint and every request to elsewhere fails the test."""
    page = context.new_page()
    complaints: list[str] = []

    def complain(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    page.on("console", complain)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(address) else complaints.append(asked.url))
    try:
        yield page
    finally:
        context.close()
    assert complaints == []
