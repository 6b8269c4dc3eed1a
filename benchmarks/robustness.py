"""How far answers rest on the extractor: `python -m benchmarks.robustness DATA`.

Each corpus is ingested whole, and again with half of the extracted lessons left out; which half, a seed decides.
Prints the macro figures of `lessons eval` over each, and what is lost beside what may be: the mean over the seeds,
paired by query.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.corpora import JUDGED, Values, gain, macro, signed, values
from ingest import drafts
from ingest.extract import Extraction
from ingest.pipeline import IngestOptions, ingest
from retriever.config import Settings, load_settings
from retriever.evaluation import MEASURES, Outcome, evaluate, read_queries
from retriever.memory import Memory

SEEDS = (1, 2)

# The most that may be lost.
BARS: Mapping[str, float] = {"nDCG@10": 0.02, "lesson@10": 0.10}

_EXTRACT = drafts.extract


def main() -> None:
    """Ingests, asks, prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--corpora", nargs="+", default=JUDGED)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    options = parser.parse_args()
    settings = load_settings({})
    corpora = [options.data / name for name in options.corpora]
    whole = [_measured(settings, corpus, None) for corpus in corpora]
    halves = [[_measured(settings, corpus, seed) for corpus in corpora] for seed in options.seeds]
    print(f"|  | whole | {' | '.join(f'half, seed {seed}' for seed in options.seeds)} | lost | bar |")
    print("|---|" + "---|" * (len(halves) + 3))
    for measure in MEASURES:
        _print_row(measure, whole, halves)


def half_of(seed: int) -> Any:
    """`extract`, without the half of the lessons that the seed leaves out, the same ones whenever it is asked."""

    def extract(text: str, **options: Any) -> Extraction:
        found = _EXTRACT(text, **options)
        kept = (item for item in found.lessons if zlib.crc32(f"{seed} {text[item.start : item.end]}".encode()) % 2)
        return replace(found, lessons=tuple(kept))

    return extract


def _measured(settings: Settings, corpus: Path, seed: int | None) -> Sequence[Outcome]:
    print(f"{corpus.name}, {'whole' if seed is None else f'half, seed {seed}'} …", file=sys.stderr)
    with (
        tempfile.TemporaryDirectory(prefix="lessons-robustness-") as home,
        mock.patch.object(drafts, "extract", _EXTRACT if seed is None else half_of(seed)),
        Memory.open(replace(settings, home=Path(home)), create=True) as memory,
    ):
        ingest(memory, corpus / "docs", IngestOptions())
        return evaluate(read_queries(corpus / "queries.jsonl"), memory.ask).outcomes


def _print_row(measure: str, whole: Sequence[Sequence[Outcome]], halves: Sequence[Sequence[Sequence[Outcome]]]) -> None:
    before = [values(outcomes, measure) for outcomes in whole]
    after = [[values(outcomes, measure) for outcomes in half] for half in halves]
    between = [_mean(seeds) for seeds in zip(*after, strict=True)]
    figures = " | ".join(f"{macro(found).mean:.3f}" for found in (before, *after))
    bar = f"{BARS[measure]:.2f}" if measure in BARS else ""
    print(f"| {measure} | {figures} | {signed(gain(between, before))} | {bar} |", flush=True)


def _mean(seeds: Sequence[Values]) -> Values:
    """{query id: its mean over the seeds}."""
    return {key: float(np.mean([found[key] for found in seeds])) for key in seeds[0]}


if __name__ == "__main__":
    main()
