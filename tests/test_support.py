from __future__ import annotations

import numpy as np
import pytest
from bundles import LetterPieces, ask, bundle

from retriever.sentences import nearest_window
from retriever.support import MAX_WORDS, rests, support
from retriever.words import without_each

EAST, NORTH = (1.0, 0.0), (0.0, 1.0)
PIECES = LetterPieces({"disk": (3000, EAST), "full": (3001, EAST), "slurm": (29_000, EAST)})


def _unit(*rows: tuple[float, float]) -> np.ndarray:
    found = np.asarray(rows, np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_each_word_but_question_words_is_taken_away_once() -> None:
    assert [rest for rest, _ in without_each("was the disk full?")] == ["was the  full?", "was the disk ?"]


def test_a_compound_is_taken_away_whole_and_known_by_its_parts() -> None:
    (_, parts), (rest, _) = without_each("CONFIG_PROXY_TOKEN lost")
    assert parts >= {"config", "proxy", "token"}
    assert rest == "CONFIG_PROXY_TOKEN "


def test_accents_are_no_reason_to_miss_a_word() -> None:
    assert [rest for rest, _ in without_each("Café brûlé")] == [" brule", "Cafe "]


def test_a_question_of_question_words_has_nothing_to_take_away() -> None:
    assert without_each("what was it?") == ()
    assert rests("what was it?", ask("what was it?", EAST, [])) == ()


def test_the_rarest_words_are_taken_away() -> None:
    found = rests("disk full slurm", ask("disk full slurm", EAST, [], PIECES))
    assert found[0][0] == "disk full "
    assert found[0][1] > found[1][1]
    many = " ".join(f"word{letter}" for letter in "abcdefghijkl")
    assert len(rests(many, ask(many, EAST, []))) == MAX_WORDS


def test_a_single_word_leaves_nothing_to_compare_with() -> None:
    assert rests("disk", ask("disk", EAST, [], PIECES)) == ()


def test_a_word_is_supported_by_what_lies_in_the_direction_of_its_move() -> None:
    question = _unit((1, 1))[0]
    without = _unit((1, 0.2))
    assert support(question, without, [1.0], _unit((-1, 1))[0]) > 0.9
    assert support(question, without, [1.0], _unit((1, -1))[0]) < -0.9


def test_the_least_supported_word_counts_most_and_more_so_when_it_is_rare() -> None:
    question = _unit((1, 1))[0]
    without = _unit((1, 0.2), (0.2, 1))
    evidence = _unit((-1, 1))[0]
    both = support(question, without, [1.0, 1.0], evidence)
    assert both < 0
    assert support(question, without, [1.0, 0.1], evidence) > both > support(question, without, [0.1, 1.0], evidence)


def test_a_word_that_moves_nothing_says_nothing() -> None:
    question = _unit((1, 1))[0]
    assert support(question, question[None], [1.0], _unit((1, 0))[0]) == pytest.approx(0)


def test_the_nearest_window_is_a_unit_vector_of_the_best_document() -> None:
    documents = [bundle("a", [("one", NORTH), ("two", NORTH)]), bundle("b", [("three", EAST), ("four", EAST)])]
    found = nearest_window(np.asarray(EAST, np.float32), documents)
    assert found == pytest.approx(np.asarray(EAST), abs=1e-3)
    assert nearest_window(np.asarray(EAST, np.float32), []) is None
