from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from retriever.correcting import Correcting
from retriever.errors import InvalidQuery, ModelError
from retriever.lesson import NO_FILTERS, Filters
from retriever.memory import Memory
from retriever.search import Search

DOCUMENTS = {
    "2024-01-05-pump.md": """---
team: Water
severity: SEV2
tags: [pump, alarm]
---
# The pump ran dry

## Lessons learned

- Test the dry-run alarm of the pump each spring.

## What went well

- The night shift found the spare pump at once, because it was labelled.
""",
    "2024-06-20-gate.md": """---
team: Locks
severity: SEV3
tags: [gate]
---
# The gate stuck open

## What went wrong

- The gate motor overheated because nobody had oiled the hinge.

## Action items

- [ ] Oil the hinge of the gate each month.
""",
    "undated.md": """# Ferry notes

We should print two copies of the timetable.

ERR_TURNSTILE_77 means that the coin box is full.
""",
}


@pytest.fixture
def filled(folder, read, memory) -> Memory:
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text)
    read(source="harbour")
    return memory


def paths(memory: Memory, query: str, **options) -> list[str]:
    return [hit.document.path for hit in memory.ask(query, **options).hits]


def test_the_document_that_uses_the_words_comes_first(filled):
    assert paths(filled, "dry-run alarm of the pump")[0] == "2024-01-05-pump.md"
    assert paths(filled, "oil the hinge")[0] == "2024-06-20-gate.md"


def test_an_identifier_finds_the_one_text_that_has_it(filled):
    hit = filled.ask("ERR_TURNSTILE_77").hits[0]
    assert hit.document.path == "undated.md"
    assert "ERR_TURNSTILE_77" in hit.lesson.text


def test_every_hit_is_verbatim_and_its_highlights_are_inside_it(filled):
    for hit in filled.ask("the pump alarm and the gate motor").hits:
        text = filled.document(hit.document.id).text
        assert text[hit.lesson.start : hit.lesson.end] == hit.lesson.text
        assert all(0 <= start < end <= len(hit.lesson.text) for start, end in hit.highlights)
        assert text.count("\n", 0, hit.lesson.start) + 1 == hit.line


def test_hits_come_by_score_and_ranks_count_from_one(filled):
    hits = filled.ask("pump gate hinge alarm timetable").hits
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)


def test_signals_are_named(filled):
    assert {"words", "sentence"} <= {name for name, _ in filled.ask("pump alarm").hits[0].signals}


@pytest.mark.parametrize(("k", "per_document", "most"), [(1, 2, 1), (10, 1, 3), (2, 2, 2)])
def test_k_and_per_document_are_kept(filled, k, per_document, most):
    found = paths(filled, "pump gate hinge alarm timetable", k=k, per_document=per_document)
    assert len(found) <= most
    assert all(found.count(path) <= per_document for path in found)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(team=("Water",)), {"2024-01-05-pump.md"}),
        (Filters(team=("Water", "Locks")), {"2024-01-05-pump.md", "2024-06-20-gate.md"}),
        (Filters(tag=("gate",)), {"2024-06-20-gate.md"}),
        (Filters(severity=("SEV2",), team=("Locks",)), set()),
        (Filters(since="2024-06-20"), {"2024-06-20-gate.md"}),
        (Filters(until="2024-01-05"), {"2024-01-05-pump.md"}),
        (Filters(until="2024"), {"2024-01-05-pump.md", "2024-06-20-gate.md"}),
        (Filters(kind=("went_wrong",)), {"2024-06-20-gate.md"}),
        (Filters(polarity=("success",)), {"2024-01-05-pump.md"}),
    ],
)
def test_filters_are_exact(filled, filters, expected):
    hits = filled.ask("pump gate hinge alarm timetable", filters=filters).hits
    assert {hit.document.path for hit in hits} == expected
    if filters.kind:
        assert {hit.lesson.kind for hit in hits} == set(filters.kind)
    if filters.polarity:
        assert {hit.lesson.polarity for hit in hits} == set(filters.polarity)


