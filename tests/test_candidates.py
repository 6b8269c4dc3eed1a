"""What search keeps of the record's candidates is never older than the record, and is not read twice."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from retriever import ranking, search
from retriever.lesson import NO_FILTERS, Filters
from retriever.record.changes import UNITS
from retriever.vectors import VectorIndex

QUESTION = "which hinge was never oiled"


@pytest.fixture
def candidates(filled):
    return filled.record.candidates


def statements(memory, asked):
    """What SQLite is told while `asked` runs in this thread."""
    heard = []
    connection = memory.record._database.connection()
    connection.set_trace_callback(heard.append)
    asked()
    connection.set_trace_callback(None)
    return [statement for statement in heard if statement.startswith("SELECT")]


def add(folder, read, words):
    (folder / "added.md").write_text(f"# Added\n\n## Lessons learned\n\n- We should oil the {words} each spring.\n")
    read()


def test_words_are_counted_once_until_something_changes(filled, candidates, folder, read):
    assert candidates.frequencies(["zanzibar", "hing"]) == {"zanzibar": 0, "hing": 0}
    again = statements(filled, lambda: candidates.frequencies(["hing", "zanzibar"]))
    assert not [statement for statement in again if "vocabulary" in statement]
    add(folder, read, "hinges of Zanzibar")
    assert candidates.frequencies(["zanzibar", "hing"]) == {"zanzibar": 1, "hing": 1}


@pytest.mark.parametrize("unit", UNITS)
def test_the_documents_of_units_are_looked_up_once_and_gone_ones_left_out(unit, filled, candidates, folder, read):
    add(folder, read, "hinges")
    document = next(key for key, path in _paths(filled).items() if path == "added.md")
    keys = candidates.units_of(unit, [document])
    assert keys
    asked = [*keys, 9_999_999]
    assert candidates.documents_of(unit, asked) == dict.fromkeys(keys, document)
    again = statements(filled, lambda: candidates.documents_of(unit, asked))
    assert not [statement for statement in again if f"FROM {unit}s" in statement]
    filled.forget(filled.document("added.md").id)
    assert candidates.documents_of(unit, asked) == {}


def _paths(memory):
    with memory.record._database.read() as connection:
        return dict(connection.execute("SELECT key, path FROM documents").fetchall())


def test_a_block_at_one_state_does_not_see_what_comes_meanwhile(filled, candidates, folder, read):
    with candidates.at_one_state():
        before = candidates.size()
        thread = threading.Thread(target=add, args=(folder, read, "hinges"))
        thread.start()
        thread.join()
        assert candidates.size() == before
    assert candidates.size()[0] == before[0] + 1


def test_many_questions_at_once_get_the_answers_that_each_gets_alone(filled):
    questions = [f"{word} of the crew" for word in ("pump", "gate", "alarm", "valve", "ferry", "crane")]

    def ask(question):
        return [(hit.lesson.id, hit.score) for hit in filled.ask(question).hits]

    alone = [ask(question) for question in questions]
    filled._search = None
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ask, questions)) == alone


def test_a_failure_beside_an_answer_is_the_answer_s_own(filled, monkeypatch):
    def fail(query):
        raise RuntimeError("the model broke")

    monkeypatch.setattr(filled.embedder, "encode_query", fail)
    with pytest.raises(RuntimeError, match="the model broke"):
        filled.search.find(QUESTION, k=3, per_document=1, filters=NO_FILTERS)
    monkeypatch.undo()
    assert filled.search.find(QUESTION, k=3, per_document=1, filters=Filters()).told


def test_an_index_that_holds_fewer_than_asked_gives_all_it_has(tmp_path):
    index = VectorIndex(tmp_path / "gen-1")
    rows = np.random.default_rng(1).normal(size=(7, 16)).astype(np.float32)
    assert index.nearest("lesson", rows[0], 5) == []
    index.apply("lesson", dict(enumerate(rows)), [])
    assert sorted(index.nearest("lesson", rows[0], 200)) == list(range(7))
    index.apply("lesson", {}, [2, 5])
    assert sorted(index.nearest("lesson", rows[0], 200)) == [0, 1, 3, 4, 6]
    index.apply("lesson", {}, [0, 1, 3, 4, 6])
    assert index.nearest("lesson", rows[0], 200) == []
    index.close()


def test_at_most_one_answer_more_than_there_are_cores_is_worked_on_at_a_time(filled, monkeypatch):
    monkeypatch.setattr(search, "usable_cores", lambda: 2)
    filled._search = None
    at_work, most, guard = [], [], threading.Lock()

    def shortlist(*arguments):
        with guard:
            at_work.append(1)
            most.append(len(at_work))
        time.sleep(0.02)
        with guard:
            at_work.pop()
        return ranking.shortlist(*arguments)

    monkeypatch.setattr(search, "shortlist", shortlist)
    with ThreadPoolExecutor(6) as pool:
        assert all(answer.hits for answer in pool.map(filled.ask, [f"pump {number}" for number in range(6)]))
    assert max(most) == 3
