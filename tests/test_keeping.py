"""Backup and restore, export and import: what comes back answers exactly as what was taken, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from word_embedder import WordEmbedder

from ingest.pipeline import IngestOptions, ingest
from ingest.scribe import Scribe
from retriever import keeping
from retriever.config import Settings
from retriever.correcting import Correcting
from retriever.errors import HomeBusy, NotAMemory, RecordDamaged, RecordTooNew, SourceError, StoreError
from retriever.memory import Memory
from retriever.questions import Questions
from retriever.record import portable
from retriever.record.schema import SCHEMA_VERSION
from retriever.share import Share
from retriever.sharing import Sharing

QUESTIONS = ("check pump 3 before the gate", "label tank 7 xxxxxxx", "what should we do about pumps")


@pytest.fixture(autouse=True)
def _words_embed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every memory of this module is opened with the word embedder, also those that the code under test opens."""
    real = Memory.open.__func__

    def opened(cls: type[Memory], settings: Settings, *, create: bool = False) -> Memory:
        memory: Memory = real(cls, settings, create=create)
        memory.__dict__.update(embedder=WordEmbedder(), fingerprint=WordEmbedder.fingerprint)
        return memory

    monkeypatch.setattr(Memory, "open", classmethod(opened))


@pytest.fixture
def lived_in(filled: Memory, folder: Path, read: Callable[..., Any], report: Callable[[str], str]) -> Memory:
    """A memory in which every table that an export holds has rows."""
    (folder / "report-1.md").write_text("# Other\n\n## Lessons learned\n\n- Paint the third buoy in a bright red.\n")
    (folder / "tagged.md").write_text("---\ntags: [pumps, gates]\n---\n" + report("tagged"))
    read(url_template="https://git.example/{path}#L{line}")
    filled.forget(filled.document("report-2.md").id)
    filled.record.tokens.add("bot", "read")
    told = Share.of({"learned": "Hang the spare oar where a wet hand finds it.", "next": "Buy a second oar."})
    shared = Sharing(filled, Scribe()).share(told, key="once")
    Correcting(filled).say(shared.lesson.id, "helped", "token:bot")
    Questions(filled, str).note(filled.ask("a question nobody can answer"))
    Correcting(filled).mend(filled.document("report-1.md").id, {"severity": "SEV1"})
    return filled


def settings_at(home: Path, memory: Memory) -> Settings:
    return Settings(home=home, models=memory.settings.models)


def answers(memory: Memory) -> list[Any]:
    return [memory.ask(question).hits for question in QUESTIONS]


def rows_of(memory: Memory) -> dict[str, list[tuple[Any, ...]]]:
    with sqlite3.connect(memory.settings.home / "record.db") as connection:
        rows = {
            name: [tuple(row) for row in connection.execute(f"SELECT {', '.join(columns)} FROM {name}")]
            for name, columns in portable.tables(connection).items()
        }
    # What a home has still to do about its own files is not exported.
    rows["meta"] = [row for row in rows["meta"] if not row[0].startswith("erase")]
    return {name: sorted(found, key=repr) for name, found in rows.items()}


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
    monkeypatch.setattr("retriever.record.backups._IN_USE_S", 0.1)
    keeping.back_up(lived_in.settings, tmp_path / "one.db")
    with pytest.raises(HomeBusy, match="in use by another process"):
        keeping.restore(lived_in.settings, tmp_path / "one.db", replace=True)
    lived_in.start_following()
    with pytest.raises(HomeBusy, match="a server on"):
        keeping.restore(lived_in.settings, tmp_path / "one.db", replace=True)
    assert lived_in.counts()["documents"] == 13
    assert not list(lived_in.settings.home.glob("record.db.new*"))


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


def test_every_table_is_exported_or_left_out_for_a_reason(lived_in, tmp_path):
    keeping.export(lived_in.settings, tmp_path / "all.jsonl", embeddings=True)
    exported = {json.loads(line).get("table") for line in (tmp_path / "all.jsonl").read_text().splitlines()} - {None}
    with sqlite3.connect(lived_in.settings.home / "record.db") as connection:
        names = {
            row[1]
            for row in connection.execute("PRAGMA table_list").fetchall()
            if row[0] == "main" and row[2] != "shadow"
        }
    # A table that this test leaves empty is not seen to come back: give it a row in `lived_in`.
    assert names - set(portable.LEFT_OUT) == exported
    assert all(portable.LEFT_OUT.values())


