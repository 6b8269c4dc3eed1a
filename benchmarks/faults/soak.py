"""Thousands of lookups with ingests among them, in one process: does memory grow, do handles leak, does one fail?"""

from __future__ import annotations

import gc
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.faults.figures import Figures
from benchmarks.faults.homes import fill
from benchmarks.faults.reports import word_of, write_report
from ingest.pipeline import IngestOptions, ingest
from retriever.memory import Memory

REPORTS = 60
ALLOWED_MB = 1.0
SAMPLES = 40


def soak(
    folder: Path, lookups: int, ingests: int, seed: int, tell: Callable[[str], None] = lambda line: None
) -> Figures:
    """So many lookups through a memory that serves, and ingests of a changed folder by another one on its home.

    The first quarter warms up: caches fill, allocators settle. The growth after it is the slope of a line through
    samples of the resident memory.
    """
    figures = Figures("lookups and ingests mixed")
    settings, docs = fill(folder, REPORTS)
    chance = random.Random(seed)
    every = max(1, lookups // max(1, ingests))
    samples: list[tuple[int, float, int]] = []
    times: list[float] = []
    with Memory.open(settings) as server, Memory.open(settings) as writer:
        writer.__dict__["embedder"] = server.embedder
        server.start_following()
        for number in range(lookups):
            if number % every == 0:
                _change(docs, chance, number)
                report = ingest(writer, docs, IngestOptions(source="reports"))
                figures.expect(not report.failed, f"ingest {number}: {report.failed}")
            begun = time.perf_counter()
            # Every other question is one that was never asked before.
            tail = f" {number}" if number % 2 else ""
            answer = server.ask(f"{chance.choice(_QUESTIONS)} {word_of(chance.randrange(REPORTS))}{tail}")
            times.append(time.perf_counter() - begun)
            figures.expect(bool(answer.hits), f"lookup {number}: no hit")
            if number % max(1, lookups // SAMPLES) == 0:
                gc.collect()
                samples.append((number, _resident_mb(), len(os.listdir("/proc/self/fd"))))
                tell("{} lookups: {:.1f} MB, {} handles".format(*samples[-1]))
        figures.made = lookups + ingests
    settled = samples[len(samples) // 4 :]
    growth = float(np.polyfit([item[0] for item in settled], [item[1] for item in settled], 1)[0]) * 1000
    handles = [item[2] for item in settled]
    figures.expect(growth < ALLOWED_MB, f"memory grows {growth:.2f} MB per 1,000 operations")
    figures.expect(max(handles) - min(handles) <= 4, f"handles from {min(handles)} to {max(handles)}")
    figures.measured = {
        "growth per 1,000 lookups": f"{growth:.2f} MB",
        "resident": f"{settled[0][1]:.0f} to {settled[-1][1]:.0f} MB",
        "handles": f"{min(handles)} to {max(handles)}",
        "p50": f"{np.percentile(times, 50) * 1000:.1f} ms",
        "p95": f"{np.percentile(times, 95) * 1000:.1f} ms",
    }
    return figures


_QUESTIONS = (
    "what did we learn about the crew",
    "why did it fail for the",
    "has anybody sealed the hatch of",
    "who should check the quay before every tide at",
)


def _change(docs: Path, chance: random.Random, revision: int) -> None:
    """Two reports say something else; the folder keeps its size, so that growth is a leak and not more to hold."""
    for number in chance.sample(range(REPORTS), 2):
        write_report(docs, number, revision + 1)


def _resident_mb() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
