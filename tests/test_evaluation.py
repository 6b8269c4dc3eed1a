from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from retriever.errors import SourceError
from retriever.evaluation import JudgedQuery, Report, compare, evaluate, read_outcomes, read_queries
from retriever.evaluation.figures import difference_of
from retriever.lesson import Answer, Document, Hit, Lesson


def _file(folder: Path, *rows: Any) -> Path:
    path = folder / "queries.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), "utf-8")
    return path


def _answer(query: str, hits: Sequence[tuple[str, str]], confidence: float | None = 0.9) -> Answer:
    made = tuple(
        Hit(
            rank=place,
            score=1 / place,
            lesson=Lesson(f"l{place}", f"d-{path}", text, 0, len(text)),
            document=Document(f"d-{path}", "tests", path, None, text),
        )
        for place, (path, text) in enumerate(hits, start=1)
    )
    return Answer(query, None if confidence is None else confidence >= 0.5, confidence, made)


class Fixed:
    """Answers each query with the same hits."""

    def __init__(
        self, hits: Mapping[str, Sequence[tuple[str, str]]], confidence: dict[str, float] | None = None
    ) -> None:
        self._hits = hits
        self._confidence = confidence or {}

    def __call__(self, query: str, *, k: int | None = None, per_document: int | None = None) -> Answer:
        return _answer(query, self._hits[query][: k or 10], self._confidence.get(query, 0.9))


def _report(relevant: dict[str, int], came: Sequence[str], lesson: str | None = None, text: str = "text") -> Report:
    queries = [JudgedQuery("1", "q", "natural", relevant, lesson)]
    return evaluate(queries, Fixed({"q": [(path, text) for path in came]}))


def test_queries_are_read_with_their_defaults(tmp_path: Path) -> None:
    path = _file(tmp_path, {"query": "why", "relevant": {"a.md": 2}}, "", {"id": "x", "query": "how", "relevant": {}})
    first, second = read_queries(path)
    assert (first.id, first.kind, first.lesson, first.trap) == ("1", "natural", None, False)
    assert (second.id, second.kind) == ("x", "none")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{not json", "Line 2 of .* is no judged query"),
        ({"relevant": {}}, "Line 2 of .*query"),
        ({"query": "  ", "relevant": {}}, "Line 2 of .*no text"),
        ({"query": "q"}, "Line 2 of .*relevant"),
        ({"query": "q", "relevant": ["a.md"]}, "Line 2 of .*no object"),
        ({"query": "q", "relevant": {"a.md": 9}}, "Line 2 of .*no object"),
        ([1, 2], "Line 2 of .* is no judged query"),
        ({"id": "1", "query": "q", "relevant": {}}, "Line 2 of .* repeats the id '1'"),
    ],
)
def test_a_line_at_fault_is_named(tmp_path: Path, row: Any, message: str) -> None:
    path = _file(tmp_path, {"id": "1", "query": "fine", "relevant": {}}, row)
    with pytest.raises(SourceError, match=message):
        read_queries(path)


