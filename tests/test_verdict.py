from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import pytest
from bundles import LetterPieces, ask, bundle

from retriever import verdict
from retriever.question import Question
from retriever.ranking import Ranked, rank
from retriever.verdict import (
    OPEN,
    Calibration,
    Evidence,
    Logit,
    calibration_for,
    judge,
    known_calibrations,
    weigh,
)

EAST = (1.0, 0.0)
PIECES = LetterPieces(
    {
        "disk": (3000, EAST),
        "was": (2001, EAST),
        "full": (3001, EAST),
        "slurm": (29_000, (0.0, 1.0)),
        "huge": (4_000, (0.7, 0.7)),
    }
)


@pytest.fixture
def calibrated(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A model named "known" has a calibration."""
    fields = {
        "first": {"intercept": -2.0, "score": 1.0, "words": 0.5, "weakest": 1.0},
        "closer": {
            "support": {"intercept": -2.0, "score": 1.0, "words": 0.5, "weakest": 1.0, "support": 20.0},
            "steady": {"intercept": -2.0, "score": 1.0, "words": 0.5, "weakest": 1.0, "support": 0.0, "steady": 20.0},
        },
        "threshold": 0.4,
        "lesson": [1.0, 0.0],
    }
    monkeypatch.setattr(verdict, "known_calibrations", lambda: {"known": fields})
    calibration_for.cache_clear()
    yield
    calibration_for.cache_clear()


def _evidence(query: str) -> Evidence:
    documents = [bundle("a", [("disk was full", EAST)], pieces=PIECES)]
    question = ask(query, EAST, documents, PIECES)
    return weigh(question, rank(question, documents, 3.0))


def test_the_word_that_the_best_document_holds_worst_decides_how_well_it_holds_the_question() -> None:
    assert _evidence("disk full").weakest == pytest.approx(1.0)
    assert _evidence("disk slurm").weakest < _evidence("disk huge").weakest < 1.0
    assert _evidence("disk full slurm").weakest < 0.5


def test_without_senses_no_word_is_known_to_be_held() -> None:
    documents = [bundle("a", [("disk was full", EAST)])]
    question = ask("disk", EAST, documents)
    assert weigh(question, rank(question, documents, 3.0)).weakest == 0.0


def test_the_words_are_counted_by_their_logarithm() -> None:
    assert _evidence("disk full slurm").words == pytest.approx(math.log(3))


def test_documents_are_counted_by_their_logarithm() -> None:
    documents = [bundle(name, [("disk was full", EAST)], pieces=PIECES) for name in "abcde"]
    question = ask("disk", EAST, documents, PIECES)
    assert weigh(question, rank(question, documents, 3.0)).documents == pytest.approx(math.log(5))
    assert _evidence("disk").documents == 0.0


@pytest.mark.usefixtures("calibrated")
def test_better_evidence_makes_more_confident() -> None:
    found = calibration_for("known")
    assert found is not None
    probability = found.first.probability
    sure = probability(Evidence(2.5, 1.0, 0.9))
    assert probability(Evidence(1.0, 1.0, 0.9)) < sure
    assert probability(Evidence(2.5, 1.0, 0.1)) < sure
    assert 0 <= probability(Evidence(-1e9, 0.0, -1e9)) <= probability(Evidence(1e9, 0.0, 0.0)) <= 1


@pytest.mark.usefixtures("calibrated")
def test_answered_follows_from_confidence_and_threshold() -> None:
    documents = [bundle("a", [("disk was full", EAST)], pieces=PIECES)]
    for query, direction in (("disk full", EAST), ("slurm", (-1.0, 0.0))):
        question = ask(query, direction, documents, PIECES)
        said = judge(question, rank(question, documents, 3.0), "known")
        assert said.confidence is not None
        assert said.answered is (said.confidence >= 0.4)


def _open_question() -> tuple[Question, tuple[Ranked, ...]]:
    """A question whose first look leaves the verdict open."""
    documents = [bundle("a", [("disk was full", EAST)], pieces=PIECES)]
    question = ask("disk slurm", (0.2, 1.0), documents, PIECES)
    return question, rank(question, documents, 3.0)


def _never() -> float:
    raise AssertionError("looked closer")


@pytest.mark.usefixtures("calibrated")
def test_a_closer_look_is_taken_where_the_first_leaves_it_open_and_then_decides() -> None:
    question, ranking = _open_question()
    first = judge(question, ranking, "known")
    assert first.confidence is not None
    assert OPEN["support"][0] < first.confidence < OPEN["support"][1]
    assert judge(question, ranking, "known", {"support": lambda: 1.0, "steady": _never}).answered is True
    assert judge(question, ranking, "known", {"support": lambda: -1.0, "steady": _never}).answered is False


@pytest.mark.usefixtures("calibrated")
def test_a_second_closer_look_is_taken_where_the_first_one_leaves_it_open() -> None:
    question, ranking = _open_question()
    undecided = judge(question, ranking, "known", {"support": lambda: 0.0})
    assert undecided.confidence is not None
    assert OPEN["steady"][0] < undecided.confidence < OPEN["steady"][1]
    for steady, answered in ((1.0, True), (-1.0, False)):
        looks = {"support": lambda: 0.0, "steady": lambda steady=steady: steady}
        assert judge(question, ranking, "known", looks).answered is answered


@pytest.mark.usefixtures("calibrated")
def test_a_look_that_finds_nothing_is_the_last() -> None:
    question, ranking = _open_question()
    first = judge(question, ranking, "known")
    assert judge(question, ranking, "known", {"support": lambda: None, "steady": _never}) == first
    half = judge(question, ranking, "known", {"support": lambda: 0.0})
    assert judge(question, ranking, "known", {"support": lambda: 0.0, "steady": lambda: None}) == half


def test_a_model_that_was_fitted_without_a_look_does_not_take_it() -> None:
    open_first = Logit(0.0, 0.0, 0.0, 0.0)
    fields = {"first": asdict(open_first), "closer": {}, "threshold": 0.4, "lesson": []}
    looks = {"support": _never, "steady": _never}
    assert Calibration.of(fields).confidence(Evidence(1.0, 1.0, 1.0), looks) == pytest.approx(0.5)


@pytest.mark.usefixtures("calibrated")
def test_no_closer_look_is_paid_for_where_the_first_is_sure() -> None:
    documents = [bundle("a", [("disk was full", EAST)], pieces=PIECES)]
    question = ask("slurm", (-1.0, 0.0), documents, PIECES)
    looks = {"support": _never, "steady": _never}
    assert judge(question, rank(question, documents, 3.0), "known", looks).answered is False


@pytest.mark.usefixtures("calibrated")
def test_an_empty_memory_answers_nothing() -> None:
    said = judge(ask("disk", EAST, []), (), "known")
    assert (said.answered, said.confidence) == (False, 0.0)


@pytest.mark.usefixtures("calibrated")
def test_there_is_no_verdict_for_an_unknown_model_or_without_meaning() -> None:
    documents = [bundle("a", [("disk was full", EAST)], pieces=PIECES)]
    question = ask("disk", EAST, documents, PIECES)
    assert judge(question, rank(question, documents, 3.0), "another").confidence is None
    blind = ask("disk", None, documents, PIECES)
    assert judge(blind, rank(blind, documents, 3.0), "known").answered is None


def test_every_shipped_calibration_is_whole_and_points_the_right_way() -> None:
    shipped = known_calibrations()
    assert shipped
    for fields in shipped.values():
        found = Calibration.of(fields)
        for logit in (found.first, *found.closer.values()):
            assert logit.score > 0
            assert logit.weakest > 0
            # Among more documents the best fits better, and answers no more often.
            assert logit.documents < 0
        assert found.closer["support"].support > 0
        assert found.closer["steady"].steady > 0
        assert 0 < found.threshold < 1
        direction = found.direction()
        assert direction is not None
        assert direction.ndim == 1


def test_a_calibration_without_a_direction_has_none() -> None:
    logit = Logit(0.0, 1.0, -1.0, 0.0)
    assert Calibration(logit, {}, 0.5).direction() is None
