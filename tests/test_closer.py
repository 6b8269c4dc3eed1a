from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from bundles import ask, bundle

from retriever.closer import CloserLooks
from retriever.embedder import Embedder
from retriever.encoded import Encoded, without_tokens
from retriever.joint import (
    QUESTION_CHARS,
    TEXT_CHARS,
    TITLE_CHARS,
    likeliest_text,
    meaning_by_itself,
    steadiness,
)
from retriever.ranking import Ranked, rank
from retriever.record.bundles import Bundle

EAST, NORTH = (1.0, 0.0), (0.0, 1.0)


class Reader:
    """Reads words whose vectors are known; a text after a question is bent towards it by `bend`."""

    fingerprint = "reader"
    dim = 2

    def __init__(self, bend: float = 0.0, *, shows_tokens: bool = True) -> None:
        self.bend, self.shows_tokens = bend, shows_tokens
        self.limit, self.prompt = 1000, ""
        self.read: list[str] = []

    def read_documents(self, texts: Sequence[str]) -> list[Encoded]:
        self.read += texts
        return [self._encoded(f"{self.prompt}{text}".split()[: self.limit]) for text in texts]

    def encode_queries(self, queries: Sequence[str]) -> Any:
        return np.stack([self._encoded(query.split()).embedding for query in queries])

    def _encoded(self, words: list[str]) -> Encoded:
        rows = np.asarray([NORTH if word.isupper() else EAST for word in words], np.float32)
        bent = rows + self.bend * rows[0]
        embedding = bent.mean(axis=0)
        if not self.shows_tokens:
            return without_tokens(embedding)
        # A special token at either end, as far from everything as can be.
        special = np.asarray([(-9.0, -9.0)], np.float32)
        pieces = np.asarray([-1, *(zlib.crc32(word.encode()) >> 1 for word in words), -1], np.int64)
        return Encoded(embedding, pieces, np.concatenate([special, bent, special]))


def _ranked(*documents: Bundle) -> tuple[Ranked, ...]:
    return rank(ask("disk", EAST, documents), documents, 3.0)


def test_the_text_is_the_title_and_the_likeliest_sentence_with_the_next() -> None:
    sentences = [("Far away.", NORTH), ("The disk was full.", EAST), ("Nobody looked.", NORTH), ("Later.", NORTH)]
    (found,) = _ranked(bundle("a", sentences, title="Tuesday"))
    assert likeliest_text(found) == "Tuesday. The disk was full. Nobody looked."


def test_the_text_ends_with_the_document_and_is_never_long() -> None:
    (found,) = _ranked(bundle("a", [("The disk was full.", EAST)], title="Tuesday"))
    assert likeliest_text(found) == "Tuesday. The disk was full."
    (long,) = _ranked(bundle("b", [("disk " * 100, EAST)], title="Tuesday " * 100))
    assert len(likeliest_text(long)) == TITLE_CHARS + len(". ") + TEXT_CHARS


def test_what_only_a_hidden_lesson_says_is_not_read() -> None:
    document = bundle("a", [("The disk was full.", EAST), ("Somebody else was to blame.", NORTH)], title="Tuesday")
    (found,) = _ranked(replace(document, silent=frozenset({1})))
    assert likeliest_text(found) == "Tuesday. The disk was full."


def test_a_title_alone_is_not_read_since_it_may_repeat_a_hidden_lesson() -> None:
    document = replace(bundle("a", [("Somebody was to blame.", EAST)], title="Somebody was to blame"))
    (found,) = _ranked(replace(document, silent=frozenset({0})))
    assert likeliest_text(found) == ""
    reader: Any = Reader()
    assert CloserLooks().at(reader, "blame", ask("blame", EAST, [document]), (found,))["steady"]() is None
    assert reader.read == []


def test_a_text_is_steady_when_it_reads_the_same_after_the_question() -> None:
    for bend, expected in ((0.0, 1.0), (2.0, 1 / np.hypot(1, 2))):
        alone, after = Reader(bend).read_documents(["disk full", "WHO disk full"])
        # Special tokens and the question itself have no part in it.
        assert len(meaning_by_itself(alone).pieces) == 2
        assert steadiness(meaning_by_itself(alone), after) == pytest.approx(expected, abs=1e-6)


