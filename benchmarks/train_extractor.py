"""Fit the extractor's weights on judged documents; report them leaving one corpus out.

    python benchmarks/train_extractor.py --root DATA            the figures, each corpus left out in turn
    python benchmarks/train_extractor.py --root DATA --write    write ingest/extract/weights.json

Needs scikit-learn, which the program itself does not. Two kinds of judged documents go in: the gold, and those that
`extractor_labels.jsonl` beside this file names: one document a line, its units by a digest of their normalised words,
so that no text of theirs is kept here.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from ingest.extract.extractor import extract_with
from ingest.extract.features import document_features
from ingest.extract.model import Weights
from ingest.extract.places import Places, covered
from ingest.extract.units import Outline, Unit, outline
from ingest.extract.vetoes import veto_of
from ingest.gold import Comparison, GoldDocument, GoldReport, gold_text, read_gold, score_documents
from ingest.readers import read
from retriever.lesson import KINDS, POLARITIES, digest, normalised

LABELS = Path(__file__).with_name("extractor_labels.jsonl")
WEIGHTS = Path(__file__).parents[1] / "ingest" / "extract" / "weights.json"
THRESHOLDS = {"strong": 0.4, "open": 0.52, "weak": 0.7}
SOURCE_THRESHOLDS = {"strong": 0.4, "open": 0.55, "weak": 0.7}
"""Chosen leaving one corpus out: see docs/extraction.md."""
SAMPLE_WEIGHT = {"must": 1.3, "may": 0.7, "never": 1.5, "none": 1.0}
WORD_SCALE = 0.5
"""How much less than a cue a single word counts: words carry a corpus' own topics."""
STRENGTH = {"lesson": 0.1, "kinds": 0.3, "polarities": 0.3}
CORPUS_POWER = 0.25
BARE_ROLES = ("timeline", "people", "log", "links", "template", "thanks")


@dataclass(frozen=True)
class Example:
    """A unit: its features and what it was judged to be."""

    corpus: str
    document: str
    features: tuple[str, ...]
    label: str
    kind: str | None = None
    polarity: str | None = None


@dataclass(frozen=True)
class Label:
    """What a unit was judged to be: must, may, never, or none where nobody marked it."""

    name: str
    kind: str | None = None
    polarity: str | None = None


def gold_labels(text: str, found: Outline, gold: GoldDocument) -> list[Label]:
    """The labels of a gold document's units, by place."""
    places = Places(text)
    musts = [(span, must) for must in gold.must for span in places.find(must.text)[:1]]
    mays = [span for phrase in gold.may for span in places.find(phrase)[:1]]
    nevers = [span for phrase in gold.never for span in places.find(phrase)[:1]]
    labels = []
    for unit in found.units:
        span = places.span(unit.start, unit.end)
        name = _label(span, [place for place, _ in musts], mays, nevers)
        nearest = max(musts, key=lambda pair: covered(span, [pair[0]]), default=None)
        labels.append(Label(name, nearest[1].kind, nearest[1].polarity) if nearest and name == "must" else Label(name))
    return labels


def _label(
    span: tuple[int, int], musts: list[tuple[int, int]], mays: list[tuple[int, int]], nevers: list[tuple[int, int]]
) -> str:
    covers = any(covered(must, [span]) >= 0.6 for must in musts)
    both = covered(span, [*musts, *mays])
    if covered(span, musts) >= 0.4 or (covers and both >= 0.5):
        return "must"
    if both >= 0.5:
        return "may"
    return "never" if covered(span, nevers) >= 0.5 else "none"


def examples_of(corpus: str, document: str, found: Outline, labels: Sequence[Label]) -> list[Example]:
    """A document's units, and once more without their sections.

    The bare twins teach what the words alone show, for prose without headings and for headings nobody has seen.
    """
    examples = _examples(corpus, document, found, labels)
    if any(label.name != "none" for label in labels) and any(unit.above for unit in found.units):
        kept = [
            (unit, label)
            for unit, label in zip(found.units, labels, strict=True)
            if unit.role not in BARE_ROLES and not unit.timed
        ]
        bare = replace(found, units=tuple(_bare(unit) for unit, _ in kept))
        examples += _examples(corpus, document, bare, [label for _, label in kept])
    return examples


def _bare(unit: Unit) -> Unit:
    return replace(unit, role="", outer="", above=(), labelled=False)


def _examples(corpus: str, document: str, found: Outline, labels: Sequence[Label]) -> list[Example]:
    return [
        Example(corpus, document, tuple(features), label.name, label.kind, label.polarity)
        for unit, features, label in zip(found.units, document_features(found), labels, strict=True)
        if not veto_of(unit, frozenset())
    ]