def test_an_import_into_an_empty_home_brings_back_every_row_and_the_same_answers(lived_in, tmp_path):
    keeping.export(lived_in.settings, tmp_path / "all.jsonl", embeddings=True)
    settings = settings_at(tmp_path / "other", lived_in)
    imported, replaced = keeping.import_from(settings, tmp_path / "all.jsonl")
    assert (imported.documents, imported.has_embeddings, replaced.is_indexed) == (13, True, True)
    with Memory.open(settings) as memory:
        assert rows_of(memory) == rows_of(lived_in)
        assert answers(memory) == answers(lived_in)


def test_what_was_imported_goes_on_as_if_it_had_never_moved(lived_in, tmp_path, folder, report):
    keeping.export(lived_in.settings, tmp_path / "all.jsonl", embeddings=True)
    settings = settings_at(tmp_path / "other", lived_in)
    keeping.import_from(settings, tmp_path / "all.jsonl")
    with Memory.open(settings) as memory:
        again = ingest(memory, folder, IngestOptions())
        assert (again.unchanged, again.read) == (13, 0)
        (folder / "later.md").write_text(report("later"))
        ingest(memory, folder, IngestOptions())
        assert memory.ask("check pump later").hits[0].document.path == "later.md"


def test_an_export_without_embeddings_answers_by_words_until_it_is_reindexed(lived_in, tmp_path):
    from ingest.reembed import embed_missing

    keeping.export(lived_in.settings, tmp_path / "all.jsonl", embeddings=False)
    settings = settings_at(tmp_path / "other", lived_in)
    imported, _ = keeping.import_from(settings, tmp_path / "all.jsonl")
    assert not imported.has_embeddings
    with Memory.open(settings) as memory:
        by_words = memory.ask(QUESTIONS[0])
        assert by_words.degraded == ("meaning",)
        assert by_words.hits
        memory.reindex(lambda: embed_missing(memory, lambda done, total: None))
        assert answers(memory) == answers(lived_in)


def _changed(lines: list[str], number: int, line: str) -> list[str]:
    return [*lines[:number], line, *lines[number + 1 :]]


def test_a_broken_export_is_refused_with_the_line_at_fault(lived_in, tmp_path):
    keeping.export(lived_in.settings, tmp_path / "all.jsonl", embeddings=True)
    lines = (tmp_path / "all.jsonl").read_text().splitlines(keepends=True)
    document = next(number for number, line in enumerate(lines) if '"table":"documents"' in line)
    vector = next(number for number, line in enumerate(lines) if '"table":"embeddings"' in line)
    orphans = [line for line in lines[:-1] if '"table":"sources"' not in line]
    broken = {
        rf"line {document + 1}: it is no JSON": _changed(lines, document, lines[document][:50] + "\n"),
        rf"line {document + 1}: it was changed": _changed(lines, document, lines[document].replace("Check", "Chuck")),
        r"line 3: it holds no row of a known table": _changed(lines, 2, '{"table":"tunes","row":{}}\n'),
        r"line 3: it has too many or too few columns": _changed(lines, 2, '{"table":"sources","row":{"key":1}}\n'),
        r"line 3: it cannot be a row": [*lines[:2], lines[1], *lines[2:]],
        r"cut short": lines[:-1],
        r"is incomplete: a row of": [*orphans, json.dumps({"end": len(orphans) - 1}) + "\n"],
        rf"line {len(lines)}: it says that": [*lines[:-1], '{"end":1}\n'],
        rf"line {len(lines) + 1}: it comes after": [*lines, lines[-1]],
        r"first line does not say": lines[1:],
        r"newer Lessons": _changed(lines, 0, lines[0].replace(f'"schema":{SCHEMA_VERSION}', '"schema":99')),
        rf"line {vector + 1}: it holds bytes": _changed(lines, vector, lines[vector].replace('64":"', '64":"!')),
    }
    for sentence, content in broken.items():
        (tmp_path / "broken.jsonl").write_text("".join(content))
        with pytest.raises(SourceError, match=sentence):
            keeping.import_from(settings_at(tmp_path / "other", lived_in), tmp_path / "broken.jsonl")
        assert not list((tmp_path / "other").glob("record.db*"))


def test_an_export_is_not_imported_over_a_memory(lived_in, tmp_path):
    keeping.export(lived_in.settings, tmp_path / "all.jsonl", embeddings=True)
    with pytest.raises(StoreError, match="an empty home only"):
        keeping.import_from(lived_in.settings, tmp_path / "all.jsonl")


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
