from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ingest.redact import redact
from ingest.scribe import Scribe
from retriever.config import Settings
from retriever.errors import NotFound, StoreError
from retriever.lesson import Answer, Filters
from retriever.memory import Memory
from retriever.questions import Questions
from retriever.record import FILE_NAME
from retriever.share import Share
from retriever.sharing import Sharing


def without_secrets(text):
    return redact(text).text


@pytest.fixture
def questions(filled):
    return Questions(filled, without_secrets)


def nobody(query):
    """An answer by which nobody has recorded anything."""
    return Answer(query, False, 0.1, ())


def stored(memory):
    with sqlite3.connect(memory.settings.home / FILE_NAME) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM questions ORDER BY key")]


def learn(memory, text):
    return Sharing(memory, Scribe()).share(Share(learned=text))


@pytest.fixture
def verdicts(filled, monkeypatch):
    """Somebody has learned about a question when a lesson holds its last word; the word embedder has no verdict."""
    real = filled.ask

    def ask(query, **options):
        answer = real(query, **options)
        word = query.lower().split()[-1].strip("?.")
        return replace(answer, answered=any(word in hit.lesson.text.lower() for hit in answer.hits))

    monkeypatch.setattr(filled, "ask", ask)
    return filled


@pytest.fixture
def no_room(filled, monkeypatch):
    """The disk is full: every transaction that writes says so."""

    @contextlib.contextmanager
    def write(database):
        raise StoreError(f"There is no room left for {database.path}.")
        yield

    return lambda: monkeypatch.setattr("retriever.record.database.Database.write", write)


def test_a_question_is_kept_without_its_secrets(filled, questions):
    questions.note(nobody("does kim@waterworks.dev know about AKIAZ7QPLM2XW4RTVB6N?"))
    (text,) = stored(filled)
    assert "kim@" not in text
    assert "AKIA" not in text
    assert text.startswith("does ")


def test_nothing_is_kept_where_the_setting_is_off(home, models, filled):
    with Memory.open(Settings(home=home, models=models, record_questions=False)) as memory:
        assert Questions(memory, without_secrets).note(nobody("where are the skates?")) is None
    assert stored(filled) == []


def test_only_what_nobody_recorded_is_a_gap_and_has_a_feed(questions, filled):
    found = filled.ask("check pump 3")
    assert questions.note(replace(found, answered=True)) is None
    assert questions.note(replace(found, answered=None)) is None
    assert questions.note(replace(found, answered=False), is_filtered=True) is None
    assert questions.note(replace(nobody("what"), answered=None, degraded=("meaning",))) is None
    assert questions.note(replace(found, answered=False)) is not None
    assert questions.note(Answer("skates", None, None, ())) is not None
    assert len(stored(filled)) == 6


def test_gaps_are_grouped_by_meaning_and_the_most_asked_comes_first(verdicts, questions):
    for query in ("where are the skates", "the skates: where are they", "who feeds the parrot", "WHERE ARE THE SKATES"):
        questions.note(nobody(query))
    page = questions.gaps(limit=10)
    assert [(gap.question, gap.count) for gap in page.items] == [
        ("WHERE ARE THE SKATES", 3),
        ("who feeds the parrot", 1),
    ]
    assert set(page.items[0].others) == {"where are the skates", "the skates: where are they"}
    assert page.items[0].first_asked_at <= page.items[0].last_asked_at
    assert page.next is None


def test_gaps_come_page_by_page(verdicts, questions):
    for word in ("parrot", "skates", "violin", "kayak", "lantern"):
        questions.note(nobody(word))
    found, after = [], None
    for _ in range(3):
        page = questions.gaps(limit=2, after=after)
        found += [gap.question for gap in page.items]
        after = page.next
    assert sorted(found) == ["kayak", "lantern", "parrot", "skates", "violin"]
    assert after is None


def test_what_somebody_has_learned_is_no_gap_any_more_and_the_asker_is_told_once(verdicts, questions, filled):
    feed = questions.note(nobody("who feeds the parrot"))
    other = questions.note(nobody("where are the skates"))
    assert questions.followed(feed).answer is None
    assert questions.news(feed) is None
    shared = learn(filled, "Feed the parrot before the concert.")
    assert [gap.question for gap in questions.gaps(limit=9).items] == ["where are the skates"]
    told = questions.news(feed)
    assert told.answer.hits[0].lesson.id == shared.lesson.id
    assert told.learned_at
    assert questions.news(feed) is None
    assert questions.followed(feed).answer is not None
    assert questions.news(other) is None
    with pytest.raises(NotFound, match="no such feed"):
        questions.followed("a guess")


def test_a_reload_counts_once_and_keeps_its_feed(verdicts, questions, filled):
    first = questions.note(nobody("who feeds the parrot"), voice="browser:1")
    assert questions.note(nobody("who feeds the parrot"), voice="browser:1") == first
    assert questions.note(nobody("who feeds the parrot"), voice="browser:2") != first
    assert [gap.count for gap in questions.gaps(limit=9).items] == [2]


def test_questions_are_gone_after_ninety_days(verdicts, questions, filled):
    feed = questions.note(nobody("who feeds the parrot"))
    with sqlite3.connect(filled.settings.home / FILE_NAME) as connection:
        connection.execute("UPDATE questions SET asked_at = '2020-01-01T00:00:00Z'")
    with pytest.raises(NotFound):
        questions.followed(feed)
    assert questions.gaps(limit=9).items == ()
    assert stored(filled) == []


