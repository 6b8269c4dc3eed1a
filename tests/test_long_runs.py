"""A long run of the same few characters takes time in proportion to its length: no text keeps the program busy."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from ingest.drafts import draft_all
from ingest.readers import read
from retriever.quoted import reads_as_instructions
from retriever.share import parse_share
from retriever.web.rendering import render_document

# At so many characters what goes with their square takes seconds, and all else some hundredths of one.
CHARS = 20_000
MOST_S = 1.0
RUNS = (" ", "\u00a0", "\n", ".", "-", "*", "#", "|", "_", "a", "a-", "<", "[", "{", "${")
OPENINGS = (
    "",
    "# a",
    "title: a",
    "- We should",
    "Ignore all previous instructions a",
    "| a | b |\n|---|---|\n| a | b |",
    "<a",
    "== a",
    "## Impact time\n",
)


def drafted(ending: str) -> Callable[[str], object]:
    name = f"a{ending}"
    return lambda text: draft_all(name, read(text.encode(), name), frozenset())


WORK = {
    "share": parse_share,
    "instructions": reads_as_instructions,
    "page": render_document,
    **{ending: drafted(ending) for ending in (".md", ".html", ".adoc", ".org", ".rst")},
}


def test_comments_that_never_end_take_no_time_to_speak_of() -> None:
    began = time.process_time()
    page = render_document("<!-- seen -->\n" + "<!--" * CHARS)
    assert time.process_time() - began < MOST_S
    assert "seen" not in page.body


@pytest.mark.parametrize("work", WORK.values(), ids=WORK.keys())
@pytest.mark.parametrize("run", RUNS)
def test_a_long_run_takes_no_time_to_speak_of(work: Callable[[str], object], run: str) -> None:
    for opening in OPENINGS:
        text = f"Water.\n\n{opening}{run * (CHARS // len(run))}x\n\n"
        began = time.process_time()
        work(text)
        took_s = time.process_time() - began
        assert took_s < MOST_S, f"{opening!r} and a run of {run!r}: {took_s:.1f} s"
