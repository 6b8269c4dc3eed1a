"""What must hold when things go wrong half-way, or two processes do the same thing: each fault is made to happen."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

import ingest.reembed as reembed
from ingest.pipeline import IngestOptions, ingest
from ingest.reembed import embed_missing
from retriever.errors import ModelError, SourceError
from retriever.record.draft import FileReading, Outcome

REPORT = "# Tide {n}\n\n## Lessons learned\n\n- Moor boat {n} at both ends before the tide turns.\n"


@pytest.fixture
def three(folder: Path) -> Path:
    for n in range(3):
        (folder / f"tide-{n}.md").write_text(REPORT.format(n=n))
    return folder


def source_of(memory):
    return memory.record.files.sources()[0]


def test_one_source_name_cannot_be_two_folders(memory, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "note.md").write_text(REPORT.format(n=name))
    ingest(memory, tmp_path / "a", IngestOptions(source="pm"))
    with pytest.raises(SourceError, match="holds both"):
        ingest(memory, tmp_path / "b", IngestOptions(source="pm"))
    assert "boat a" in memory.document("note.md").text


def test_a_source_whose_folder_has_moved_keeps_its_documents(memory, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "note.md").write_text(REPORT.format(n=1))
    ingest(memory, tmp_path / "a", IngestOptions(source="pm"))
    before = memory.document("note.md").id
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert ingest(memory, tmp_path / "b", IngestOptions(source="pm")).unchanged == 1
    assert memory.document("note.md").id == before


def test_a_root_joins_the_nearest_source_that_holds_it(memory, tmp_path):
    inner = tmp_path / "all" / "inner"
    inner.mkdir(parents=True)
    (inner / "note.md").write_text(REPORT.format(n=1))
    first = ingest(memory, inner, IngestOptions())
    ingest(memory, tmp_path / "all", IngestOptions())
    again = ingest(memory, inner, IngestOptions())
    assert (again.source, again.unchanged) == (first.source, 1)


def test_what_lies_in_a_folder_that_cannot_be_listed_is_not_gone(memory, three, monkeypatch):
    (three / "sub").mkdir()
    (three / "sub" / "deep.md").write_text(REPORT.format(n="deep"))
    ingest(memory, three, IngestOptions())
    real = os.scandir

    def scandir(path):
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr("ingest.sources.os.scandir", scandir)
    report = ingest(memory, three, IngestOptions(prune=True, yes=True))
    assert report.gone == ()
    assert [path for path, _ in report.failed] == ["sub/"]
    assert memory.document("sub/deep.md")


def test_a_second_look_never_puts_old_text_over_an_edit_that_came_between(memory, three, monkeypatch):
    ingest(memory, three, IngestOptions())
    files, source = memory.record.files, source_of(memory)
    reading = files.reading(source, "tide-0.md")
    (three / "tide-0.md").write_text(REPORT.format(n="edited"))
    ingest(memory, three, IngestOptions())
    outcome = files.record_file(source, reading, [], based_on={"": "the checksum of before"})
    assert outcome == Outcome()
    assert "boat edited" in memory.document("tide-0.md").text


def test_a_source_that_changed_meanwhile_is_not_called_settled(memory, three):
    ingest(memory, three, IngestOptions())
    files, source = memory.record.files, source_of(memory)
    old = files.boilerplate(source).revision
    (three / "tide-0.md").write_text(REPORT.format(n="edited"))
    files.drop_files(source, ["tide-1.md"])
    files.settle(source, frozenset({"a line"}), old)
    assert not files.boilerplate(source).is_settled


def test_two_processes_that_see_the_same_move_lose_nothing(memory, three):
    ingest(memory, three, IngestOptions())
    before = memory.document("tide-0.md").id
    files, source = memory.record.files, source_of(memory)
    files.move_file(source, "tide-0.md", "moved.md")
    files.move_file(source, "tide-0.md", "moved.md")
    assert memory.document("moved.md").id == before
    assert memory.counts()["documents"] == 3


def test_a_kill_between_a_move_and_its_reading_is_made_good_by_the_next_run(memory, three):
    ingest(memory, three, IngestOptions())
    shutil.move(three / "tide-0.md", three / "2024-05-06-tide.md")
    memory.record.files.move_file(source_of(memory), "tide-0.md", "2024-05-06-tide.md")
    report = ingest(memory, three, IngestOptions())
    assert report.read == 1
    assert memory.document("2024-05-06-tide.md").meta.date == "2024-05-06"


def test_an_interrupted_embedding_anew_leaves_answers_as_they_were(memory, three, open_memory, monkeypatch):
    ingest(memory, three, IngestOptions())
    before = memory.ask("moor the boat").hits
    calls = []

    def interrupt(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    real = reembed.read_texts
    monkeypatch.setattr(reembed, "read_texts", interrupt)
    with pytest.raises(KeyboardInterrupt):
        memory.reindex(lambda: embed_missing(memory, lambda done, total: None, everything=True))
    assert open_memory().ask("moor the boat").hits == before
    assert ingest(memory, three, IngestOptions()).unchanged == 3


def test_a_move_to_another_model_embeds_everything_once_and_answers(memory, three):
    ingest(memory, three, IngestOptions())

    class Other(type(memory.embedder)):
        fingerprint = "another-model"

    memory.__dict__.update(embedder=Other(), fingerprint="another-model")
    with pytest.raises(ModelError, match="lessons reindex"):
        ingest(memory, three, IngestOptions())
    memory.reindex(lambda: embed_missing(memory, lambda done, total: None))
    assert memory.record.embeddings.model() == "another-model"
    assert memory.record.embeddings.missing("another-model") == 0
    assert memory.ask("moor the boat").degraded == ()
    assert ingest(memory, three, IngestOptions()).unchanged == 3


def test_a_model_cannot_be_mixed_in_between_two_checks(memory, three):
    ingest(memory, three, IngestOptions())
    files, source = memory.record.files, source_of(memory)

    class Foreign:
        fingerprint = "another-model"

    reading = FileReading("tide-0.md", "0" * 64, "markdown/1", "extract/1")
    with pytest.raises(ModelError, match="another model"):
        files.record_file(source, reading, [(None, Foreign())])
    assert "boat 0" in memory.document("tide-0.md").text


def test_an_upgraded_extractor_is_followed_by_a_reindex_without_the_files(memory, three, monkeypatch):
    ingest(memory, three, IngestOptions())
    shutil.rmtree(three)
    monkeypatch.setattr("ingest.drafts.plain", lambda text: text.upper())
    memory.reindex(lambda: embed_missing(memory, lambda done, total: None, everything=True))
    assert memory.record.embeddings.missing(memory.fingerprint) == 0
    hit = memory.ask("moor the boat").hits[0]
    assert memory.document(hit.document.id).text[hit.lesson.start : hit.lesson.end] == hit.lesson.text


def test_a_document_forgotten_while_its_file_could_not_be_read_stays_forgotten(memory, three):
    ingest(memory, three, IngestOptions())
    files, source = memory.record.files, source_of(memory)
    files.note_files(source, "failed", [("tide-0.md", "a passing fault")])
    memory.forget(memory.document("tide-0.md").id)
    ingest(memory, three, IngestOptions())
    assert memory.counts()["documents"] == 2


def test_a_stored_text_that_was_damaged_is_read_again(memory, three, home):
    ingest(memory, three, IngestOptions())
    with sqlite3.connect(home / "record.db") as connection:
        connection.execute("UPDATE documents SET text = replace(text, 'tide', 'tied') WHERE path = 'tide-0.md'")
    assert ingest(memory, three, IngestOptions()).read == 1
    assert "tied" not in memory.document("tide-0.md").text
