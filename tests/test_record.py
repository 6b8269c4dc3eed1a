from __future__ import annotations

import sqlite3
import threading

import pytest

from retriever.errors import HomeBusy, InvalidQuery, NotAMemory, NotFound, RecordDamaged, RecordTooNew, StoreError
from retriever.lesson import Filters, lesson_id
from retriever.memory import Memory
from retriever.record import FILE_NAME, Record
from retriever.record import database as database_module
from retriever.record import identity as identity_module
from retriever.record.identity import KnownLesson, lesson_ids
from retriever.scopes import Holder, token_digest


def test_a_home_without_a_memory_is_an_error_that_says_how_to_make_one(home, models):
    from retriever.config import Settings

    with pytest.raises(StoreError, match="lessons ingest PATH"):
        Memory.open(Settings(home=home, models=models))
    assert not home.exists()


def test_a_folder_with_other_things_in_it_is_refused(home, models):
    from retriever.config import Settings

    home.mkdir()
    (home / "thesis.txt").write_text("chapter one")
    with pytest.raises(NotAMemory, match=r"thesis\.txt"):
        Memory.open(Settings(home=home, models=models), create=True)


def test_another_programs_database_is_refused(home):
    home.mkdir()
    with sqlite3.connect(home / FILE_NAME) as connection:
        connection.execute("CREATE TABLE tunes (name TEXT)")
    with pytest.raises(NotAMemory, match="not a record of Lessons"):
        Record(home)


def test_a_newer_record_is_refused_and_not_touched(home):
    home.mkdir()
    Record(home).close()
    with sqlite3.connect(home / FILE_NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(RecordTooNew, match="version 99"):
        Record(home)


def test_a_damaged_record_is_refused(home):
    home.mkdir()
    (home / FILE_NAME).write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(RecordDamaged, match="is damaged"):
        Record(home)


def test_nothing_is_written_once_a_newer_program_has_migrated_the_record(home):
    home.mkdir()
    record = Record(home)
    with sqlite3.connect(home / FILE_NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(RecordTooNew, match="version 99.*Start this one anew"):
        record.tokens.add("late", "read")
    assert record.tokens.names() == ()
    record.close()


def test_a_record_in_a_folder_that_cannot_be_written_is_a_clear_error(home):
    home.write_text("a file where a folder should be")
    with pytest.raises(StoreError, match="Make room or mend its permissions"):
        Record(home)


def test_a_writer_that_waits_too_long_says_so(home, monkeypatch):
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)
    home.mkdir()
    record = Record(home)
    other = sqlite3.connect(home / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(HomeBusy, match="another process"):
        record.files.open_source("a", None, None)
    other.rollback()
    other.close()
    record.close()


def test_a_home_that_another_process_is_making_is_waited_for(home):
    home.mkdir()
    other = sqlite3.connect(home / FILE_NAME, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.2, other.rollback)
    done.start()
    Record(home).close()
    done.join()
    other.close()


def test_a_new_home_that_stays_locked_is_given_up(home, monkeypatch):
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.1)
    home.mkdir()
    other = sqlite3.connect(home / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(HomeBusy, match="another process"):
        Record(home)
    other.rollback()
    other.close()


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("disk I/O error"), sqlite3.DatabaseError("something unheard of")]
)
def test_whatever_sqlite_says_becomes_a_finished_sentence(home, error):
    home.mkdir()
    database = database_module.Database(home / FILE_NAME)
    with pytest.raises(StoreError, match=rf"record\.db could not be used: {error}\. .*lessons doctor"), database.read():
        raise error
    database.close()


def test_an_error_inside_a_write_leaves_nothing_behind(home):
    home.mkdir()
    record = Record(home)
    source = record.files.open_source("a", None, None)
    with pytest.raises(TypeError, match="cannot unpack"):
        record.files.record_file(source, _reading(), [None])
    assert record.files.states(source) == {}
    record.close()


def test_every_thread_sees_what_another_committed(home):
    home.mkdir()
    record = Record(home)
    seen = []
    for name in ("first", "second"):
        record.files.open_source(name, None, None)
        thread = threading.Thread(target=lambda: seen.append(len(record.files.sources())))
        thread.start()
        thread.join()
    assert seen == [1, 2]
    record.close()


def test_a_known_lesson_keeps_its_id_by_its_text_wherever_it_stands():
    known = [KnownLesson("one", "Check the valve.", "A"), KnownLesson("two", "Close the gate.", "A")]
    assert lesson_ids("d", known, [("Close the gate!", "B"), ("Check the valve.", "A")]) == ("two", "one")


def test_a_reworded_lesson_keeps_its_id_only_within_its_section():
    known = [KnownLesson("one", "Check the main valve before each opening.", "A")]
    reworded = "Check the main valve before every opening."
    assert lesson_ids("d", known, [(reworded, "A")]) == ("one",)
    assert lesson_ids("d", known, [(reworded, "B")]) != ("one",)


def test_the_same_sentence_twice_gets_two_ids_that_do_not_depend_on_offsets():
    first, second = lesson_ids("d", [], [("Test the restore.", "A"), ("Test the restore.", "B")])
    assert first != second
    assert lesson_ids("d", [], [("Test the restore.", "Z")]) == (first,)


def test_a_text_that_is_repeated_without_end_costs_no_more_each_time(monkeypatch):
    tried = []
    monkeypatch.setattr("retriever.record.identity.lesson_id", lambda *parts: tried.append(parts) or str(parts))
    assert len(set(lesson_ids("d", (), [("Close the gate!", None)] * 500))) == 500
    assert len(tried) < 1100