def test_an_empty_or_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no queries"):
        read_queries(_file(tmp_path, ""))
    with pytest.raises(SourceError, match="cannot be read"):
        read_queries(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize(
    "came", [["a", "b", "c"], ["c", "b", "a"], ["x", "b", "y", "a"], ["x", "y"], ["b", "x", "x2", "c", "a"]]
)
def test_ndcg_has_the_gain_of_burges(came: list[str]) -> None:
    relevant = {"a": 2, "b": 1, "c": 2}
    gains = [2 ** relevant.get(path, 0) - 1 for path in came]
    ideal = sorted((2**grade - 1 for grade in relevant.values()), reverse=True)

    def discounted(values: list[int]) -> float:
        return sum(value / math.log2(place + 2) for place, value in enumerate(values[:10]))

    found = _report(relevant, came).figures()["nDCG@10"].mean
    assert found == pytest.approx(discounted(gains) / discounted(ideal), abs=1e-6)


def test_recall_counts_only_documents_that_answer() -> None:
    figures = _report({"a": 2, "b": 1, "c": 2}, ["b", "a", "x", "y", "z", "c"]).figures()
    assert figures["recall@5"].mean == pytest.approx(0.5)


def test_recall_is_not_said_where_nothing_answers_directly() -> None:
    assert "recall@5" not in _report({"a": 1}, ["a"]).figures()


def test_mrr_takes_the_first_document_that_bears_on_it() -> None:
    assert _report({"a": 2, "b": 1}, ["x", "b", "a"]).figures()["MRR@10"].mean == pytest.approx(0.5)


def test_a_document_counts_where_it_first_appears() -> None:
    assert _report({"a": 2}, ["x", "x", "x", "a"]).figures()["MRR@10"].mean == pytest.approx(0.5)


def test_the_lesson_must_be_seen_in_what_is_shown() -> None:
    lesson = "Watch the disk, always: it fills up."
    near = _report({"a": 2}, ["a"], lesson, "x" * 100 + " watch THE **disk**, always -- it fills up").figures()
    assert (near["lesson@10"].mean, near["lesson@3"].mean) == (1, 1)
    deep = _report({"a": 2}, ["a"], lesson, "x " * 150 + lesson).figures()
    assert (deep["lesson@10"].mean, deep["lesson@3"].mean) == (1, 0)
    hidden = _report({"a": 2}, ["a"], lesson, "x " * 400 + lesson).figures()
    assert (hidden["lesson@10"].mean, hidden["lesson@3"].mean) == (0, 0)


def _mixed() -> Report:
    queries = [
        JudgedQuery("1", "one", "natural", {"a": 2}),
        JudgedQuery("2", "two", "keyword", {"b": 2}),
        JudgedQuery("3", "three", "none", {}),
        JudgedQuery("4", "four", "none", {}, trap=True),
    ]
    hits = {query: [("a", "text"), ("b", "text")] for query in ("one", "two", "three", "four")}
    return evaluate(queries, Fixed(hits, {"one": 0.9, "two": 0.3, "three": 0.1, "four": 0.6}))


def test_the_verdict_figures_are_shares_and_pairs_in_order() -> None:
    found = {name: figure.mean for name, figure in _mixed().verdict().items()}
    assert found == {"answered": 0.5, "answered falsely": 0.5, "answered falsely, traps": 1.0, "AUROC": 0.75}


def test_there_are_no_verdict_figures_without_a_verdict() -> None:
    report = evaluate(
        [JudgedQuery("1", "q", "natural", {"a": 2})], lambda query, **_: _answer(query, [("a", "t")], None)
    )
    assert report.verdict() == {}


def test_figures_come_by_kind_and_leave_unanswerable_queries_out() -> None:
    report = _mixed()
    assert report.kinds() == ("natural", "keyword")
    assert report.figures()["MRR@10"].count == 2
    assert report.figures("keyword")["MRR@10"].mean == pytest.approx(0.5)


def test_failures_are_what_went_wrong_worst_first() -> None:
    assert [item.judged.id for item in _mixed().failures()] == ["2", "4"]


def test_the_report_says_the_same_each_time_in_text_and_json() -> None:
    report = _mixed()
    assert report.as_json() == _mixed().as_json()
    assert json.loads(json.dumps(report.as_json()))["answers"]["MRR@10"]["mean"] == 0.75
    text = report.as_text(failures=True)
    assert "MRR@10" in text
    assert "expected 2  at  2  b" in text
    assert "nobody recorded it" in text


QUERIES = [
    *(JudgedQuery(str(number), f"q{number}", "natural" if number < 6 else "keyword", {"a": 2}) for number in range(8)),
    JudgedQuery("none", "nobody", "none", {}),
]


def _run(came: Mapping[str, Sequence[str]], confidence: dict[str, float] | None = None) -> Report:
    """Every query gets what `came` says, else the right document first."""
    hits = {item.query: [(path, "t") for path in came.get(item.query, ["a"])] for item in QUERIES}
    return evaluate(QUERIES, Fixed(hits, confidence))


def test_a_comparison_is_paired_by_query_and_kind() -> None:
    worse, better = _run({f"q{number}": ["x", "a"] for number in range(6)}), _run({})
    found = compare(worse.outcomes, better.outcomes, "worse")
    assert found.kinds() == ("natural", "keyword")
    natural, keyword = found.differences("natural")["MRR@10"], found.differences("keyword")["MRR@10"]
    assert (natural.figure.mean, natural.figure.low, natural.figure.high) == (0.5, 0.5, 0.5)
    assert (keyword.figure.mean, keyword.p) == (0.0, 1.0)
    assert found.differences()["MRR@10"].figure.mean == pytest.approx(0.375)


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([0.5] * 5, 2 / 2**5),  # only all signs alike are as far from 0
        ([0.1, 0.2, 0.4], 2 / 2**3),
        ([0.1, 0.3, -0.2], 6 / 2**3),  # the sums are ±.6, ±.4, ±.2 and 0 twice; ±.2 is as far
        ([0.3, -0.3, 0.0], 1.0),
        ([0.0, 0.0], 1.0),
    ],
)
def test_the_p_value_is_that_of_all_ways_to_flip_signs(differences: list[float], expected: float) -> None:
    assert difference_of(differences).p == pytest.approx(expected, abs=0.015)


