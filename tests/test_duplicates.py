"""The same thing told twice: shown once, linked, and told apart from what only reads alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bundles import ask, bundle

from retriever.choosing import choose
from retriever.duplicates import Told, tell_once
from retriever.evaluation import JudgedQuery, evaluate
from retriever.lesson import AlsoIn, Answer, Document, Hit, Lesson
from retriever.memory import Memory
from retriever.ranking import rank
from retriever.record.candidates import Bundle
from retriever.terminal import answer_text
from retriever.wire import answer_json

EAST = (1.0, 0.0)
SLANTED = (1.0, 0.3)
ASLANT = (1.0, 0.7)
NORTH = (0.0, 1.0)
FIRST = "restart the courier gateway after every certificate renewal"
AGAIN = "after each certificate renewal restart the courier gateway"


def _dated(document: Bundle, day: str) -> Bundle:
    meta = replace(document.document.meta, date=day)
    return replace(document, document=replace(document.document, meta=meta))


def _told(documents: list[Bundle], k: int = 10, per_document: int = 2) -> tuple[Told, ...]:
    ranking = rank(ask("courier certificate", EAST, documents), documents, 9.0)
    return tell_once(choose(ranking, k + 10, per_document), k)


def _names(told: tuple[Told, ...]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (
            item.choice.ranked.bundle.document.id,
            [(twin.bundle.document.id, twin.same) for twin in item.twins],
        )
        for item in told
    ]


def _two(first: str, second: str, *, near: Any = SLANTED, stated: tuple[int, ...] = (0,)) -> list[Bundle]:
    return [bundle("a", [(first, EAST)], stated=stated), bundle("b", [(second, near)], stated=stated)]


def test_the_same_text_in_two_documents_is_shown_once_and_linked() -> None:
    documents = [bundle(name, [("watch the disks", EAST)]) for name in ("a", "b")]
    assert _names(_told(documents)) == [("a", [("b", "lesson")])]


def test_a_lesson_stated_in_other_words_is_shown_once_and_linked() -> None:
    (told,) = _told(_two(FIRST, AGAIN))
    (twin,) = told.twins
    assert (twin.bundle.document.id, twin.lesson and twin.lesson.id) == ("b", "b-0")


@pytest.mark.parametrize(
    "documents",
    [
        _two(FIRST, AGAIN, near=ASLANT),
        _two(FIRST, "buy more umbrellas for rainy delivery mornings", near=EAST),
        _two("raise the courier memory limit from 25 to 50", "raise the courier memory limit from 50 to 60"),
        _two(FIRST, AGAIN, stated=()),
        _two(FIRST, FIRST.replace("renewal", "outage"), near=EAST, stated=()),
    ],
    ids=["far", "other words", "other numbers", "no lessons", "the same beginning"],
)
def test_what_only_reads_alike_is_shown_twice(documents: list[Bundle]) -> None:
    assert _names(_told(documents)) == [("a", []), ("b", [])]


def test_one_document_may_say_nearly_the_same_twice_but_not_exactly() -> None:
    document = bundle("a", [(FIRST, EAST), (AGAIN, SLANTED), (FIRST, EAST)], stated=[0, 1, 2])
    told = tell_once(choose(rank(ask("courier", EAST, [document]), [document], 9.0), 9, 9), 9)
    assert len({(item.choice.start, item.choice.end) for item in told}) == len(told)
    assert all(not item.twins for item in told)


def test_places_of_dropped_texts_are_filled() -> None:
    documents = [bundle(name, [(FIRST, EAST)], stated=[0]) for name in "abcd"]
    documents.append(bundle("e", [("label the courier boxes by hand", NORTH)]))
    assert _names(_told(documents, k=2)) == [("a", [(name, "lesson") for name in "bcd"]), ("e", [])]


def test_two_reports_of_one_day_that_are_near_are_one_incident_and_both_stay() -> None:
    documents = [
        _dated(bundle("a", [("the gateway refused every courier", EAST)], stated=[0]), "2024-02-08"),
        _dated(bundle("b", [("people could not sign in at all", ASLANT)], stated=[0]), "2024-02-08"),
    ]
    assert _names(_told(documents)) == [("a", [("b", "incident")]), ("b", [("a", "incident")])]


@pytest.mark.parametrize("day", ["2024-02-10", "2024-02-12", "2024-02", "2024-02-31"])
def test_reports_of_other_days_need_more_to_be_one_incident(day: str) -> None:
    documents = [
        _dated(bundle("a", [("the gateway refused every courier", EAST)], stated=[0]), "2024-02-08"),
        _dated(bundle("b", [("people could not sign in at all", ASLANT)], stated=[0]), day),
    ]
    assert _names(_told(documents)) == [("a", []), ("b", [])]


def test_within_one_incident_less_is_enough_to_be_the_same() -> None:
    documents = [
        _dated(bundle("a", [(FIRST, EAST)], stated=[0]), "2024-02-08"),
        _dated(bundle("b", [(AGAIN, ASLANT)], stated=[0]), "2024-02-08"),
    ]
    assert _names(_told(documents)) == [("a", [("b", "lesson")])]


def test_an_answer_links_to_the_passage_that_says_the_same(
    memory: Memory, folder: Path, read: Callable[..., Any]
) -> None:
    for name in ("north", "south"):
        text = f"# Depot {name}\n\n## Lessons learned\n\n- Restart the gateway after every certificate renewal.\n"
        (folder / f"{name}.md").write_text(text, "utf-8")
    read()
    answer = memory.ask("gateway certificate renewal")
    stating = next(hit for hit in answer.hits if "Restart" in hit.lesson.text)
    (twin,) = stating.also_in
    assert {twin.document.path, stating.document.path} == {"north.md", "south.md"}
    written = next(hit for hit in answer_json(answer)["hits"] if hit["also_in"])["also_in"][0]
    assert written["lesson_id"] == twin.lesson_id
    assert written["document"]["link"] == f"/documents/{twin.document.id}#p{twin.passage}"
    assert f"also in: {twin.document.title} ({twin.document.path})" in answer_text(answer_json(answer), colour=False)


def test_what_is_named_as_also_in_counts_as_found() -> None:
    hit = Hit(
        1,
        1.0,
        Lesson("l", "d-a", "text", 0, 4),
        Document("d-a", "tests", "a.md", None, "text"),
        also_in=(
            AlsoIn(Document("d-b", "tests", "b.md", None, "text")),
            AlsoIn(Document("d-c", "tests", "c.md", None, "text"), same="incident"),
        ),
    )

    def answers(query: str, **limits: Any) -> Answer:
        return Answer(query, None, None, (hit,))

    report = evaluate([JudgedQuery("1", "q", "natural", {"b.md": 2})], answers)
    assert report.outcomes[0].came == ("a.md", "b.md")


def test_an_incident_of_the_examples_that_was_told_twice_is_linked(example_memory: Memory) -> None:
    answer = example_memory.ask("app sign-in loop when Anchor was down")
    linked = {
        (hit.document.path.rsplit("/", 1)[-1], item.document.path.rsplit("/", 1)[-1])
        for hit in answer.hits
        for item in hit.also_in
    }
    assert ("2024-02-08-login-loop.md", "2024-02-08-anchor-outage.md") in linked
