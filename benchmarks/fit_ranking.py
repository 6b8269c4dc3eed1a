"""Fits what ranking needs for one model and says how well it holds: `python -m benchmarks.fit_ranking DATA`.

DATA has one folder a corpus, each with docs/ and queries.jsonl, and gold_lessons.jsonl beside them. Each
corpus is ingested into a memory of its own; with `--among HOME` also into a copy of HOME, a large memory of other
documents (benchmarks.large), so that the verdict learns what the number of documents is worth. Every figure is
leave-one-corpus-out: what is measured on a corpus was fitted on the others. With --write, what is fitted on all of
them goes to retriever/calibration.json.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpora import JUDGED, remembered
from ingest.gold import read_gold
from ingest.passages import cut
from ingest.syntax import plain
from retriever import verdict as verdicts
from retriever.config import Settings
from retriever.evaluation import JudgedQuery, evaluate, read_queries
from retriever.evaluation.figures import auroc
from retriever.lesson import Filters, normalised
from retriever.memory import Memory
from retriever.search import Found
from retriever.verdict import OPEN, Calibration, Evidence, Logit, weigh

# Strength of the penalty on the squares of standardised weights: one pseudo-observation.
PENALTY = 1.0

# Confidence from which an answer counts as one. Below one half because an answer withheld costs more than
# nearest misses that are shown as an answer.
THRESHOLD = 0.4

# What a question counts that is asked among other documents, beside one asked of its own alone: what is found there
# instead may answer too, and nobody judged it.
AMONG_OTHERS = 0.25

# What a first look weighs; without a large memory nobody can say what the number of documents is worth.
FIRST = ("score", "words", "weakest")
FIRST_AMONG = (*FIRST, "documents")

TARGET = Path(__file__).parent.parent / "retriever" / "calibration.json"


@dataclass(frozen=True, slots=True)
class Observed:
    """A judged query with the evidence that its corpus gave for it, alone or among other documents."""

    corpus: str
    is_alone: bool
    judged: JudgedQuery
    evidence: Evidence


def main() -> None:
    """Observe, fit, report, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--among", type=Path, metavar="HOME")
    parser.add_argument("--corpora", nargs="+", default=JUDGED)
    parser.add_argument("--models", type=Path, default=Settings().models)
    parser.add_argument("--model", default="")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.write and options.among is None:
        parser.error("--write needs --among HOME: without it the number of documents would play no part.")
    settings = Settings(models=options.models, model=options.model)
    with contextlib.ExitStack() as stack:

        def opened(others: Path | None) -> dict[str, Memory]:
            return {
                name: stack.enter_context(remembered(options.data / name, settings, others)) for name in options.corpora
            }

        report(opened(None), opened(options.among) if options.among else {}, options.data, options.write)


def report(memories: Mapping[str, Memory], among: Mapping[str, Memory], data: Path, write: bool) -> None:
    """Print the figures, each corpus by what the others gave; write what all of them give.

    `memories` hold a corpus each, and so do those of `among`, where there are any, beside many other documents.
    """
    first = next(iter(memories.values()))
    embeddings, labels, sources = _gold_sentences(data / "gold_lessons.jsonl", data, first)

    def fitted(without: str | None) -> tuple[Calibration, list[Observed]]:
        """What the other corpora give, and what it was observed with in all of them."""
        kept = sources != without
        lesson = _logistic(embeddings[kept], labels[kept], PENALTY)[1:]
        direction = tuple(round(float(value), 3) for value in lesson)
        # Which texts are read together depends on the direction, and on nothing else that is fitted.
        blank = Calibration(Logit(0.0, 0.0, 0.0, 0.0), {}, 1.0, direction)
        observed = [*_observe(memories, data, blank, True), *_observe(among, data, blank, False)]
        return _calibration([item for item in observed if item.corpus != without], direction), observed

    calibrations: dict[str, Calibration] = {}
    held_out: list[Observed] = []
    for name, memory in memories.items():
        calibrations[name], observed = fitted(name)
        held_out += [item for item in observed if item.corpus == name]
        with _calibrated({memory.fingerprint: asdict(calibrations[name])}):
            print(f"\n{name}\n" + evaluate(read_queries(data / name / "queries.jsonl"), memory.ask).as_text())
    alone = [item for item in held_out if item.is_alone]
    _print_looks(alone, calibrations)
    _print_reliability(alone, [_as_opened(calibrations[item.corpus], item.evidence, OPEN)[0] for item in alone])
    if among:
        print("\namong other documents")
        _print_looks([item for item in held_out if not item.is_alone], calibrations)
    if write:
        everything = json.loads(TARGET.read_text("utf-8")) if TARGET.exists() else {}
        everything[first.fingerprint] = asdict(fitted(None)[0])
        TARGET.write_text(json.dumps(everything, indent=None, sort_keys=True) + "\n", "utf-8")
        print(f"\nwritten to {TARGET}")


