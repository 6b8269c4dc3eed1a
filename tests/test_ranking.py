from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from bundles import LetterPieces, ask, bundle

from retriever.choosing import GLANCE_CHARS, SHOWN_CHARS, Choice, choose
from retriever.lesson import Lesson
from retriever.question import doubtful, read_question
from retriever.ranking import Ranked, rank, shortlist
from retriever.words import QueryWord, query_words

EAST, NORTH, BETWEEN = (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)


def _ids(ranking: tuple[Ranked, ...]) -> list[str]:
    return [item.bundle.document.id for item in ranking]


def _text(choice: Choice) -> str:
    return choice.ranked.bundle.document.text[choice.start : choice.end]


def test_the_nearer_document_comes_first_where_words_say_nothing() -> None:
    documents = [bundle("a", [("one two", NORTH)]), bundle("b", [("three four", EAST)])]
    assert _ids(rank(ask("five", EAST, documents), documents, 2.0)) == ["b", "a"]


def test_the_document_with_the_words_comes_first_where_meaning_says_nothing() -> None:
    documents = [bundle("a", [("the queue stalled", EAST)]), bundle("b", [("a certificate expired", EAST)])]
    assert _ids(rank(ask("expired certificate", EAST, documents), documents, 3.0)) == ["b", "a"]


def test_words_alone_rank_without_a_model() -> None:
    documents = [bundle("a", [("the queue stalled", EAST)]), bundle("b", [("a certificate expired", EAST)])]
    ranking = rank(ask("queue", None, documents), documents, 3.0)
    assert _ids(ranking)[0] == "a"
    assert [name for name, _ in ranking[0].signals] == ["words"]


def test_one_document_without_embeddings_makes_all_be_ranked_by_words() -> None:
    whole = bundle("a", [("the queue stalled", EAST)])
    bare = replace(bundle("b", [("a certificate expired", EAST)]), embeddings=np.zeros((0, 0), np.int8))
    ranking = rank(ask("certificate", EAST, [whole, bare]), [whole, bare], 3.0)
    assert _ids(ranking) == ["b", "a"]


def test_the_signals_add_up_to_the_score() -> None:
    documents = [bundle("a", [("disk full", EAST), ("backup lost", NORTH)]), bundle("b", [("disk", BETWEEN)])]
    for item in rank(ask("disk full", BETWEEN, documents), documents, 3.0):
        assert sum(share for _, share in item.signals) == pytest.approx(item.score, abs=1e-5)


def test_a_score_does_not_depend_on_what_else_is_compared() -> None:
    documents = [bundle(name, [("disk full", EAST), ("backup lost", vector)]) for name, vector in
                 (("a", NORTH), ("b", EAST), ("c", BETWEEN))]  # fmt: skip
    question = ask("disk full", EAST, documents)
    alone = rank(question, documents[:1], 3.0)[0]
    among = next(item for item in rank(question, documents, 3.0) if item.bundle.key == documents[0].key)
    assert alone.score == pytest.approx(among.score, abs=1e-6)


def test_equal_documents_are_ordered_by_id_whatever_order_they_come_in() -> None:
    documents = [bundle(name, [("disk full", EAST)]) for name in ("c", "a", "b")]
    question = ask("disk", EAST, documents)
    assert _ids(rank(question, documents, 2.0)) == _ids(rank(question, documents[::-1], 2.0)) == ["a", "b", "c"]


def test_what_was_extracted_does_not_change_the_order_of_documents() -> None:
    documents = [bundle("a", [("one", EAST)]), bundle("b", [("one", EAST)], stated=[0])]
    first, second = rank(ask("two", EAST, documents), documents, 1.0)
    assert first.score == second.score


def test_a_word_in_the_title_counts_more_than_one_in_the_body() -> None:
    documents = [
        bundle("a", [("outage noted here", EAST)], title="notes"),
        bundle("b", [("notes noted here", EAST)], title="outage"),
    ]
    assert _ids(rank(ask("outage", EAST, documents), documents, 4.0)) == ["b", "a"]


def test_a_near_word_counts_where_the_word_itself_is_missing() -> None:
    pieces = LetterPieces({"car": (5000, EAST), "auto": (5001, (0.9, 0.1)), "moon": (5002, NORTH)})
    documents = [bundle("a", [("moon", NORTH)], pieces=pieces), bundle("b", [("auto", NORTH)], pieces=pieces)]
    ranking = rank(ask("car", NORTH, documents, pieces), documents, 1.0)
    assert _ids(ranking) == ["b", "a"]
    assert dict(ranking[0].signals)["senses"] > 2.6


def test_two_words_may_be_looked_up_by_one_token() -> None:
    # As where one of them is taken for a slip of the pen.
    words = [QueryWord("certificate", "certif"), QueryWord("certficate", "certif"), QueryWord("expired", "expir")]
    question = read_question(words, None, {"certif": 1, "expir": 1}, 2)
    documents = [bundle("a", [("nothing here", EAST)]), bundle("b", [("certificate expired", EAST)], title="expired")]
    ranking = rank(question, documents, 2.0)
    assert _ids(ranking) == ["b", "a"]
    assert ranking[0].matched == {"certif", "expir"}


def test_nothing_to_rank_gives_nothing() -> None:
    assert rank(ask("anything", EAST, []), [], 0.0) == ()
    assert choose((), 10) == ()


def test_a_document_without_sentences_is_left_out() -> None:
    documents = [bundle("a", []), bundle("b", [("disk", EAST)])]
    assert _ids(rank(ask("disk", EAST, documents), documents, 1.0)) == ["b"]


