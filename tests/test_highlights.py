from __future__ import annotations

import pytest
from bundles import ask, bundle
from hypothesis import given
from hypothesis import strategies as st

from retriever.choosing import choose
from retriever.highlights import highlight, merged
from retriever.ranking import rank

EAST, NORTH = (1.0, 0.0), (0.0, 1.0)


def _marked(query: str, sentences: list[tuple[str, tuple[float, float]]]) -> list[str]:
    documents = [bundle("a", sentences), bundle("b", [("something else altogether", NORTH)])]
    question = ask(query, EAST, documents)
    choice = next(
        item for item in choose(rank(question, documents, 5.0), 9, 1) if item.ranked.bundle.document.id == "a"
    )
    text = choice.ranked.bundle.document.text[choice.start : choice.end]
    return [text[start:end] for start, end in highlight(choice, question)]


def test_all_forms_of_a_word_are_marked() -> None:
    assert _marked("certificate expiry", [("Certificates expire. Watch every certificate.", EAST)]) == [
        "Certificates",
        "certificate",
    ] or _marked("expired certificate", [("Certificates expire. Watch every certificate.", EAST)]) == [
        "Certificates expire",
        "certificate",
    ]


def test_words_beside_each_other_are_one_mark() -> None:
    assert _marked("disk full", [("The disk-full alert: disk full again", EAST)]) == [
        "disk-full",
        "disk full",
    ]


def test_a_semantic_match_marks_the_sentence_that_answers() -> None:
    sentences = [("Nobody was told.", (1.0, 0.4)), ("The alert went to a closed channel.", EAST)]
    assert _marked("silence overnight", sentences) == ["The alert went to a closed channel."]


def test_marks_are_within_the_text_sorted_and_apart() -> None:
    assert merged("one two three", [(8, 99), (-5, 3), (4, 7), (8, 13)]) == ((0, 13),)
    assert merged("one xx three", [(7, 12), (0, 3)]) == ((0, 3), (7, 12))


@pytest.mark.parametrize("marks", [[], [(5, 5)], [(9, 3)]])
def test_empty_marks_are_no_marks(marks: list[tuple[int, int]]) -> None:
    assert merged("some text", marks) == ()


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(-5, 50), st.integers(-5, 50)), max_size=8))
def test_any_marks_come_out_sorted_apart_and_in_range(text: str, marks: list[tuple[int, int]]) -> None:
    found = merged(text, marks)
    flat = [at for span in found for at in span]
    assert flat == sorted(set(flat))
    assert all(0 <= at <= len(text) for at in flat)