def _observe(memories: Mapping[str, Memory], data: Path, calibration: Calibration, is_alone: bool) -> list[Observed]:
    """The evidence that every judged query has in its corpus, with the calibration's direction."""
    observed = []
    for name, memory in memories.items():
        with _calibrated({memory.fingerprint: asdict(calibration)}):
            for judged in read_queries(data / name / "queries.jsonl"):
                found = memory.search.find(judged.query, k=10, per_document=2, filters=Filters())
                if found.ranking:
                    observed.append(Observed(name, is_alone, judged, _evidence(memory, judged.query, found)))
    return observed


def _evidence(memory: Memory, query: str, found: Found) -> Evidence:
    """What a closer look sees as well, whether or not the first one leaves the verdict open."""
    looks = memory.search.looks(memory.embedder, query, found.question, found.ranking)
    return replace(weigh(found.question, found.ranking), **{name: look() for name, look in looks.items()})


@contextlib.contextmanager
def _calibrated(known: dict[str, Any]) -> Iterator[None]:
    """For a block, these calibrations are the known ones."""
    before = verdicts.known_calibrations
    verdicts.known_calibrations = lambda: known
    verdicts.calibration_for.cache_clear()
    try:
        yield
    finally:
        verdicts.known_calibrations = before
        verdicts.calibration_for.cache_clear()


