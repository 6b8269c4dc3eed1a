"""`make bench`, or `python -m benchmarks [DOCS QUERIES.jsonl]`: what ingest and questions cost, beside bare libraries.

Prints a Markdown table. Machines are noisy: read the ratios, which are of medians taken side by side in one run.
"""

from __future__ import annotations

import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from ingest.pipeline import IngestOptions, ingest
from retriever.config import load_settings
from retriever.demo import examples_folder
from retriever.embedder import find_model, open_embedder
from retriever.evaluation import read_queries
from retriever.lesson import NO_FILTERS
from retriever.memory import Memory
from retriever.transformer import SentenceTransformerEmbedder

CHUNK_CHARS, OVERLAP_CHARS = 1000, 200


def main() -> None:
    """Measure and print."""
    docs = Path(sys.argv[1]) if len(sys.argv) > 2 else examples_folder()
    queries = Path(sys.argv[2]) if len(sys.argv) > 2 else docs.parent / "queries.jsonl"
    asked = [item.query for item in read_queries(queries)]
    settings = load_settings({})
    open_embedder(settings.model, settings.models)
    bare = SentenceTransformerEmbedder(find_model(settings.model, settings.models).path, "bare")
    with (
        tempfile.TemporaryDirectory(prefix="lessons-bench-") as home,
        Memory.open(replace(settings, home=Path(home)), create=True) as memory,
    ):
        first = _seconds(lambda: ingest(memory, docs, IngestOptions()))
        again = _seconds(lambda: ingest(memory, docs, IngestOptions()))
        texts = [
            memory.document(item.id).text
            for item in memory.browse_documents(NO_FILTERS, limit=100_000, after=None).items
        ]
        chunks = [
            text[at : at + CHUNK_CHARS]
            for text in texts
            for at in range(0, max(len(text) - OVERLAP_CHARS, 1), CHUNK_CHARS - OVERLAP_CHARS)
        ]
        floor = _seconds(lambda: bare.encode_documents(chunks))
        ours, theirs = [], []
        for query in asked:
            ours.append(_seconds(lambda query=query: memory.ask(query)) * 1000)
            theirs.append(_seconds(lambda query=query: bare.encode_query(query)) * 1000)
        _print_table(
            (
                ("first ingest, s", first, "sentence-transformers encode of 1,000/200 chunks", floor),
                ("ingest again, nothing changed, s", again, "first ingest", first),
                (
                    "an answer in process, p50 ms",
                    statistics.median(ours),
                    "encode of the query",
                    statistics.median(theirs),
                ),
            )
        )


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _print_table(rows: tuple[tuple[str, float, str, float], ...]) -> None:
    names = ("lesson-retriever", "chromadb", "sentence-transformers", "torch", "onnxruntime")
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, ", end="")
    print(", ".join(f"{name} {version(name)}" for name in names) + "\n")
    print("| what | ours | beside it | that | ratio |\n|---|---|---|---|---|")
    for what, value, beside, floor in rows:
        print(f"| {what} | {value:.2f} | {beside} | {floor:.2f} | {value / floor:.2f} |")


if __name__ == "__main__":
    main()
