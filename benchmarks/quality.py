"""Our answers beside the peers': `python -m benchmarks.quality DATA [--peers ...] [--runs FOLDER]`.

Every peer (benchmarks.peers) is built over each corpus and asked its judged queries. A peer's documents are those of
its first hundred texts, in the order in which they first come; what it shows are its first ten texts. The measures are
those of `lessons eval`. Prints Markdown: the figures, nDCG@10 by kind, and ours minus the strongest peer, paired by
query. With --runs, what was measured is kept in the folder, and what is there is not measured again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from benchmarks.corpora import CISI, JUDGED, gain, macro, signed, values
from benchmarks.peers import PEERS, peer
from benchmarks.peers import Ask as PeerAsk
from ingest.pipeline import IngestOptions, ingest
from retriever.config import load_settings
from retriever.evaluation import MEASURES, Ask, Outcome, Report, evaluate, read_outcomes, read_queries
from retriever.lesson import Answer, Document, Hit, Lesson
from retriever.memory import Memory

OURS = "ours"

# Enough of a peer's texts for thirty documents.
TEXTS = 100

Runs = Mapping[str, Mapping[str, Sequence[Outcome]]]


def main() -> None:
    """Builds, asks, prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS)
    parser.add_argument("--corpora", nargs="+", default=(*JUDGED, CISI))
    parser.add_argument("--runs", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    runs: dict[str, dict[str, Sequence[Outcome]]] = {}
    for name in options.peers:
        try:
            runs[name] = {corpus: outcomes_of(name, options.data / corpus, options.runs) for corpus in options.corpora}
        except ImportError as error:
            print(f"{name} is left out: {error}. Install the `bench` extra.", file=sys.stderr)
    print("\n".join(report_of(runs)))


def outcomes_of(name: str, corpus: Path, runs: Path | None) -> Sequence[Outcome]:
    """What a peer gives for the corpus's queries, measured now or kept in `runs` before."""
    kept = runs / f"{name}-{corpus.name}.json" if runs is not None else None
    if kept is not None and kept.is_file():
        return read_outcomes(kept)
    print(f"{name}, {corpus.name} …", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="lessons-quality-") as home:
        report = _measured(name, corpus, Path(home) / "home")
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(report.as_json()), encoding="utf-8")
    return report.outcomes


def answers_of(ask: PeerAsk) -> Ask:
    """A peer's texts as answers, without a verdict."""

    def answer(query: str, *, k: int | None = None, per_document: int | None = None) -> Answer:
        found = ask(query, TEXTS if per_document else k or 10)
        if per_document == 1:
            # The last one assigned to a path is its best, which leaves the paths where they first came.
            found = list((dict.fromkeys(path for path, _ in found) | dict(reversed(found))).items())
        hits = tuple(
            Hit(place, -float(place), Lesson("", path, text, 0, len(text)), Document(path, "", path, None, text))
            for place, (path, text) in enumerate(found[: k or 10], start=1)
        )
        return Answer(query, None, None, hits)

    return answer


def report_of(runs: Runs) -> list[str]:
    """The tables as lines of Markdown."""
    lines = [_versions(runs), "", *_figures(runs), "", *_kinds(runs)]
    others = {name: found for name, found in runs.items() if name != OURS}
    if OURS in runs and others:
        strongest = max(others, key=lambda name: macro(_judged(others[name], "nDCG@10")).mean)
        lines += ["", *_differences(runs[OURS], others[strongest], strongest)]
    return lines


def _measured(name: str, corpus: Path, home: Path) -> Report:
    queries = read_queries(corpus / "queries.jsonl")
    if name != OURS:
        return evaluate(queries, answers_of(peer(name).build(corpus / "docs", home)))
    # As `lessons eval` does: with both texts of the best documents, and what is "also in" others.
    with Memory.open(replace(load_settings({}), home=home), create=True) as memory:
        ingest(memory, corpus / "docs", IngestOptions())
        return evaluate(queries, memory.ask)


def _judged(found: Mapping[str, Sequence[Outcome]], measure: str, kind: str | None = None) -> list[Mapping[str, float]]:
    return [values(found[corpus], measure, kind) for corpus in found if corpus != CISI]


def _figures(runs: Runs) -> list[str]:
    corpora = list(next(iter(runs.values())))
    head = [*corpora, "macro nDCG@10", *MEASURES[1:]]
    lines = [f"|  | {' | '.join(head)} |", "|---|" + "---|" * len(head)]
    for name, found in runs.items():
        each = [f"{macro([values(found[corpus], 'nDCG@10')]).mean:.3f}" for corpus in corpora]
        means = [f"{macro(_judged(found, measure)).mean:.3f}" for measure in MEASURES]
        lines.append(f"| {name} | {' | '.join((*each, *means))} |")
    return lines


def _kinds(runs: Runs) -> list[str]:
    judged = [item.judged for found in runs.values() for corpus in found if corpus != CISI for item in found[corpus]]
    kinds = list(dict.fromkeys(item.kind for item in judged if item.relevant))
    lines = [f"| nDCG@10 by kind | {' | '.join(kinds)} |", "|---|" + "---|" * len(kinds)]
    for name, found in runs.items():
        means = [f"{_pooled(_judged(found, 'nDCG@10', kind)):.3f}" for kind in kinds]
        lines.append(f"| {name} | {' | '.join(means)} |")
    return lines


def _pooled(sets: Sequence[Mapping[str, float]]) -> float:
    """The mean over all queries: a kind may have one or two in a set."""
    found = [value for one in sets for value in one.values()]
    return sum(found) / len(found)


def _differences(
    ours: Mapping[str, Sequence[Outcome]], theirs: Mapping[str, Sequence[Outcome]], strongest: str
) -> list[str]:
    lines = [f"| ours minus {strongest} | difference |", "|---|---|"]
    for corpus in ours:
        one = gain([values(theirs[corpus], "nDCG@10")], [values(ours[corpus], "nDCG@10")])
        lines.append(f"| nDCG@10, {corpus} | {signed(one)} |")
    for measure in MEASURES:
        lines.append(f"| {measure}, macro | {signed(gain(_judged(theirs, measure), _judged(ours, measure)))} |")
    return lines


def _versions(runs: Runs) -> str:
    packages = dict.fromkeys(name for one in runs if one != OURS for name in _packages(one))
    names = ("sentence-transformers", "chromadb", *packages)
    return ", ".join(f"{name} {version(name)}" for name in names)


def _packages(name: str) -> tuple[str, ...]:
    """What the peer needs; nothing where it is not installed: then its outcomes were kept elsewhere."""
    try:
        return peer(name).PACKAGES
    except ImportError:
        return ()


if __name__ == "__main__":
    main()
