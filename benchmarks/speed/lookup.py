"""Warm questions over HTTP at several sizes, eight clients at once, the page beside the lookup, and memory.

The floor of a question: sentence-transformers' encode of the query, a bare Chroma query over as many vectors as there
are lessons, and an empty Flask route under the same gunicorn; the median of each, added up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.speed.clock import seconds
from benchmarks.speed.floors import chroma_query, encode_query
from benchmarks.speed.options import Options, anew
from benchmarks.speed.rows import Row, Sample
from benchmarks.speed.server import Server, flask_server, lessons_server, side_by_side

P50_BARS = {10_000: 0.8, 100_000: 1.2}
MEMORY_BARS = {10_000: 350.0, 100_000: 1200.0}
CLIENTS = 8
# PyTorch's threads go on turning round after an encode, each on a core that the next answer would need.
TOGETHER = 10
_SETTLED_S = 0.5
FLOOR = "encode + bare Chroma query + empty Flask route"


def rows(options: Options) -> Iterator[Row]:
    """One home after the other, smallest first."""
    p50: dict[int, Sample] = {}
    for lessons, home in options.homes.items():
        with lessons_server(home) as server:
            taken, floor = _beside_floor(options, server, lessons)
            p50[lessons] = taken
            size = f"{lessons:,} lessons"
            yield Row("lookup", f"warm lookup, p50, {size}", taken, "ms", FLOOR, floor, P50_BARS.get(lessons))
            if lessons == 100_000:
                p95 = Sample.of([taken.quantile(0.95)])
                yield Row("lookup", f"p95, {size}", p95, "ms", "p50", taken, 3.0)
            yield Row("lookup", f"memory of the server, {size}", Sample.of([server.megabytes()]), "MB",
                      bar=MEMORY_BARS.get(lessons))  # fmt: skip
            if lessons in P50_BARS:
                yield from _eight_clients(options, server, size)
                yield from _page(options, server, size)
                yield _again(options, server, size)
    if {1000, 300_000} <= p50.keys():
        yield Row("lookup", "p50, 300,000 lessons", p50[300_000], "ms", "p50, 1,000 lessons", p50[1000], 3.0)


def _beside_floor(options: Options, server: Server, lessons: int) -> tuple[Sample, Sample]:
    """Ours, then each part of the floor, ten questions at a time, so that all meet the same machine."""
    encode, query = encode_query(), chroma_query(_bare(options, lessons), lessons)
    ours: list[float] = []
    parts: tuple[list[float], list[float], list[float]] = ([], [], [])
    with flask_server("benchmarks.speed.floors:empty_app()") as empty:
        client, bare = server.client(), empty.client()
        for question in options.questions:
            client.lookup(question)
        for turn in range(0, 100 * options.rounds, TOGETHER):
            asked = [anew(options.questions, number, "?") for number in range(turn, turn + TOGETHER)]
            time.sleep(_SETTLED_S)
            ours += [client.lookup(question) for question in asked]
            parts[0].extend(seconds(encode, question) * 1000 for question in asked)
            parts[1].extend(seconds(query, embedding) * 1000 for embedding in [encode(question) for question in asked])
            parts[2].extend(bare.get("/") for _ in asked)
    return Sample.of(ours), Sample.of([sum(Sample.of(values).median for values in parts)])


def _eight_clients(options: Options, server: Server, size: str) -> Iterator[Row]:
    few, many = 50 * options.rounds, 25 * options.rounds
    one, alone = side_by_side(server, options.questions, 1, few, ";", apart=few)
    each, together = side_by_side(server, options.questions, CLIENTS, many, ":", apart=many)
    _, shared = side_by_side(server, options.questions, CLIENTS, many, "~", apart=0)
    note = "higher is better: at least 1.2"
    beside = Sample.of([alone])
    yield Row("lookup", f"{CLIENTS} clients, throughput, {size}", Sample.of([together]), "/s", "one client",
              beside, note=note)  # fmt: skip
    p95 = Sample.of([Sample.of(each).quantile(0.95)])
    yield Row("lookup", f"{CLIENTS} clients, p95, {size}", p95, "ms", "one client's p50", Sample.of(one), 12.0)
    yield Row("lookup", f"{CLIENTS} clients that ask the same, throughput, {size}", Sample.of([shared]), "/s",
              "one client", beside, note=note)  # fmt: skip


def _page(options: Options, server: Server, size: str) -> Iterator[Row]:
    client = server.client()
    pages, lookups = [], []
    for turn in range(50 * options.rounds):
        pages.append(client.get("/?" + urlencode({"q": anew(options.questions, turn, ".")})))
        lookups.append(client.lookup(anew(options.questions, turn, "!")))
    yield Row("lookup", f"the page with the answer, {size}", Sample.of(pages), "ms", "the lookup",
              Sample.of(lookups), 1.5)  # fmt: skip


def _again(options: Options, server: Server, size: str) -> Row:
    """The answer that is kept, beside the one that had to be found."""
    client = server.client()
    asked = [anew(options.questions, turn, ",") for turn in range(50 * options.rounds)]
    first = Sample.of([client.lookup(question) for question in asked])
    again = Sample.of([client.lookup(question) for question in asked])
    return Row("lookup", f"the same question again, p50, {size}", again, "ms", "asked first", first)


def _bare(options: Options, vectors: int) -> Path:
    return options.scratch / f"bare-{vectors}"