def test_a_listing_asks_again_for_so_long_and_no_longer(verdicts, questions, filled, monkeypatch):
    for word in ("parrot", "skates", "violin"):
        questions.note(nobody(word))
    learn(filled, "A parrot on skates plays the violin.")
    monkeypatch.setattr("retriever.questions.LOOKING_S", -1)
    assert len(questions.gaps(limit=9).items) == 3
    monkeypatch.setattr("retriever.questions.LOOKING_S", 10)
    assert questions.gaps(limit=9).items == ()


def test_a_dismissed_gap_is_forgotten(verdicts, questions, filled):
    for query in ("where are the skates", "skates, where are the", "who feeds the parrot"):
        questions.note(nobody(query))
    questions.dismiss(questions.gaps(limit=1).items[0].id)
    assert stored(filled) == ["who feeds the parrot"]
    with pytest.raises(NotFound, match="no gap"):
        questions.dismiss("0")


def test_gaps_are_grouped_by_their_words_while_there_is_no_model(verdicts, questions, filled, monkeypatch):
    monkeypatch.setattr(filled, "model_or_none", lambda: None)
    for query in ("where are the skates", "Where are the skates", "skates"):
        questions.note(nobody(query))
    assert sorted(gap.count for gap in questions.gaps(limit=9).items) == [1, 2]


def test_on_a_full_disk_a_question_is_answered_though_it_cannot_be_kept(filled, questions, no_room, caplog):
    no_room()
    assert questions.note(nobody("where are the skates"), voice="browser:1") is None
    assert "could not be recorded" in caplog.text


def test_a_question_that_could_not_be_kept_is_kept_when_it_comes_again(filled, questions, no_room, monkeypatch):
    no_room()
    questions.note(nobody("where are the skates"), voice="browser:1")
    monkeypatch.undo()
    assert questions.note(nobody("where are the skates"), voice="browser:1") is not None
    assert stored(filled) == ["where are the skates"]


def test_on_a_full_disk_gaps_are_listed_and_what_was_learned_is_told(verdicts, questions, filled, no_room):
    feed = questions.note(nobody("who feeds the parrot"))
    questions.note(nobody("where are the skates"))
    questions.note(nobody("who tunes the harp"))
    with sqlite3.connect(filled.settings.home / FILE_NAME) as connection:
        connection.execute("UPDATE questions SET asked_at = '2020-01-01T00:00:00Z' WHERE text LIKE '%harp'")
    learn(filled, "Feed the parrot before the concert.")
    no_room()
    assert [gap.question for gap in questions.gaps(limit=9).items] == ["where are the skates"]
    assert questions.followed(feed).learned_at
    assert questions.news(feed).answer.hits


def test_gaps_are_listed_where_the_newest_question_has_no_embedding(verdicts, questions, filled, monkeypatch):
    questions.note(nobody("who feeds the parrot"))
    questions.gaps(limit=9)
    monkeypatch.setattr(filled, "model_or_none", lambda: None)
    for query in ("where are the skates", "who tunes the harp"):
        questions.note(nobody(query))
    assert len(questions.gaps(limit=9).items) == 3


def test_what_was_looked_for_without_a_model_is_looked_for_again_with_it(verdicts, questions, filled, monkeypatch):
    questions.note(nobody("who feeds the parrot"))
    learn(filled, "Feed the parrot before the concert.")
    with monkeypatch.context() as without_model:
        without_model.setattr(filled, "ask", lambda query: Answer(query, None, None, (), ("meaning",)))
        assert len(questions.gaps(limit=9).items) == 1
    assert questions.gaps(limit=9).items == ()


def test_many_may_ask_at_once(questions, monkeypatch):
    monkeypatch.setattr(questions._store, "add", lambda *arguments, **named: None)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for done in [
                pool.submit(questions.note, nobody("where are the skates"), voice=f"browser:{number}")
                for number in range(3000)
            ]:
                done.result()
    finally:
        sys.setswitchinterval(interval)


def test_ask_records_the_question_and_eval_and_filters_make_no_gap(runner, home, models, tmp_path):
    runner("share", "--learned", "Grease the winch before the regatta.", "--team", "Sailors")
    assert runner("ask", "who plays the bassoon in the orchestra?").exit_code == 3
    assert runner("ask", "grease a winch", "--team", "Nobody").exit_code == 3
    file = tmp_path / "queries.jsonl"
    file.write_text('{"query_id": "q", "query": "who tunes the harp?", "relevant": []}\n')
    runner("eval", str(file))
    with Memory.open(Settings(home=home, models=models)) as memory:
        assert stored(memory) == ["who plays the bassoon in the orchestra?", "grease a winch"]
        gaps = Questions(memory, str).gaps(limit=9).items
        assert [gap.question for gap in gaps] == ["who plays the bassoon in the orchestra?"]
        assert memory.browse_lessons(Filters(), limit=9, after=None).items
    shown = runner("gaps").stdout
    assert shown.startswith("   1 × who plays the bassoon in the orchestra?  (")
    assert len(json.loads(runner("gaps", "--json").stdout)["items"]) == 1
    assert runner("ask", "and the oboe?", env={"LESSONS_RECORD_QUESTIONS": "false"}).exit_code == 3
    with Memory.open(Settings(home=home, models=models)) as memory:
        assert len(stored(memory)) == 2
