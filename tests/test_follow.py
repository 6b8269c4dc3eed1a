from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading

import numpy as np
import pytest

from retriever.errors import HomeBusy, IndexUnavailable, StoreError
from retriever.follow import IndexKeeper, samples_of
from retriever.generations import elements_in, generation_folder
from retriever.locks import ProcessLock, held
from retriever.record.changes import UNITS
from retriever.vectors import FEW_DELETED, VectorIndex, is_sound


def keys_of(memory):
    return {unit: memory.record.changes.owners(unit, memory.fingerprint) for unit in UNITS}


def index_keys(memory):
    keeper = memory.keeper()
    assert keeper.open("a test")
    found = {unit: keeper.index.keys(unit) for unit in UNITS}
    keeper.close()
    return found


def test_after_an_ingest_the_index_holds_what_the_record_holds(filled):
    assert not filled.record.changes.is_behind()
    assert index_keys(filled) == keys_of(filled)
    assert all(keys_of(filled).values())


def test_nearest_finds_an_embedding_by_itself(filled):
    keeper = filled.keeper()
    assert keeper.open("a test")
    for unit in UNITS:
        owner = min(filled.record.changes.owners(unit, filled.fingerprint))
        row = filled.record.changes.embeddings(unit, filled.fingerprint, [owner])[owner]
        assert keeper.index.nearest(unit, row, 1) == [owner]
        assert len(keeper.index.nearest(unit, row, 10_000)) == len(keeper.index.keys(unit))
    keeper.close()


def test_an_index_that_lost_or_kept_too_much_is_healed_at_open(filled, home):
    generation = filled.record.changes.current()
    index = VectorIndex(generation_folder(home, generation.number))
    victims = sorted(index.keys("passage"))[:3]
    index.apply("passage", {9_999_999: np.ones(256, np.float32)}, victims)
    index.close()
    assert index_keys(filled) == keys_of(filled)


def bloat(keeper):
    """Puts vectors into the open index and takes them out again."""
    chance = np.random.default_rng(1)
    strangers = {10_000 + number: chance.standard_normal(256).astype(np.float32) for number in range(1_200)}
    keeper.index.apply("passage", strangers, [])
    keeper.index.apply("passage", {}, list(strangers))


def test_an_index_of_mostly_deleted_vectors_is_built_anew_after_an_ingest(filled, folder, report, read, home):
    keeper = filled.keeper()
    assert keeper.open("a test")
    assert not keeper.is_bloated()
    bloat(keeper)
    assert keeper.is_bloated()
    before = keeper.generation.number
    keeper.close()
    (folder / "later.md").write_text(report("later"))
    read()
    after = filled.record.changes.current().number
    assert after > before
    assert elements_in(generation_folder(home, after)) < FEW_DELETED
    assert index_keys(filled) == keys_of(filled)


@pytest.mark.parametrize("damage", ["deleted", "truncated", "overwritten"])
def test_a_damaged_index_is_built_anew_and_answers(filled, home, damage):
    generation = filled.record.changes.current()
    folder = generation_folder(home, generation.number)
    (folder / "closed-cleanly").unlink(missing_ok=True)
    if damage == "deleted":
        shutil.rmtree(folder)
    else:
        for path in folder.rglob("*"):
            if path.is_file():
                size = path.stat().st_size
                path.write_bytes(b"" if damage == "truncated" else b"\xa5" * max(size, 64))
    assert index_keys(filled) == keys_of(filled)
    assert filled.record.changes.current().number > generation.number
    assert not folder.exists()


def test_an_index_that_was_closed_in_order_is_opened_as_it_is_until_a_byte_of_it_changes(filled, home):
    first = filled.record.changes.current().number
    for _ in range(2):
        assert index_keys(filled) == keys_of(filled)
    assert filled.record.changes.current().number == first
    victim = next(path for path in generation_folder(home, first).rglob("data_level0.bin"))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    assert index_keys(filled) == keys_of(filled)
    assert filled.record.changes.current().number > first