def _gold_sentences(
    gold: Path, data: Path, memory: Memory
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Embeddings of the gold documents' sentences, whether each states a must, and its corpus; no mays."""
    texts: list[str] = []
    labels: list[bool] = []
    sources: list[str] = []
    for item in read_gold(gold):
        path = data / item.corpus / (item.text_file or f"docs/{item.path}")
        text = path.read_text("utf-8", errors="replace")
        must = [normalised(lesson.text) for lesson in item.must]
        may = [normalised(words) for words in item.may]
        for start, end in (span for group in cut(text) for span in group.sentences):
            words = normalised(text[start:end])
            is_must = any(_same(words, lesson) for lesson in must)
            if len(words) >= 8 and (is_must or not any(_same(words, lesson) for lesson in may)):
                texts.append(plain(text[start:end]))
                labels.append(is_must)
                sources.append(item.corpus)
    return memory.embedder.encode_documents(texts), np.asarray(labels), np.asarray(sources)


def _same(words: str, lesson: str) -> bool:
    return bool(lesson) and (lesson[:50] in words or (len(words) > 25 and words[:50] in lesson))


def _calibration(observed: Sequence[Observed], direction: tuple[float, ...]) -> Calibration:
    first = FIRST if all(item.is_alone for item in observed) else FIRST_AMONG
    closer = {}
    for number, name in enumerate(OPEN, start=1):
        looked = list(OPEN)[:number]
        told = [item for item in observed if all(getattr(item.evidence, look) is not None for look in looked)]
        # A model that shows no tokens takes no look that needs them.
        if len(told) > len(first) + number:
            closer[name] = _logit(told, (*first, *looked))
    return Calibration(_logit(observed, first), closer, THRESHOLD, direction)


def _logit(observed: Sequence[Observed], names: tuple[str, ...]) -> Logit:
    rows = np.asarray([[getattr(item.evidence, name) for name in names] for item in observed], float)
    labels = np.asarray([bool(item.judged.relevant) for item in observed])
    counts = np.asarray([1.0 if item.is_alone else AMONG_OTHERS for item in observed])
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    weights = _logistic((rows - mean) / spread, labels, PENALTY, counts)
    slopes = weights[1:] / spread
    intercept = float(weights[0] - slopes @ mean)
    named = {name: round(float(value), 4) for name, value in zip(names, slopes, strict=True)}
    return Logit(round(intercept, 4), **named)


def _logistic(
    rows: np.ndarray[Any, Any],
    labels: np.ndarray[Any, Any],
    penalty: float,
    sample: np.ndarray[Any, Any] | None = None,
) -> np.ndarray[Any, Any]:
    """Intercept and weights of a ridge logistic regression, by Newton's method; the intercept is free.

    `sample` is what each row counts; without it both labels count the same in all.
    """
    design = np.hstack([np.ones((len(rows), 1)), rows])
    if sample is None:
        sample = (len(labels) / (2 * np.asarray([(~labels).sum(), labels.sum()])))[labels.astype(int)]
    ridge = np.diag([1e-9, *[penalty] * rows.shape[1]])
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (sample * (labels - chance)) - ridge @ weights
        curvature = (design * (sample * chance * (1 - chance))[:, None]).T @ design + ridge
        step = np.linalg.solve(curvature, gradient)
        weights += step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def _print_looks(observed: Sequence[Observed], calibrations: Mapping[str, Calibration]) -> None:
    """What the closer looks are worth, opened as they are and otherwise: each corpus by the others, and the mean."""
    opened = {
        "never": {},
        "support": {"support": OPEN["support"]},
        "support, steady": OPEN,
        "the same, .3-.5": dict.fromkeys(OPEN, (0.3, 0.5)),
        "the same, .2-.7": dict.fromkeys(OPEN, (0.2, 0.7)),
        "the same, always": dict.fromkeys(OPEN, (0.0, 1.0)),
    }
    print(
        "\n  closer looks         AUROC   " + "   ".join(calibrations) + "   answered   falsely   traps   looks taken"
    )
    for name, windows in opened.items():
        told = [_as_opened(calibrations[item.corpus], item.evidence, windows) for item in observed]
        rows = [_figures([(item, *found) for item, found in zip(observed, told, strict=True) if item.corpus == corpus])
                for corpus in calibrations]  # fmt: skip
        aurocs = "      ".join(f"{row[0]:.3f}" for row in rows)
        _, answered, falsely, traps, *taken = np.mean(rows, axis=0)
        print(
            f"  {name:19}  {np.mean([row[0] for row in rows]):.3f}   {aurocs}   "
            f"{answered:8.2f}   {falsely:7.2f}   {traps:5.2f}   " + ", ".join(f"{share:.2f}" for share in taken)
        )


def _as_opened(
    calibration: Calibration, evidence: Evidence, windows: Mapping[str, tuple[float, float]]
) -> tuple[float, frozenset[str]]:
    """(confidence, the looks taken), opened like that."""
    taken = []

    def look(name: str) -> float | None:
        taken.append(name)
        found: float | None = getattr(evidence, name)
        return found

    looks = {name: partial(look, name) for name in windows}
    return calibration.confidence(evidence, looks, windows), frozenset(taken)


def _figures(told: Sequence[tuple[Observed, float, frozenset[str]]]) -> tuple[float, ...]:
    """AUROC, the shares answered, falsely so, and falsely of traps, and the share of questions for each look."""
    real = [confidence for item, confidence, _ in told if item.judged.relevant]
    unreal = [confidence for item, confidence, _ in told if not item.judged.relevant]
    traps = [confidence for item, confidence, _ in told if item.judged.trap]
    shares = [float(np.mean(np.asarray(group) >= THRESHOLD)) for group in (real, unreal, traps)]
    taken = [sum(name in looks for _, _, looks in told) / len(told) for name in OPEN]
    return (auroc(real, unreal).mean, *shares, *taken)


def _print_reliability(observed: Sequence[Observed], confidences: Sequence[float]) -> None:
    confidence = np.asarray(confidences)
    real = np.asarray([bool(item.judged.relevant) for item in observed])
    traps = np.asarray([item.judged.trap for item in observed])
    print("\nall corpora, each by the others\n  confidence   queries   answerable")
    for low in np.arange(0.0, 1.0, 0.2):
        inside = (confidence >= low) & (confidence < low + 0.2 + (low > 0.7))
        print(f"  {low:.1f} - {low + 0.2:.1f}   {inside.sum():7d}   {real[inside].mean():10.2f}")
    print("  threshold   answered    falsely      traps")
    for threshold in (0.3, 0.35, 0.4, 0.45, 0.5, 0.6):
        over = confidence >= threshold
        shares = "   ".join(f"{over[group].mean():8.2f}" for group in (real, ~real, traps))
        print(f"  {threshold:9.2f}   {shares}")


if __name__ == "__main__":
    main()
