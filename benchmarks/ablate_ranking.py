"""What each signal of ranking is worth: `python -m benchmarks.ablate_ranking DATA [--corpora ...]`.

Each corpus is ingested into a memory of its own; then its queries are ranked again with one weight changed
at a time. Prints nDCG@10 by corpus, the mean over the first three, and how far that is from the shipped
weights, paired over queries with a 95 % bootstrap interval.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ingest.pipeline import IngestOptions, ingest
from retriever.config import Settings
from retriever.evaluation import JudgedQuery, evaluate, read_queries
from retriever.lesson import Answer, Filters, Hit, Lesson
from retriever.memory import Memory
from retriever.question import Question
from retriever.ranking import WEIGHTS, Ranked, Weights, rank

SIGNALS = ("sentence", "window", "passage", "words", "senses")
MACRO = 3
SEED = 7


@dataclass(frozen=True, slots=True)
class Looked:
    """A query with the documents that search looked at for it."""

    judged: JudgedQuery
    question: Question
    ranking: tuple[Ranked, ...]
    mean_tokens: float


def main() -> None:
    """Ingest, look once, rank often."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--corpora", nargs="+", default=["mybinder", "icco", "2i2c", "cisi"])
    parser.add_argument("--models", type=Path, default=Settings().models)
    parser.add_argument("--model", default="")
    options = parser.parse_args()
    settings = Settings(models=options.models, model=options.model)
    with tempfile.TemporaryDirectory() as folder:
        looked = [list(_look(settings, options.data / name, Path(folder) / name)) for name in options.corpora]
    shipped = [_measure(found, WEIGHTS) for found in looked]
    print(f"| weights | {' | '.join(options.corpora)} | macro | difference |\n|---|{'---|' * (len(looked) + 2)}")
    for name, weights in variants():
        _print_row(name, [_measure(found, weights) for found in looked], shipped)


def _changed(**changes: Any) -> Weights:
    return replace(WEIGHTS, **changes)


def variants() -> Iterator[tuple[str, Weights]]:
    """The shipped weights, each signal left out, each alone, and each weight halved and doubled."""
    yield "shipped", WEIGHTS
    for name in SIGNALS:
        yield f"without {name}", _changed(**{name: 0.0})
    yield "fields weigh like the body", _changed(title=1.0)
    for name in SIGNALS:
        yield (
            f"{name} alone",
            _changed(**{other: float(other == name) for other in SIGNALS}),
        )
    for name in SIGNALS:
        for factor in (0.5, 2.0):
            yield f"{name} x {factor}", _changed(**{name: factor * getattr(WEIGHTS, name)})


def _look(settings: Settings, corpus: Path, home: Path) -> Iterator[Looked]:
    with Memory.open(replace(settings, home=home), create=True) as memory:
        ingest(memory, corpus / "docs", IngestOptions())
        _, mean_tokens = memory.record.candidates.size()
        for judged in read_queries(corpus / "queries.jsonl"):
            found = memory.search.find(judged.query, k=1, per_document=1, filters=Filters())
            yield Looked(judged, found.question, found.ranking, mean_tokens)


def _measure(looked: Sequence[Looked], weights: Weights) -> dict[str, float]:
    """{query id: nDCG@10} with these weights."""
    orders = {
        item.judged.query: rank(
            item.question, [found.bundle for found in item.ranking], item.mean_tokens, weights=weights
        )
        for item in looked
    }

    def ask(query: str, *, k: int | None = None, per_document: int | None = None) -> Answer:
        hits = tuple(
            Hit(place, item.score, Lesson("", "", "", 0, 0), item.bundle.document)
            for place, item in enumerate(orders[query], start=1)
        )
        return Answer(query, None, None, hits[:k])

    report = evaluate([replace(item.judged, lesson=None) for item in looked], ask)
    return {item.judged.id: item.measures["nDCG@10"] for item in report.outcomes if item.judged.relevant}


def _print_row(name: str, measured: Sequence[dict[str, float]], shipped: Sequence[dict[str, float]]) -> None:
    means = [float(np.mean(list(found.values()))) for found in measured]
    random = np.random.default_rng(SEED)
    draws: list[Any] = []
    for found, before in zip(measured[:MACRO], shipped[:MACRO], strict=True):
        differences = np.asarray([found[key] - before[key] for key in found])
        draws.append(differences[random.integers(0, len(differences), (2000, len(differences)))].mean(axis=1))
    low, high = np.quantile(np.mean(draws, axis=0), (0.025, 0.975))
    away = np.mean([np.mean([found[key] - before[key] for key in found])
                    for found, before in zip(measured[:MACRO], shipped[:MACRO], strict=True)])  # fmt: skip
    corpora = " | ".join(f"{mean:.3f}" for mean in means)
    print(
        f"| {name} | {corpora} | {np.mean(means[:MACRO]):.3f} | {away:+.3f} [{low:+.3f}, {high:+.3f}] |",
        flush=True,
    )


if __name__ == "__main__":
    main()
