from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.extract import Extraction
from ingest.gold import Comparison, GoldDocument, GoldLesson, GoldReport, compare, read_gold, score_gold
from retriever.errors import SourceError
from retriever.lesson import Finding, Metadata

TEXT = "The *rope* broke because it was wet. Boats drifted for an hour. Dry the rope. We thank the crew."
GOLD = GoldDocument(
    corpus="harbour",
    path="rope.md",
    text_file=None,
    meta={
        "title": "Rope broke",
        "date": "2020-02-01",
        "date_alt": ["2020-02"],
        "severity": None,
        "is_lesson_source": True,
    },
    must=(
        GoldLesson("The rope broke because it was wet", "cause", "failure"),
        GoldLesson("Dry the rope", "action", "neutral"),
    ),
    may=("Boats drifted",),
    never=("We thank the crew",),
)


def found(*phrases: str, kind: str = "cause", polarity: str = "failure") -> Extraction:
    spans = [(TEXT.index(phrase), TEXT.index(phrase) + len(phrase)) for phrase in phrases]
    return Extraction(tuple(Finding(start, end, kind, polarity) for start, end in spans), bool(spans))


def test_a_must_is_found_by_place_whatever_the_marks() -> None:
    one = compare(TEXT, GOLD, found("The *rope* broke because it was wet."))
    assert (one.musts, one.missed, one.right, one.wrong) == (2, ("Dry the rope",), 1, ())


def test_a_lesson_that_takes_everything_finds_nothing() -> None:
    long = TEXT + " Calm days passed." * 20
    one = compare(long, GOLD, Extraction((Finding(0, len(long), "cause", "failure"),), True))
    assert len(one.missed) == 2
    assert one.wrong == (long,)


def test_what_lies_in_may_is_right_and_what_never_says_is_forbidden() -> None:
    one = compare(TEXT, GOLD, found("Boats drifted", "We thank the crew."))
    assert (one.right, one.wrong, one.forbidden) == (1, ("We thank the crew.",), ("We thank the crew",))


def test_kind_counts_merged_and_fine() -> None:
    given = found("The *rope* broke because it was wet.", kind="insight")
    report = GoldReport.of([compare(TEXT, GOLD, given)])
    assert (report.kind, report.kind_fine, report.polarity) == (1.0, 0.0, 1.0)


def test_facts_accept_the_dates_a_careful_reader_may_defend() -> None:
    meta = Metadata(title="Rope broke", date="2020-02", severity=None)
    assert dict(compare(TEXT, GOLD, found(), meta).facts) == {
        "source": False, "title": True, "date": True, "severity": True,
    }  # fmt: skip


def test_the_mean_is_over_corpora_and_the_rest_is_pooled() -> None:
    def corpus(name: str, musts: int, missed: int) -> Comparison:
        return Comparison(
            name, "a", musts, musts - missed, (9,) * (musts - missed), 0, (), (), ("x",) * missed, (), (), ()
        )

    report = GoldReport.of([corpus("a", 1, 0), corpus("b", 3, 3)])
    assert (report.mean_f1, report.recall, report.precision) == (0.5, 0.25, 1.0)
    assert "mean F1" in report.as_text()
    assert json.loads(json.dumps(report.as_json()))["mean_f1"] == 0.5


def test_a_report_over_nothing_is_empty() -> None:
    assert GoldReport.of([]).mean_f1 == 0.0


def must(text: str, kind: str, polarity: str) -> dict[str, str]:
    return {"text": text, "kind": kind, "polarity": polarity}


@pytest.fixture
def gold_file(tmp_path: Path) -> Path:
    docs = tmp_path / "harbour" / "docs"
    docs.mkdir(parents=True)
    (docs / "2020-02-01-rope.md").write_text(
        "# Rope broke\n\n## Cause\n\nThe rope broke because it was wet and nobody had dried it.\n\n"
        "## Action items\n\n- Dry the rope after every storm\n"
    )
    row = {
        "corpus": "harbour", "path": "2020-02-01-rope.md",
        "meta": {"title": "Rope broke", "date": "2020-02-01", "severity": None, "is_lesson_source": True},
        "must": [
            must("The rope broke because it was wet and nobody had dried it.", "cause", "failure"),
            must("Dry the rope after every storm", "action", "neutral"),
        ],
        "may": [], "never": ["Rope broke"],
    }  # fmt: skip
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps(row) + "\n\n")
    return path


def test_a_gold_file_is_scored_through_readers_metadata_and_extractor(gold_file: Path) -> None:
    report = score_gold(gold_file, gold_file.parent)
    assert (report.mean_f1, report.never, report.kind, report.polarity) == (1.0, 0.0, 1.0, 1.0)
    assert dict(report.facts) == {"source": 1.0, "title": 1.0, "date": 1.0, "severity": 1.0}


def test_a_missing_gold_document_is_an_error_that_names_it(gold_file: Path) -> None:
    (gold_file.parent / "harbour" / "docs" / "2020-02-01-rope.md").unlink()
    with pytest.raises(SourceError, match=r"2020-02-01-rope\.md is named in the gold"):
        score_gold(gold_file, gold_file.parent)


def test_may_and_never_are_read_as_texts_or_objects(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text('{"corpus": "a", "path": "b.md", "meta": {}, "may": ["x", {"text": "y"}], "never": []}\n')
    assert read_gold(path)[0].may == ("x", "y")