class Vocabulary:
    """The features that occur in at least three documents of at least two corpora, numbered."""

    def __init__(self, examples: Sequence[Example]) -> None:
        documents: dict[str, set[str]] = defaultdict(set)
        corpora: dict[str, set[str]] = defaultdict(set)
        for example in examples:
            for name in example.features:
                documents[name].add(f"{example.corpus}/{example.document}")
                corpora[name].add(example.corpus)
        self.names = sorted(name for name in documents if len(documents[name]) > 2 and len(corpora[name]) > 1)
        self.index = {name: at for at, name in enumerate(self.names)}
        self.scale = np.array([WORD_SCALE if name.startswith(("word:", "first:")) else 1.0 for name in self.names])

    def matrix(self, examples: Sequence[Example]) -> csr_matrix:
        """One row an example, one column a name."""
        pairs = [
            (row, self.index[name])
            for row, one in enumerate(examples)
            for name in sorted(set(one.features))
            if name in self.index
        ]
        rows, columns = [row for row, _ in pairs], [column for _, column in pairs]
        return csr_matrix((self.scale[columns], (rows, columns)), shape=(len(examples), len(self.names)))

    def named(self, coefficients: Iterable[float], intercept: float) -> dict[str, float]:
        """Weights by name, the intercept under the empty one."""
        scaled = np.asarray(list(coefficients)) * self.scale
        kept = {name: round(float(weight), 3) for name, weight in zip(self.names, scaled, strict=True)}
        return {"": round(float(intercept), 4), **{name: weight for name, weight in kept.items() if weight}}


def fit(examples: Sequence[Example]) -> Weights:
    """The weights of the lesson, kind and polarity classifiers."""
    vocabulary = Vocabulary(examples)
    sizes = Counter(example.corpus for example in examples)
    sample = np.array([SAMPLE_WEIGHT[one.label] * sizes[one.corpus] ** -CORPUS_POWER for one in examples])
    model = LogisticRegression(C=STRENGTH["lesson"], max_iter=3000)
    model.fit(
        vocabulary.matrix(examples),
        [one.label in ("must", "may") for one in examples],
        sample_weight=sample / sample.mean(),
    )
    musts = [one for one in examples if one.kind]
    return Weights(
        thresholds=THRESHOLDS,
        source_thresholds=SOURCE_THRESHOLDS,
        lesson=vocabulary.named(model.coef_[0], model.intercept_[0]),
        kinds=_fit_classes(vocabulary, musts, [str(one.kind) for one in musts], KINDS, STRENGTH["kinds"]),
        polarities=_fit_classes(
            vocabulary, musts, [str(one.polarity) for one in musts], POLARITIES, STRENGTH["polarities"]
        ),
    )


def _fit_classes(
    vocabulary: Vocabulary, examples: Sequence[Example], classes: Sequence[str], names: Sequence[str], strength: float
) -> dict[str, dict[str, float]]:
    matrix = vocabulary.matrix(examples)
    rows = {}
    for name in names:
        if name in classes:
            model = LogisticRegression(C=strength, max_iter=3000)
            model.fit(matrix, [one == name for one in classes])
            rows[name] = vocabulary.named(model.coef_[0], model.intercept_[0])
    return rows


def labelled_examples(root: Path) -> list[Example]:
    """The examples of the documents in `extractor_labels.jsonl`."""
    examples = []
    for line in LABELS.read_text("utf-8").splitlines():
        entry = json.loads(line)
        path = root / entry["corpus"] / "docs" / entry["path"]
        reference = root / entry["corpus"] / "pdf_text_reference" / f"{path.stem}.txt"
        if path.suffix == ".pdf" and reference.exists():
            text = reference.read_text("utf-8")
        else:
            text = next(one.text for one in read(path.read_bytes(), path.name) if one.part == entry["part"])
        found = outline(text)
        labels = [Label(*entry["labels"].get(digest(normalised(unit.words))[:10], ["none"])) for unit in found.units]
        examples += examples_of(entry["corpus"], f"{entry['path']}#{entry['part']}", found, labels)
    return examples


def gold_examples(root: Path, gold: Iterable[GoldDocument]) -> list[Example]:
    """The examples of the gold's documents."""
    examples = []
    for entry in gold:
        text = gold_text(root, entry)
        found = outline(text)
        examples += examples_of(entry.corpus, entry.path, found, gold_labels(text, found, entry))
    return examples


def leave_one_out(root: Path, gold: Sequence[GoldDocument], examples: Sequence[Example]) -> GoldReport:
    """Every corpus scored by weights that never saw it."""
    comparisons: list[Comparison] = []
    for corpus in sorted({entry.corpus for entry in gold}):
        model = fit([example for example in examples if example.corpus != corpus])
        held_out = [entry for entry in gold if entry.corpus == corpus]
        comparisons += score_documents(held_out, root, partial(extract_with, model)).comparisons
    return GoldReport.of(comparisons)


def main() -> None:
    """Print the figures; with --write, write the weights instead."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--gold", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    gold = read_gold(options.gold or options.root / "gold_lessons.jsonl")
    examples = gold_examples(options.root, gold) + labelled_examples(options.root)
    if options.write:
        model = fit(examples)
        fields = {name: getattr(model, name) for name in Weights.__dataclass_fields__}
        WEIGHTS.write_text(json.dumps(fields, sort_keys=True, separators=(",", ":")) + "\n", "utf-8")
        sys.stdout.write(f"{len(examples)} units, {WEIGHTS.stat().st_size} bytes\n")
    else:
        sys.stdout.write(leave_one_out(options.root, gold, examples).as_text() + "\n")


if __name__ == "__main__":
    main()