def test_the_verdicts_of_two_runs_are_compared_too() -> None:
    sure, unsure = _run({}), _run({}, {"q0": 0.1, "nobody": 0.2})
    found = compare(sure.outcomes, unsure.outcomes, "sure").verdict()
    assert found["answered"].figure.mean == pytest.approx(-1 / 8)
    assert found["answered falsely"].figure.mean == -1


def test_what_moved_most_is_listed_with_both_values() -> None:
    before = _run({"q1": ["x", "a"], "q2": ["x", "y", "a"]})
    after = _run({"q3": ["x", "a"]})
    moved = compare(before.outcomes, after.outcomes, "before").moved()
    assert [item.id for item in moved] == ["3", "1", "2"]
    assert (moved[0].before, moved[0].after) == (1.0, pytest.approx(0.6309, abs=1e-4))
    assert "q3" in compare(before.outcomes, after.outcomes, "before").as_text()


def test_a_run_written_as_json_is_compared_as_if_it_had_just_been_made(tmp_path: Path) -> None:
    before, after = _run({"q1": ["x", "y", "a"]}, {"q2": 0.1}), _run({})
    path = tmp_path / "run.json"
    path.write_text(json.dumps(before.as_json()), "utf-8")
    read = read_outcomes(path)
    assert compare(read, after.outcomes, "run").as_json() == compare(before.outcomes, after.outcomes, "run").as_json()
    assert compare(read, before.outcomes, "run").moved() == ()


@pytest.mark.parametrize(
    "changed",
    [
        [*QUERIES[:-1]],
        [*QUERIES, JudgedQuery("more", "more", "natural", {"a": 2})],
        [JudgedQuery("0", "another", "natural", {"a": 2}), *QUERIES[1:]],
        [JudgedQuery("0", "q0", "natural", {"b": 2}), *QUERIES[1:]],
    ],
)
def test_runs_over_other_queries_are_not_compared(changed: list[JudgedQuery]) -> None:
    other = evaluate(changed, Fixed({item.query: [("a", "t")] for item in changed}))
    with pytest.raises(SourceError, match=r"old.json was made with other queries than these.*same queries"):
        compare(other.outcomes, _run({}).outcomes, "old.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"each": [{"id": "1"}]}', '{"each": [3]}', '{"each": 3}'])
def test_a_file_that_is_no_run_is_named_with_the_mend(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text, "utf-8")
    with pytest.raises(SourceError, match=r"run.json is no report of a run.*--json"):
        read_outcomes(path)
    with pytest.raises(SourceError, match=r"nowhere.json cannot be read.*--json"):
        read_outcomes(tmp_path / "nowhere.json")