def test_a_filter_that_nothing_satisfies_gives_no_hits_and_no_error(filled):
    assert filled.ask("pump", filters=Filters(team=("Nobody",))).hits == ()


@pytest.mark.parametrize(("query", "field"), [("", "q"), (" \n\t", "q"), ("x" * 100_000, "q")])
def test_a_query_that_cannot_be_answered_names_its_field(filled, query, field):
    with pytest.raises(InvalidQuery, match="question") as caught:
        filled.ask(query)
    assert caught.value.field == field


@pytest.mark.parametrize("name", ["k", "per_document"])
@pytest.mark.parametrize("value", [0, -1, 101])
def test_a_number_out_of_range_names_its_field(filled, name, value):
    with pytest.raises(InvalidQuery, match=f"{name} must be from 1 to 100") as caught:
        filled.ask("pump", **{name: value})
    assert caught.value.field == name


@pytest.mark.parametrize(
    "query", ["'\"*()^-: NEAR OR AND NOT", "\x00\x01", "🛟 ⚓", "a" * 5000, "%_\\", "'; DROP TABLE documents; --"]
)
def test_odd_queries_are_answered_without_an_error(filled, query):
    assert filled.ask(query).took_ms > 0
    assert filled.counts()["documents"] == 3


def test_a_memory_without_documents_answers_that_there_is_nothing(memory):
    answer = memory.ask("pump")
    assert answer.hits == ()
    assert answer.answered is None or answer.answered is False


def test_without_a_model_words_answer_and_say_so(filled, monkeypatch):
    def fail(*arguments):
        raise ModelError("The default model is not installed.")

    monkeypatch.setattr("retriever.memory.open_embedder", fail)
    filled.__dict__.pop("embedder")
    answer = filled.ask("oil the hinge")
    assert answer.degraded == ("meaning",)
    assert answer.answered is None
    assert answer.confidence is None
    assert answer.hits[0].document.path == "2024-06-20-gate.md"


def test_embeddings_of_another_model_are_not_compared(filled):
    class Other(type(filled.embedder)):
        fingerprint = "another-model"

    filled.__dict__["embedder"] = Other()
    answer = filled.ask("oil the hinge")
    assert answer.degraded == ("meaning",)
    assert answer.hits[0].document.path == "2024-06-20-gate.md"


def test_a_model_other_than_the_calibrated_one_gets_no_verdict(filled):
    answer = filled.ask("oil the hinge")
    assert (answer.answered, answer.confidence) == (None, None)


def test_the_index_and_the_scan_give_the_same_answer(filled):
    question = "pump gate hinge alarm timetable"
    scanning = Search(filled.record, filled.model_or_none)
    scanned = scanning.answer(question, k=10, per_document=2, filters=NO_FILTERS).hits
    filled.start_following()
    while not filled.readiness()[0]:
        pass
    assert filled.ask(question).hits == scanned


def test_a_link_home_leads_to_the_line(folder, read, memory):
    (folder / "pump.md").write_text(DOCUMENTS["2024-01-05-pump.md"])
    read(url_template="https://example.org/{path}#L{line}")
    hit = memory.ask("dry-run alarm of the pump").hits[0]
    assert hit.document.meta.url == f"https://example.org/pump.md#L{hit.line}"


def test_quality_on_the_examples_stays_above_its_floor(example_memory):
    """With the packaged model; the figures are in examples/README.md and the README."""
    from pathlib import Path

    from retriever.evaluation import evaluate, read_queries

    queries = read_queries(Path(__file__).parent.parent / "examples" / "queries.jsonl")
    report = evaluate(queries, example_memory.ask)
    figures, verdict = report.figures(), report.verdict()
    assert figures["nDCG@10"].mean > 0.80
    assert figures["recall@5"].mean > 0.80
    assert verdict["answered"].mean > 0.50
    assert verdict["answered falsely"].mean < 0.15