def test_a_text_that_returns_beside_its_reworded_self_gets_an_id_of_its_own():
    first = lesson_ids("d", [], [("Check the main valve before each opening.", "A")])[0]
    known = [KnownLesson(first, "Check the main valve before every opening.", "A")]
    found = [("Check the main valve before every opening.", "A"), ("Check the main valve before each opening.", "A")]
    kept, fresh = lesson_ids("d", known, found)
    assert kept == first
    assert fresh != first


def test_pages_of_lessons_hold_each_lesson_once(example_memory):
    seen, after = [], None
    while True:
        page = example_memory.browse_lessons(Filters(), limit=7, after=after)
        seen += [lesson.id for lesson, _ in page.items]
        after = page.next
        if after is None:
            break
    assert len(seen) == len(set(seen)) == example_memory.counts()["lessons"]


def test_documents_are_listed_newest_first_and_undated_last(example_memory):
    page = example_memory.browse_documents(Filters(), limit=100, after=None)
    dates = [document.meta.date or "" for document in page.items]
    assert dates == sorted(dates, reverse=True)
    assert page.next is None


def test_dates_are_inclusive_and_undated_documents_drop_out(example_memory):
    dated = example_memory.browse_documents(Filters(since="2024-02-08", until="2024-02-08"), limit=100, after=None)
    assert {document.meta.date for document in dated.items} == {"2024-02-08"}
    year = example_memory.browse_documents(Filters(until="2024"), limit=100, after=None)
    assert {document.meta.date[:4] for document in year.items if document.meta.date} <= {"2022", "2023", "2024"}
    assert all(document.meta.date for document in year.items)


def test_facets_count_what_the_filters_leave(example_memory):
    everything = dict(example_memory.facets()["kind"])
    assert sum(everything.values()) == example_memory.counts()["lessons"]
    actions = example_memory.facets(Filters(kind=("action",)))
    assert dict(actions["kind"]) == {"action": everything["action"]}


def test_a_cursor_that_is_not_ours_is_refused(example_memory):
    for cursor in ("x", "bm90IGpzb24", "WzEsMl0"):
        with pytest.raises(InvalidQuery, match="no cursor of ours"):
            example_memory.browse_documents(Filters(), limit=5, after=cursor)


def test_unknown_ids_say_so(example_memory):
    with pytest.raises(NotFound, match="no lesson with the id 'x'"):
        example_memory.lesson("x")
    with pytest.raises(NotFound, match="no document with the id or path 'x'"):
        example_memory.document("x")


def test_a_path_with_several_documents_lists_their_ids(example_memory):
    path = next(
        document.path
        for document in example_memory.browse_documents(Filters(), limit=100, after=None).items
        if document.part
    )
    with pytest.raises(NotFound, match="give one of their ids"):
        example_memory.document(path)


def test_tokens_let_in_until_they_are_revoked_and_are_stored_hashed(home):
    home.mkdir()
    record = Record(home)
    secret = record.tokens.add("bot", "read")
    assert record.tokens.holder(token_digest(secret)) == Holder("bot", "read")
    assert record.tokens.holder(token_digest(secret + "x")) is None
    assert record.tokens.holder(secret) is None
    with pytest.raises(InvalidQuery, match="already"):
        record.tokens.add("bot", "read")
    with pytest.raises(InvalidQuery, match="no scope 'root'"):
        record.tokens.add("other", "root")
    assert record.tokens.names()[0][:2] == ("bot", "read")
    record.tokens.revoke("bot")
    assert record.tokens.holder(token_digest(secret)) is None
    with pytest.raises(NotFound, match="no token 'bot'"):
        record.tokens.revoke("bot")
    record.close()
    assert secret.encode() not in (home / FILE_NAME).read_bytes()


def _reading():
    from retriever.record.draft import FileReading

    return FileReading("a.md", "0" * 64, "markdown/1", "extract/1")


def test_very_many_equal_lessons_get_their_ids_in_linear_time(monkeypatch):
    tries = []
    monkeypatch.setattr(
        identity_module, "lesson_id", lambda document, text, nth: tries.append(nth) or lesson_id(document, text, nth)
    )
    ids = lesson_ids("d", [], [("Close the gate.", "A")] * 3000)
    assert len(set(ids)) == 3000
    assert len(tries) <= 6000
    monkeypatch.undo()
    assert lesson_ids("d", [], [("Close the gate.", "A")] * 3) == ids[:3]


def test_a_document_of_very_many_lessons_is_compared_only_so_often(monkeypatch):
    compared = []
    monkeypatch.setattr(identity_module, "_similarity", lambda old, new: compared.append(1) or 0.0)
    known = [KnownLesson(str(n), f"old {n}", "A") for n in range(2000)]
    lesson_ids("d", known, [(f"new {n}", "A") for n in range(2000)])
    assert 0 < len(compared) <= 20_000


def test_a_lesson_reworded_in_a_long_document_is_still_known():
    words = ["valve", "gate", "tank", "pump", "fuse", "lamp", "door", "bell"]
    texts = [f"Check {words[n % 8]} {words[n // 8 % 8]} {n} before the {words[n % 7]} is opened." for n in range(600)]
    known = [KnownLesson(str(n), text, "A") for n, text in enumerate(texts)]
    found = [(text.replace("opened", "ever opened again"), "A") for text in texts]
    ids = lesson_ids("d", known, found)
    assert sum(identity == str(n) for n, identity in enumerate(ids)) > 550
