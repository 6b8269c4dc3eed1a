"""Markdown is read in the same way by whoever reads it first, and by several threads that do so at once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from markdown_it import MarkdownIt

from ingest import syntax
from retriever.web import rendering

THREADS = 6
ROUNDS = 200
TEXT = "# Pump\n\n- [gate](https://gate.example) **open**\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty_threads")
@pytest.mark.parametrize(
    "make",
    [syntax._parser.__wrapped__, *(partial(rendering._parser.__wrapped__, is_excerpt=it) for it in (False, True))],
    ids=["ingest", "document", "excerpt"],
)
def test_a_new_parser_reads_alike_in_every_thread(make: Callable[[], MarkdownIt]) -> None:
    def parsed(parser: MarkdownIt, together: threading.Barrier) -> list[str]:
        together.wait()
        return [token.type for token in parser.parse(TEXT)]

    expected = [token.type for token in make().parse(TEXT)]
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(ROUNDS):
            one = partial(parsed, make(), threading.Barrier(THREADS))
            assert [done.result() for done in [pool.submit(one) for _ in range(THREADS)]] == [expected] * THREADS
