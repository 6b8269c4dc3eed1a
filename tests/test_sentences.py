"""What is worked out of sentences at once is what one gets one by one."""

from __future__ import annotations

import numpy as np
import pytest
from bundles import bundle

from retriever.record.bundles import RUN
from retriever.rounding import unit_vectors
from retriever.sentences import Rows

DIM = 16


def _documents(sizes: list[int]) -> list:
    chance = np.random.default_rng(4)
    return [
        bundle(
            "abcdefgh"[number],
            [(f"{'word ' * chance.integers(1, 9)}{row}", chance.standard_normal(DIM)) for row in range(size)],
        )
        for number, size in enumerate(sizes)
    ]


def _cosine(document, rows, query) -> float:
    lengths = document.spans[rows, 1] - document.spans[rows, 0]
    total = np.sqrt(lengths) @ unit_vectors(document.embeddings[rows]).astype(np.float64)
    return float(total @ query / np.linalg.norm(total))


@pytest.fixture
def query():
    found = np.random.default_rng(5).standard_normal(DIM).astype(np.float32)
    return found / np.linalg.norm(found)


@pytest.mark.parametrize("sizes", [[1], [2], [4, 1, 3], [7, 2, 9, 1]])
def test_a_run_of_sentences_is_as_near_as_their_weighted_sum_and_ends_with_its_document(sizes, query):
    documents = _documents(sizes)
    rows = Rows.of(documents)
    wanted = [
        _cosine(document, np.arange(row, min(row + RUN, size)), query)
        for document, size in zip(documents, sizes, strict=True)
        for row in range(size)
    ]
    assert rows.run_cosines(rows.cosines(query)) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("sizes", [[1], [4, 1, 3], [7, 2, 9, 1]])
def test_a_passage_is_as_near_as_the_weighted_sum_of_its_sentences(sizes, query):
    documents = _documents(sizes)
    rows = Rows.of(documents)
    wanted = [
        _cosine(document, np.flatnonzero(document.owners == owner), query)
        for document in documents
        for owner in range(document.owners[-1] + 1)
    ]
    assert rows.passage_cosines(rows.cosines(query)) == pytest.approx(wanted, abs=1e-5)
    assert np.add.reduce([len(set(document.owners)) for document in documents]) == len(wanted)


def test_sentences_without_meaning_are_near_to_nothing(query):
    document = bundle("a", [("hidden", np.zeros(DIM)), ("hidden too", np.zeros(DIM))])
    rows = Rows.of([document])
    assert rows.run_cosines(rows.cosines(query)).tolist() == [0.0, 0.0]
    assert rows.passage_cosines(rows.cosines(query)).tolist() == [0.0]


def test_the_question_s_words_are_counted_in_a_document_and_no_others():
    document = bundle("a", [("pump gate pump", (1.0, 0.0)), ("gate pump", (0.0, 1.0))])
    asked = np.fromiter(map(hash, ("gate", "zebra", "pump")), np.int64)
    assert document.counts_of(asked).tolist() == [2, 0, 3]
    assert document.length == 5
    assert bundle("b", []).counts_of(asked).tolist() == [0, 0, 0]