def test_what_chroma_writes_of_its_memory_into_the_index_is_emptied_and_nothing_else(filled, home):
    folder = generation_folder(home, filled.record.changes.current().number)
    before = index_keys(filled)
    victim = next(folder.rglob("data_level0.bin"))
    clean = victim.read_bytes()
    # Nothing was flushed yet of so few: all of the file is room for more.
    victim.write_bytes(b"zanzibar" * (len(clean) // 8) + clean[len(clean) // 8 * 8 :])
    (folder / "closed-cleanly").unlink()
    assert index_keys(filled) == before
    assert filled.record.changes.current().number == int(folder.name.removeprefix("gen-"))
    assert not any(b"zanzibar" in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_elements_that_were_flushed_are_not_emptied(home):
    rows = np.random.default_rng(1).normal(size=(1500, 16)).astype(np.float32)
    index = VectorIndex(home / "gen-1")
    index.apply("lesson", dict(enumerate(rows)), [])
    index.close()
    again = VectorIndex(home / "gen-1")
    assert all(again.nearest("lesson", rows[key], 1) == [key] for key in range(0, 1500, 50))
    again.close()


def test_reindex_switches_to_a_new_generation_and_removes_the_old_one(filled, home):
    before = filled.record.changes.current()
    filled.reindex()
    after = filled.record.changes.current()
    assert after.number > before.number
    assert not generation_folder(home, before.number).exists()
    assert index_keys(filled) == keys_of(filled)


def test_a_generation_of_another_model_is_built_anew(filled):
    before = filled.record.changes.current()
    filled.__dict__["fingerprint"] = "another-model"
    keeper = filled.keeper()
    assert keeper.open("a test")
    assert keeper.generation.number > before.number
    assert keeper.index.keys("passage") == set()
    keeper.close()


def test_only_one_holder_at_a_time_and_the_others_learn_who(filled):
    first, second = filled.keeper(), filled.keeper()
    assert first.open("the first")
    assert not second.open("the second")
    with pytest.raises(IndexUnavailable, match="the first"):
        second.rebuild()
    first.close()
    assert second.open("the second")
    second.close()


def test_a_lock_is_free_again_when_its_holder_is_killed(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from retriever.locks import ProcessLock\n"
        f"lock = ProcessLock(Path({str(tmp_path / 'lock')!r}))\n"
        "print(lock.acquire('a child'), flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "True\n"
    lock = ProcessLock(tmp_path / "lock")
    assert not lock.acquire()
    assert f"process {child.pid} (a child)" in lock.holder()
    with pytest.raises(HomeBusy, match="a child"), held(tmp_path / "lock", "me", "do this"):
        pass
    child.kill()
    child.wait()
    child.stdout.close()
    assert lock.acquire()
    lock.release()


def test_an_index_that_cannot_be_healed_is_abandoned_and_built_anew(filled, monkeypatch):
    before = filled.record.changes.current()

    def fail(keeper, index):
        raise IndexUnavailable("The vector index failed.")

    monkeypatch.setattr(IndexKeeper, "_heal", fail)
    keeper = filled.keeper()
    assert keeper.open("a test")
    assert keeper.generation.number > before.number
    keeper.close()
    monkeypatch.undo()
    assert index_keys(filled) == keys_of(filled)


def test_closing_an_index_waits_for_running_questions_and_refuses_later_ones(filled, home):
    index = VectorIndex(generation_folder(home, filled.record.changes.current().number))
    query = np.ones(256, np.float32)
    asking, may_answer, answers = threading.Event(), threading.Event(), []
    collection = index._collections["lesson"]

    class Slow:
        def query(self, **options):
            asking.set()
            may_answer.wait(10)
            return collection.query(**options)

    index._collections["lesson"] = Slow()
    question = threading.Thread(target=lambda: answers.append(index.nearest("lesson", query, 3)))
    question.start()
    assert asking.wait(10)
    closing = threading.Thread(target=index.close)
    closing.start()
    closing.join(0.1)
    assert closing.is_alive()
    may_answer.set()
    question.join(10)
    closing.join(10)
    assert len(answers[0]) == 3
    late = (
        lambda: index.nearest("lesson", query, 3),
        lambda: index.keys("lesson"),
        lambda: index.apply("lesson", {}, []),
    )
    for use in late:
        with pytest.raises(IndexUnavailable, match="closed meanwhile"):
            use()
    index.close()


def test_a_build_that_fails_leaves_no_folder_and_holds_no_log_back(filled, home, monkeypatch):
    before = filled.record.changes.current()
    keeper = filled.keeper()

    def fail(index, unit, upserts, deletions):
        raise IndexUnavailable("The disk is full.")

    monkeypatch.setattr(VectorIndex, "apply", fail)
    for _ in range(3):
        with pytest.raises(IndexUnavailable, match="full"):
            keeper.rebuild()
    keeper.close()
    assert [path.name for path in (home / "index").glob("gen-*")] == [f"gen-{before.number}"]
    assert filled.record.changes.current() == before
    assert filled.record.changes.live() == {before.number}


def test_a_build_first_removes_what_killed_builds_left(filled, home, monkeypatch):
    killed = filled.record.changes.begin_generation(filled.fingerprint, 256)
    generation_folder(home, killed.number).mkdir()
    seen = []
    fill = IndexKeeper._fill

    def watched(keeper, index, progress):
        seen.append(generation_folder(home, killed.number).exists())
        fill(keeper, index, progress)

    monkeypatch.setattr(IndexKeeper, "_fill", watched)
    filled.reindex()
    assert seen == [False]


def test_a_killed_build_holds_the_log_back_no_longer_once_the_index_is_opened(filled, home, folder, read, report):
    killed = filled.record.changes.begin_generation(filled.fingerprint, 256)
    generation_folder(home, killed.number).mkdir()
    (folder / "later.md").write_text(report("later"))
    read()
    assert filled.record.changes.pending(filled.record.changes.current(), limit=-1, after=0) == ()
    assert not generation_folder(home, killed.number).exists()
    with sqlite3.connect(home / "record.db") as connection:
        assert connection.execute("SELECT count(*) FROM changes").fetchone()[0] == 0


def test_a_lock_that_cannot_be_written_is_an_error_that_names_it(tmp_path):
    (tmp_path / "index").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match="index/lock cannot be taken"):
        ProcessLock(tmp_path / "index" / "lock").acquire()


def test_a_lock_on_a_disk_that_is_full_is_an_error_and_free_again(tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("retriever.locks.json.dump", fail)
    lock = ProcessLock(tmp_path / "lock")
    with pytest.raises(StoreError, match="lock cannot be taken: No space left"):
        lock.acquire("a test")
    assert not lock.is_held
    monkeypatch.undo()
    assert lock.acquire("another")
    lock.release()


def test_the_probe_imports_nothing_from_the_current_folder(filled, home, tmp_path, monkeypatch):
    generation = filled.record.changes.current()
    folder = generation_folder(home, generation.number)
    (folder / "closed-cleanly").unlink()
    (tmp_path / "json.py").write_text("raise SystemExit('not the json module')")
    (tmp_path / "retriever.py").write_text("raise SystemExit('not the package')")
    monkeypatch.chdir(tmp_path)
    assert is_sound(folder, samples_of(filled.record.changes, generation))
