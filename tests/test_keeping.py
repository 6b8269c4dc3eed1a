"""Backup and restore: what comes back answers exactly as what was taken, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
import time

import pytest
from lived_memory import answers, rows_of, settings_at

from ingest.pipeline import IngestOptions, ingest
from retriever import keeping
from retriever.errors import HomeBusy, NotAMemory, RecordDamaged, RecordTooNew, StoreError
from retriever.memory import Memory
from retriever.record import backups

pytestmark = pytest.mark.usefixtures("words_embed")


def test_a_restored_memory_answers_exactly_like_the_snapshot(lived_in, tmp_path):
    before = answers(lived_in)
    facts = keeping.back_up(lived_in.settings, tmp_path / "one.db")
    settings = settings_at(tmp_path / "other", lived_in)
    restored, replaced = keeping.restore(settings, tmp_path / "one.db", replace=False)
    assert restored == facts
    assert (facts.documents, facts.damaged) == (13, 0)
    assert replaced.is_indexed
    with Memory.open(settings) as memory:
        assert answers(memory) == before
        assert rows_of(memory) == rows_of(lived_in)
        assert not memory.record.changes.is_behind()


def test_a_backup_is_one_file_for_its_owners_eyes_and_leaves_nothing_beside_it(lived_in, tmp_path):
    (tmp_path / "kept").mkdir()
    keeping.back_up(lived_in.settings, tmp_path / "kept" / "one.db")
    keeping.back_up(lived_in.settings, tmp_path / "kept" / "one.db")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["one.db"]
    assert (tmp_path / "kept" / "one.db").stat().st_mode & 0o777 == 0o600


def test_a_backup_elsewhere_succeeds_where_the_home_has_no_room(lived_in, tmp_path, monkeypatch, caplog):
    def full(home, path):
        raise StoreError("last-backup.json cannot be written: No space left on device.")

    monkeypatch.setattr(keeping, "remember_backup", full)
    assert keeping.back_up(lived_in.settings, tmp_path / "one.db").documents == 13
    assert "No space left" in caplog.text


def test_a_backup_under_load_is_of_one_moment(filled, folder, read, report, tmp_path):
    stop = threading.Event()

    def write() -> None:
        number = 100
        while not stop.is_set():
            (folder / f"later-{number}.md").write_text(report(f"later {number}"))
            with Memory.open(filled.settings) as memory:
                ingest(memory, folder, IngestOptions())
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(8):
            file = tmp_path / f"{number}.db"
            facts = keeping.back_up(filled.settings, file)
            settings = settings_at(tmp_path / f"home-{number}", filled)
            keeping.restore(settings, file, replace=False)
            with Memory.open(settings) as memory:
                assert memory.counts()["documents"] == facts.documents >= 12
                assert memory.record.soundness.structural_damage() == ()
                assert memory.record.soundness.damaged_texts() == memory.record.soundness.damaged_embeddings() == ()
                assert memory.record.embeddings.missing(memory.fingerprint) == 0
    finally:
        stop.set()
        writer.join()


def test_restore_asks_before_it_replaces_and_keeps_what_was_there(lived_in, tmp_path, folder, read, report):
    keeping.back_up(lived_in.settings, tmp_path / "one.db")
    before = answers(lived_in)
    (folder / "later.md").write_text(report("later"))
    read()
    lived_in.close()
    with pytest.raises(StoreError, match="--replace"):
        keeping.restore(lived_in.settings, tmp_path / "one.db", replace=False)
    _, replaced = keeping.restore(lived_in.settings, tmp_path / "one.db", replace=True)
    with Memory.open(lived_in.settings) as memory:
        assert answers(memory) == before
        assert memory.counts()["documents"] == 13
    assert replaced.aside is not None
    keeping.restore(settings_at(tmp_path / "other", lived_in), replaced.aside, replace=False)
    with Memory.open(settings_at(tmp_path / "other", lived_in)) as memory:
        assert memory.document("later.md")


def test_restore_waits_for_nobody_who_uses_the_home(lived_in, tmp_path, monkeypatch):
    monkeypatch.setattr(keeping, "_IN_USE_S", 0.1)
    keeping.back_up(lived_in.settings, tmp_path / "one.db")
    with pytest.raises(HomeBusy, match="in use by another process"):
        keeping.restore(lived_in.settings, tmp_path / "one.db", replace=True)
    lived_in.start_following()
    with pytest.raises(HomeBusy, match="a server on"):
        keeping.restore(lived_in.settings, tmp_path / "one.db", replace=True)
    assert lived_in.counts()["documents"] == 13
    assert not list(lived_in.settings.home.glob("record.db.new*"))


def test_nobody_opens_the_record_while_another_takes_its_place(lived_in, tmp_path, monkeypatch):
    keeping.back_up(lived_in.settings, tmp_path / "one.db")
    before = answers(lived_in)
    lived_in.close()
    monkeypatch.setattr("retriever.record.database.BUSY_TIMEOUT_S", 0.1)
    real, refused = backups._set_aside, []

    def set_aside(record, aside):
        real(record, aside)
        # Now the one is set aside and the other not there yet: what is written here would meet a record not its own.
        try:
            late = Memory.open(lived_in.settings)
        except HomeBusy as error:
            refused.append(str(error))
        else:
            late.record.tokens.add("late", "read")

    monkeypatch.setattr(backups, "_set_aside", set_aside)
    keeping.restore(lived_in.settings, tmp_path / "one.db", replace=True)
    assert "a command that is to restore a backup" in refused[0]
    with Memory.open(lived_in.settings) as memory:
        assert answers(memory) == before
        assert memory.record.soundness.structural_damage() == ()


def test_who_comes_while_the_record_is_replaced_waits_and_finds_the_new_one(lived_in, tmp_path, monkeypatch):
    keeping.back_up(lived_in.settings, tmp_path / "one.db")
    settings = settings_at(tmp_path / "other", lived_in)
    counted = []

    def count() -> None:
        with Memory.open(settings, create=True) as memory:
            counted.append(memory.counts()["documents"])

    late, real = threading.Thread(target=count), keeping.copy_in

    def copy_in(file, fresh):
        late.start()
        time.sleep(0.2)
        return real(file, fresh)

    monkeypatch.setattr(keeping, "copy_in", copy_in)
    keeping.restore(settings, tmp_path / "one.db", replace=False)
    late.join()
    assert counted == [13]


def test_a_memory_that_was_made_meanwhile_is_not_replaced_by_an_import(lived_in, tmp_path, monkeypatch):
    keeping.export(lived_in.settings, tmp_path / "all.jsonl", embeddings=True)
    keeping.back_up(lived_in.settings, tmp_path / "one.db")
    settings = settings_at(tmp_path / "other", lived_in)
    real = keeping.make_home

    def make_home(home):
        real(home)
        Memory.open(settings, create=True).close()

    monkeypatch.setattr(keeping, "make_home", make_home)
    with pytest.raises(StoreError, match="imported into an empty home only"):
        keeping.import_from(settings, tmp_path / "all.jsonl")
    with pytest.raises(StoreError, match="--replace"):
        keeping.restore(settings, tmp_path / "one.db", replace=False)


def test_a_damaged_record_gives_way_to_its_backup_and_says_which(lived_in, tmp_path):
    keeping.back_up(lived_in.settings, tmp_path / "one.db")
    before = answers(lived_in)
    lived_in.close()
    record = lived_in.settings.home / "record.db"
    record.write_bytes(b"\xa5" * record.stat().st_size)
    with pytest.raises(RecordDamaged, match=r"lessons restore .*one\.db --replace"):
        Memory.open(lived_in.settings)
    _, replaced = keeping.restore(lived_in.settings, tmp_path / "one.db", replace=True)
    assert replaced.aside.read_bytes()[:4] == b"\xa5" * 4
    with Memory.open(lived_in.settings) as memory:
        assert answers(memory) == before


def test_without_a_known_backup_a_damaged_record_says_so(filled):
    filled.close()
    (filled.settings.home / "record.db").write_bytes(b"\xa5" * 8192)
    with pytest.raises(RecordDamaged, match="No backup of it is known here"):
        Memory.open(filled.settings)


@pytest.mark.parametrize(
    ("content", "kind", "sentence"),
    [
        (b"", NotAMemory, "no backup of a memory"),
        (b"a text, and a long one" * 100, NotAMemory, "no SQLite file"),
        (None, StoreError, "no file"),
    ],
)
def test_restore_refuses_what_is_no_backup(filled, tmp_path, content, kind, sentence):
    if content is not None:
        (tmp_path / "one.db").write_bytes(content)
    with pytest.raises(kind, match=sentence):
        keeping.restore(settings_at(tmp_path / "other", filled), tmp_path / "one.db", replace=False)
    assert not (tmp_path / "other" / "record.db").exists()


def test_restore_refuses_a_backup_that_was_damaged_or_cut_short_or_is_newer(lived_in, tmp_path):
    keeping.back_up(lived_in.settings, tmp_path / "one.db")
    settings = settings_at(tmp_path / "other", lived_in)
    whole = (tmp_path / "one.db").read_bytes()
    middle = len(whole) // 2
    (tmp_path / "one.db").write_bytes(whole[:middle] + os.urandom(40_000) + whole[middle + 40_000 :])
    with pytest.raises(RecordDamaged, match="Take another one"):
        keeping.restore(settings, tmp_path / "one.db", replace=False)
    (tmp_path / "one.db").write_bytes(whole[:middle])
    with pytest.raises(StoreError, match="one.db"):
        keeping.restore(settings, tmp_path / "one.db", replace=False)
    (tmp_path / "one.db").write_bytes(whole)
    with sqlite3.connect(tmp_path / "one.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(RecordTooNew, match="version 99"):
        keeping.restore(settings, tmp_path / "one.db", replace=False)
    assert not (tmp_path / "other" / "record.db").exists()


def test_a_record_copied_by_hand_with_its_log_can_be_restored(lived_in, tmp_path):
    for path in lived_in.settings.home.glob("record.db*"):
        shutil.copy(path, tmp_path / path.name)
    facts, _ = keeping.restore(settings_at(tmp_path / "other", lived_in), tmp_path / "record.db", replace=False)
    assert facts.documents == 13


def test_a_backup_never_writes_over_something_else(filled, tmp_path):
    (tmp_path / "thesis.txt").write_text("chapter one")
    for target in (
        tmp_path / "thesis.txt",
        tmp_path,
        tmp_path / "nowhere" / "one.db",
        filled.settings.home / "record.db",
    ):
        with pytest.raises(StoreError, match=r"something else|is a folder|no folder"):
            keeping.back_up(filled.settings, target)
        with pytest.raises(StoreError, match=r"something else|is a folder|no folder"):
            keeping.export(filled.settings, target, embeddings=True)
    assert (tmp_path / "thesis.txt").read_text() == "chapter one"


def test_the_four_commands_take_a_memory_to_another_home_and_back(runner, home, folder, tmp_path, report):
    (folder / "one.md").write_text(report("one"))
    assert runner("ingest", str(folder)).exit_code == 0
    backup, export = str(tmp_path / "one.db"), str(tmp_path / "all.jsonl")
    assert "Backed up 1 documents and 2 lessons" in runner("backup", backup).stdout
    assert "Exported" in runner("export", export).stdout
    asked = json.loads(runner("ask", "check pump one", "--json").stdout)["hits"]
    for command, file in (("restore", backup), ("import", export)):
        other = tmp_path / command
        assert runner(command, file, home=other).exit_code == 0
        assert json.loads(runner("ask", "check pump one", "--json", home=other).stdout)["hits"] == asked
    refused = runner("restore", backup)
    assert refused.exit_code == 1
    assert "--replace" in refused.stderr
    assert "is kept as" in runner("restore", backup, "--replace").stdout
