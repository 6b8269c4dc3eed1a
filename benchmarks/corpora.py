"""The judged sets that quality is measured over, in memories, and means over them in which each set counts alike."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ingest.pipeline import IngestOptions, ingest
from retriever.config import Settings
from retriever.evaluation import Figure, Outcome
from retriever.memory import Memory

# Sets of incidents; cisi, abstracts of articles, is looked at apart.
JUDGED = ("mybinder", "icco", "2i2c")
CISI = "cisi"

BOOTSTRAPS = 2000
SEED = 7

Values = Mapping[str, float]

_OPENING_S = 0.1


@contextlib.contextmanager
def remembered(corpus: Path, settings: Settings, others: Path | None = None) -> Iterator[Memory]:
    """A memory of the corpus, or of it and what the home `others` holds, with its index open as in a server."""
    with tempfile.TemporaryDirectory(prefix="lessons-judged-") as folder:
        home = Path(folder) / "home"
        if others is not None:
            shutil.copytree(others, home)
        with Memory.open(replace(settings, home=home), create=True) as memory:
            ingest(memory, corpus / "docs", IngestOptions())
            memory.start_following()
            while not memory.readiness()[0]:
                time.sleep(_OPENING_S)
            yield memory


def values(outcomes: Sequence[Outcome], measure: str, kind: str | None = None) -> Values:
    """{query id: value} where the measure says something, over queries that something answers, or of one kind."""
    return {
        item.judged.id: item.measures[measure]
        for item in outcomes
        if item.judged.relevant and measure in item.measures and kind in (None, item.judged.kind)
    }


def macro(sets: Sequence[Values]) -> Figure:
    """The mean of the sets' means, with a 95 % interval by drawing queries anew within each set."""
    found = [np.asarray(list(one.values())) for one in sets if one]
    if not found:
        return Figure(float("nan"), float("nan"), float("nan"), 0)
    random = np.random.default_rng(SEED)
    draws = [one[random.integers(0, len(one), (BOOTSTRAPS, len(one)))].mean(axis=1) for one in found]
    low, high = np.quantile(np.mean(draws, axis=0), (0.025, 0.975))
    return Figure(float(np.mean([one.mean() for one in found])), float(low), float(high), sum(map(len, found)))


def gain(before: Sequence[Values], after: Sequence[Values]) -> Figure:
    """`macro` of after minus before, paired by query."""
    pairs = zip(before, after, strict=True)
    return macro([{key: new[key] - old[key] for key in old} for old, new in pairs])


def signed(figure: Figure) -> str:
    """A difference with its interval."""
    return f"{figure.mean:+.3f} [{figure.low:+.3f}, {figure.high:+.3f}]"
