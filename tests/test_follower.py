from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from retriever.follow import IndexKeeper
from retriever.follower import Follower, Pending, Waiting
from retriever.lesson import NO_FILTERS
from retriever.locks import SERVER_LOCK, SharedLock
from retriever.meaning import Meaning
from retriever.record.changes import UNITS


def test_a_follower_finds_what_another_process_committed_within_two_seconds(filled, folder, read, open_memory):
    server = open_memory()
    server.start_following()
    deadline = time.monotonic() + 20
    while not server.readiness()[0] and time.monotonic() < deadline:
        time.sleep(0.05)
    (folder / "fresh.md").write_text("# Fresh\n\n## Lessons learned\n\n- The zeppelin must be tethered at both ends.\n")
    read()
    committed = time.monotonic()
    while time.monotonic() < committed + 10:
        if any("zeppelin" in hit.lesson.text for hit in server.ask("zeppelin tethered").hits):
            break
        time.sleep(0.05)
    assert time.monotonic() - committed < 2


def test_an_index_is_not_shown_before_it_is_healed_and_what_it_lacks_is_known(filled, folder, read, monkeypatch):
    shown = {}
    heal, refresh = IndexKeeper._heal, Pending.refresh

    def watched_heal(keeper, index):
        shown["while healing"] = (keeper.index, follower.index)
        heal(keeper, index)

    def watched_refresh(pending, generation):
        shown.setdefault("while reading what waits", follower.index)
        refresh(pending, generation)

    monkeypatch.setattr(IndexKeeper, "_heal", watched_heal)
    monkeypatch.setattr(Pending, "refresh", watched_refresh)
    follower = Follower(filled.keeper, filled.record.changes)
    follower._tick()
    assert shown == {"while healing": (None, None), "while reading what waits": None}
    assert follower.index is not None
    follower.stop()


def test_an_answer_is_kept_only_once_the_follower_knows_all_that_was_recorded(filled, folder, read):
    follower = Follower(filled.keeper, filled.record.changes)
    follower._tick()
    filled.search.use_index(follower)

    def answer():
        return filled.search.answer("zeppelin tethered", k=5, per_document=2, filters=NO_FILTERS)

    assert answer() is answer()
    (folder / "fresh.md").write_text("# Fresh\n\n## Lessons learned\n\n- The zeppelin must be tethered at both ends.\n")
    read()
    early = answer()
    follower._tick()
    late = answer()
    follower.stop()
    assert late is not early
    assert answer() is late


def test_what_moves_into_the_index_during_a_question_is_found(filled, monkeypatch):
    changes, unit = filled.record.changes, "lesson"
    owner = min(changes.owners(unit, filled.fingerprint))
    row = changes.embeddings(unit, filled.fingerprint, [owner])[owner]
    waiting = {"now": Waiting({owner: row})}

    class IndexThatIsFilledMeanwhile:
        def scored(self, unit, query, k):
            # The index did not hold it yet; by the time the answer is here, it does and nothing waits any more.
            waiting["now"] = Waiting()
            return []

    follower = SimpleNamespace(
        index=IndexThatIsFilledMeanwhile(),
        pending=SimpleNamespace(of=lambda unit: waiting["now"], nearest=lambda unit, query: []),
        note_question=lambda: None,
    )
    meaning = Meaning(filled.record)
    meaning.use_index(follower)
    assert [key for key, _, _ in meaning.nearest((unit, filled.fingerprint), row, 5, None)] == [owner]


def test_a_failure_of_an_index_that_was_replaced_is_ignored(filled):
    follower = Follower(filled.keeper, filled.record.changes)
    follower._tick()
    first = follower.index
    follower.report_failure(first)
    follower._tick()
    second = follower.index
    assert second is not first
    follower.report_failure(first)
    follower._tick()
    assert follower.index is second
    follower.stop()


