from __future__ import annotations

import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from retriever.errors import HomeBusy, IndexUnavailable
from retriever.locks import ProcessLock, held
from retriever.record.changes import UNITS
from retriever.vectors import VectorIndex, generation_folder

REPORT = (
    "# Outage {n}\n\n## Lessons learned\n\n- Check pump {n} before gate {n} is opened.\n- We should label tank {n}.\n"
)


@pytest.fixture
def filled(folder, read, memory):
    for number in range(12):
        (folder / f"report-{number}.md").write_text(REPORT.format(n=f"{number} {'x' * number}"))
    read()
    return memory


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