def test_where_the_verdict_is_open_both_closer_looks_are_taken_and_change_it(example_memory, monkeypatch):
    query = "has a certificate expired without anybody noticing?"
    monkeypatch.setattr("retriever.verdict.OPEN", {})

    def confidence():
        return example_memory.search.find(query, k=10, per_document=2, filters=NO_FILTERS).verdict.confidence

    first = confidence()
    confidences = []
    for names in (("support",), ("support", "steady")):
        monkeypatch.setattr("retriever.verdict.OPEN", dict.fromkeys(names, (0.0, 1.0)))
        confidences.append(confidence())
    assert len({first, *confidences}) == 3


def test_asking_with_no_filters_is_asking_everything(filled):
    assert filled.ask("pump", filters=NO_FILTERS).hits == filled.ask("pump").hits


def test_a_question_asked_while_documents_come_in_is_answered_as_after(filled, monkeypatch):
    # Counted a moment before the documents were: they hold the question's words more often than there are documents.
    expected = paths(filled, "oil the hinge of the gate")
    monkeypatch.setattr(filled.search, "_size", lambda: (0, 10.0))
    found = filled.search.find("oil the hinge of the gate", k=5, per_document=2, filters=NO_FILTERS)
    assert min(item.idf for item in found.question.asked) > 0
    assert [told.choice.ranked.bundle.document.path for told in found.told] == expected


def test_a_question_asked_while_the_model_is_missing_is_answered_by_meaning_afterwards(filled, monkeypatch):
    query = "oil the hinge"
    embedder, tried = filled.embedder, []

    def flickering():
        tried.append(None)
        return embedder if len(tried) == 1 else None

    search = Search(filled.record, flickering)
    search.find(query, k=5, per_document=2, filters=NO_FILTERS)
    monkeypatch.setattr(search, "_model", lambda: embedder)
    assert search.find(query, k=5, per_document=2, filters=NO_FILTERS).question.embedding is not None


def test_the_verdict_knows_how_many_documents_were_looked_through(filled):
    found = filled.search.find("pump", k=5, per_document=2, filters=NO_FILTERS)
    assert found.question.documents == len(DOCUMENTS)
    found = filled.search.find("pump", k=5, per_document=2, filters=Filters(team=("Water",)))
    assert found.question.documents == 1


def test_an_answer_is_kept_for_whoever_asks_the_same(filled):
    def answer(query: str, k: int = 5, filters: Filters = NO_FILTERS):
        return filled.search.answer(query, k=k, per_document=2, filters=filters)

    first = answer("oil the hinge")
    assert answer("oil the hinge") is first
    assert len(answer("oil the hinge", k=1).hits) == 1
    others = answer("oil the hinge", filters=Filters(team=("Water",))).hits
    assert {hit.document.meta.team for hit in others} == {"Water"}


def test_who_waits_for_a_turn_gets_the_answer_that_was_found_meanwhile(filled, monkeypatch):
    find, begun, together = filled.search.find, [], threading.Barrier(8)

    def slow(*arguments, **options):
        begun.append(arguments)
        time.sleep(0.2)
        return find(*arguments, **options)

    def ask(_):
        together.wait()
        return filled.ask("oil the hinge").hits

    monkeypatch.setattr(filled.search, "find", slow)
    monkeypatch.setattr(filled.search, "_turns", threading.BoundedSemaphore(2))
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert len(begun) <= 2


def test_a_kept_answer_is_gone_once_a_document_changes(filled, folder, read):
    gate = folder / "2024-06-20-gate.md"
    assert "each month" in filled.ask("oil the hinge").hits[0].lesson.text
    gate.write_text(gate.read_text().replace("each month", "each week"))
    read(source="harbour")
    assert "each week" in filled.ask("oil the hinge").hits[0].lesson.text


def test_a_kept_answer_is_gone_once_another_process_hides_a_lesson(filled):
    best = filled.ask("oil the hinge").hits[0].lesson
    with Memory.open(filled.settings) as other:
        Correcting(other).remark(best.id, {"hidden": True})
    assert best.id not in {hit.lesson.id for hit in filled.ask("oil the hinge").hits}


def test_an_answer_without_meaning_is_not_kept(filled, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(filled.search, "_model", lambda: None)
        assert filled.ask("oil the hinge").degraded == ("meaning",)
    assert filled.ask("oil the hinge").degraded == ()