@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk I/O error"), OSError(28, "no space"), TypeError("?")])
def test_the_follower_survives_every_failure_and_waits_longer_after_each(filled, monkeypatch, error, caplog):
    follower = Follower(filled.keeper, filled.record.changes)
    outcomes = [error] * 10 + [None] + [error] * 2
    waits = []

    class Clock:
        def is_set(self):
            return not outcomes

        def wait(self, seconds):
            waits.append(seconds)
            return False

        def set(self):
            pass

    def tick():
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    monkeypatch.setattr(follower, "_tick", tick)
    follower._stop = Clock()
    follower._run()
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 0.5, 0.5, 1]


def test_what_waits_is_read_once_and_let_go_when_the_index_holds_it(filled, folder, read, monkeypatch, report):
    changes = filled.record.changes
    behind = changes.current()
    (folder / "fresh.md").write_text(report(n="zeppelin"))
    monkeypatch.setattr(type(filled), "follow", lambda memory: None)
    read()
    pending, fetched = Pending(changes), []
    embeddings = changes.embeddings

    def counted(unit, fingerprint, owners):
        fetched.extend((unit, owner) for owner in owners)
        return embeddings(unit, fingerprint, owners)

    monkeypatch.setattr(changes, "embeddings", counted)
    pending.refresh(behind)
    waiting = pending.of("lesson")
    assert waiting.rows
    assert waiting.nearest(next(row for row in waiting.rows.values() if row is not None))
    assert len(fetched) == len(set(fetched))
    first = len(fetched)
    (folder / "fresher.md").write_text(report(n="gondola"))
    read()
    pending.refresh(behind)
    assert len(pending.of("lesson").rows) > len(waiting.rows)
    assert len(fetched) == len(set(fetched)) > first
    stacked = pending.of("lesson")._stacked
    pending.refresh(behind)
    assert pending.of("lesson")._stacked is stacked
    pending.refresh(replace(behind, applied=changes.last_seq()))
    assert not any(pending.of(unit).rows for unit in UNITS)
    assert waiting.rows


def test_while_nobody_asks_everything_that_waits_moves_in_one_go(filled, folder, read, monkeypatch, report):
    monkeypatch.setattr(type(filled), "follow", lambda memory: None)
    monkeypatch.setattr("retriever.follower.BATCH", 4)
    monkeypatch.setattr("retriever.follower.GENTLE_BATCH", 2)
    for number in range(5):
        (folder / f"fresh-{number}.md").write_text(report(n=f"zeppelin {number}"))
    follower = Follower(filled.keeper, filled.record.changes)
    follower._tick()
    read()
    before = filled.record.changes.current().applied
    follower.note_question()
    follower._drained_at = float("-inf")
    follower._tick()
    assert filled.record.changes.current().applied == before + 2
    follower._asked_at = float("-inf")
    follower._tick()
    assert not filled.record.changes.is_behind()
    assert not any(follower.pending.of(unit).rows for unit in UNITS)
    follower.stop()


def test_a_server_builds_a_bloated_index_anew_once_nobody_has_asked_for_a_while(
    filled, folder, report, read, monkeypatch
):
    built = []
    monkeypatch.setattr(IndexKeeper, "is_bloated", lambda keeper: True)
    monkeypatch.setattr(IndexKeeper, "rebuild", lambda keeper: built.append(keeper.generation.number))
    follower = Follower(filled.keeper, filled.record.changes)
    follower._tick()
    assert built == []
    (folder / "later.md").write_text(report("later"))
    read()
    follower._tick()
    follower.note_question()
    follower._tick()
    assert built == []
    monkeypatch.setattr("retriever.follower.QUIET_S", 0.0)
    follower._tick()
    follower._tick()
    assert len(built) == 1
    follower.stop()


def test_a_server_that_starts_while_somebody_looks_for_one_starts_all_the_same(home, open_memory):
    server = open_memory()
    looking = SharedLock(home / SERVER_LOCK)
    assert looking.acquire()
    done = threading.Timer(0.1, looking.release)
    done.start()
    server.start_following()
    done.join()