def test_a_question_without_words_is_ranked_by_meaning() -> None:
    documents = [bundle("a", [("one", NORTH)]), bundle("b", [("two", EAST)])]
    assert _ids(rank(ask("!?", EAST, documents), documents, 1.0)) == ["b", "a"]


def test_the_shortlist_joins_meaning_and_words() -> None:
    meaning = [[(1, 0.9), (2, 0.8)], [(1, 0.7), (1, 0.6), (3, 0.1)]]
    assert shortlist(meaning, [], 3) == [1, 2, 3]
    assert shortlist(meaning, [(2, 10.0), (3, 1.0)], 2) == [2, 3]


@pytest.mark.parametrize("spread", [0.5, 0.001])
def test_how_far_apart_the_nearest_are_which_a_large_memory_makes_less_does_not_matter(spread: float) -> None:
    near = [(number, 0.9 - spread * number / 200) for number in range(200)]
    words = [(number, 9.0 - number / 1000) for number in range(1000, 1200)]
    found = shortlist([near, near], words, 30)
    assert found == shortlist([near, near], [(key, score * 50) for key, score in words], 30)
    assert sum(key < 1000 for key in found) == 15


def test_the_shortlist_works_without_either_side_and_breaks_ties_by_key() -> None:
    assert shortlist([], [(7, 2.0), (5, 1.0)], 5) == [7, 5]
    assert shortlist([[(3, 0.5)], [(2, 0.5)]], [], 5) == [2, 3]
    assert shortlist([[(3, 0.5)], []], [], 5) == [3]
    assert shortlist([], [], 5) == []


def test_a_whole_compound_that_nobody_wrote_is_not_asked_for() -> None:
    question = read_question(query_words("disk-full"), None, {"disk": 3, "full": 1, "disk_ful": 0}, 10)
    assert [item.word.token for item in question.asked] == ["disk", "full"]


def test_only_unknown_words_that_the_vocabulary_has_in_pieces_may_be_slips() -> None:
    class Splitting(LetterPieces):
        def piece_ids(self, texts: Sequence[str]) -> list[Any]:
            return [np.asarray([1, 2, 3] if text == "kuberntes" else [1]) for text in texts]

    words = query_words("kuberntes ransomware disk")
    found = doubtful(words, {"disk": 4}, Splitting({}))
    assert [word.text for word in found] == ["kuberntes"]
    assert doubtful(words, {"disk": 4}, None) == ()


def test_the_lesson_is_shown_and_not_the_sentence_that_is_like_the_question() -> None:
    document = bundle("a", [("the disk was full", EAST), ("x" * 300, NORTH), ("watch the disks", BETWEEN)], stated=[2])
    (choice,) = choose(rank(ask("disk full", EAST, [document]), [document], 8.0), 1, 1)
    assert _text(choice) == "watch the disks"
    assert choice.lesson is not None
    assert choice.lesson.id == "a-2"


def test_a_text_goes_on_with_likely_sentences_but_not_past_its_length() -> None:
    document = bundle("a", [(f"lesson {number} " + "word " * 30, EAST) for number in range(9)], stated=range(9))
    (choice,) = choose(rank(ask("lesson", EAST, [document]), [document], 99.0), 1, 1)
    assert GLANCE_CHARS < len(_text(choice)) <= SHOWN_CHARS


def test_a_text_ends_before_what_does_not_answer() -> None:
    document = bundle("a", [("watch the disks", EAST), ("thanks to all", (-1.0, 0.0))], stated=[0])
    (choice,) = choose(rank(ask("disks", EAST, [document]), [document], 6.0), 1, 1)
    assert _text(choice) == "watch the disks"


def test_the_texts_of_a_document_do_not_overlap() -> None:
    document = bundle("a", [(f"lesson {number} " + "word " * 30, EAST) for number in range(12)], stated=range(12))
    choices = choose(rank(ask("lesson", EAST, [document]), [document], 99.0), 3, 3)
    spans = sorted((choice.start, choice.end) for choice in choices)
    assert len(spans) == 3
    assert all(first[1] <= second[0] for first, second in zip(spans, spans[1:], strict=False))


def test_the_best_documents_show_two_texts_before_the_others_show_a_second() -> None:
    documents = [
        bundle(
            name,
            [(f"{name} first " + "w " * 400, (1.0, turn)), (f"{name} second " + "v " * 400, (1.0, turn))],
        )
        for name, turn in (("a", 0.1), ("b", 0.2), ("c", 0.3), ("d", 0.4))
    ]
    choices = choose(rank(ask("first", EAST, documents), documents, 99.0), 8)
    order = [choice.ranked.bundle.document.id for choice in choices]
    assert order == ["a", "a", "b", "b", "c", "d", "c", "d"]
    assert [choice.score for choice in choices] == sorted((choice.score for choice in choices), reverse=True)


def test_a_filter_on_lessons_shows_those_alone() -> None:
    document = bundle("a", [("watch the disks", EAST), ("test the backup", EAST), ("other", EAST)], stated=[0, 1])

    def is_second(lesson: Lesson) -> bool:
        return lesson.id == "a-1"

    choices = choose(rank(ask("disks", EAST, [document]), [document], 6.0), 10, 2, is_second)
    assert [_text(choice) for choice in choices] == ["test the backup"]


def test_k_and_per_document_are_kept_to() -> None:
    documents = [
        bundle(name, [(f"{name}{number} " + "w " * 400, EAST) for number in range(5)]) for name in ("a", "b", "c")
    ]
    ranking = rank(ask("w", EAST, documents), documents, 99.0)
    assert len(choose(ranking, 4)) == 4
    assert len(choose(ranking, 100, 1)) == 3
    assert len(choose(ranking, 100, 4)) == 12