def test_a_text_that_the_model_did_not_read_to_its_end_tells_nothing() -> None:
    reader: Any = Reader()
    documents = [bundle("a", [("disk full", EAST)], title="t")]
    ranking, question = _ranked(*documents), ask("disk", EAST, documents)
    reader.limit = len("was the t. disk full".split())
    assert CloserLooks().at(reader, "was the", question, ranking)["steady"]() == pytest.approx(1.0)
    assert CloserLooks().at(reader, "was the other", question, ranking)["steady"]() is None


def test_a_prompt_before_each_text_leaves_nothing_to_compare() -> None:
    reader: Any = Reader()
    reader.prompt = "passage: "
    documents = [bundle("a", [("disk full", EAST)])]
    looks = CloserLooks().at(reader, "was the", ask("disk", EAST, documents), _ranked(*documents))
    assert looks["steady"]() is None


def test_a_pasted_log_would_bend_every_text_so_it_is_not_read_with_them() -> None:
    reader: Any = Reader()
    documents = [bundle("a", [("disk full", EAST)])]
    long = "disk " * (QUESTION_CHARS // len("disk ") + 1)
    assert CloserLooks().at(reader, long, ask("disk", EAST, documents), _ranked(*documents))["steady"]() is None
    assert reader.read == []


def test_no_word_of_a_document_is_kept() -> None:
    reader: Any = Reader()
    closer = CloserLooks()
    documents = [bundle("a", [("disk full", EAST)], title="secret")]
    closer.at(reader, "disk", ask("disk", EAST, documents), _ranked(*documents))["steady"]()
    kept = repr([*closer._alone._values, *closer._steadiest._values])
    assert "disk" in kept
    assert "secret" not in kept
    assert "full" not in kept


def test_a_model_that_shows_no_tokens_tells_nothing() -> None:
    reader: Any = Reader(shows_tokens=False)
    documents = [bundle("a", [("disk full", EAST)])]
    looks = CloserLooks().at(reader, "disk full", ask("disk full", EAST, documents), _ranked(*documents))
    assert looks["steady"]() is None


def test_the_steadiest_of_the_best_documents_counts() -> None:
    reader: Any = Reader(bend=1.0)
    documents = [bundle("a", [("disk full", EAST)], title="x"), bundle("b", [("DISK FULL", NORTH)], title="X")]
    ranking = _ranked(*documents)
    both = CloserLooks().at(reader, "DISK", ask("disk", EAST, documents), ranking)["steady"]()
    one = CloserLooks().at(reader, "DISK", ask("disk", EAST, documents), ranking[:1])["steady"]()
    assert both == pytest.approx(1.0)
    assert one is not None
    assert one < both


def test_what_a_text_means_by_itself_is_read_once() -> None:
    reader: Any = Reader()
    closer = CloserLooks()
    documents = [bundle("a", [("disk full", EAST)], title="t")]
    ranking, question = _ranked(*documents), ask("disk", EAST, documents)
    for query in ("disk", "disk", "other disk"):
        closer.at(reader, query, question, ranking)["steady"]()
    assert reader.read == ["t. disk full", "disk t. disk full", "other disk t. disk full"]


def test_without_documents_or_words_to_take_away_there_is_nothing_to_tell() -> None:
    reader: Any = Reader()
    closer = CloserLooks()
    assert closer.at(reader, "disk full", ask("disk full", EAST, []), ())["support"]() is None
    assert closer.at(reader, "disk full", ask("disk full", EAST, []), ())["steady"]() is None
    documents = [bundle("a", [("disk full", EAST)])]
    single = closer.at(reader, "disk", ask("disk", EAST, documents), _ranked(*documents))
    assert single["support"]() is None


def test_the_default_model_reads_what_is_asked_the_same_and_bends_what_is_not(embedder: Embedder) -> None:
    said = "The certificate of the gateway expired and nobody had renewed it."
    closer = CloserLooks()
    documents = [bundle("a", [(said, EAST)], title="Gateway down")]
    question = ask("certificate", EAST, documents)
    steady = [
        closer.at(embedder, query, question, _ranked(*documents))["steady"]()
        for query in ("did a certificate expire because nobody renewed it?", "which gateway sells wedding cakes?")
    ]
    assert steady[0] is not None
    assert steady[1] is not None
    assert steady[0] > steady[1] + 0.05
