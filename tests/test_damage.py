"""A damaged record: refused when its structure is broken, and never believed where a checksum says otherwise."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.pipeline import IngestOptions, ingest
from ingest.reembed import embed_missing
from retriever.errors import RecordDamaged, RecordTooNew
from retriever.record import FILE_NAME, Record
from retriever.record import backups as backups_module
from retriever.record.packing import place_of
from tests.five_reports import QUESTION, change


def break_pages(home: Path) -> None:
    """Overwrites the second half of the record, which no page survives."""
    path = home / FILE_NAME
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint (TRUNCATE)")
    connection.close()
    data = path.read_bytes()
    middle = len(data) // 2 // 4096 * 4096
    path.write_bytes(data[:middle] + b"\xa5" * (len(data) - middle))


def test_a_record_whose_structure_is_broken_refuses_to_start_and_names_the_backup(
    five_reports, folder, tmp_path, runner
):
    five_reports.record.copy_to(tmp_path / "kept.db")
    backups_module.remember_backup(five_reports.settings.home, tmp_path / "kept.db")
    break_pages(five_reports.settings.home)
    for start in (five_reports.start_following, lambda: ingest(five_reports, folder, IngestOptions())):
        with pytest.raises(RecordDamaged, match=r"lessons restore .*kept\.db --replace"):
            start()
    checks = {check["name"]: check for check in json.loads(runner("doctor", "--json").stdout)["checks"]}
    assert not checks["record"]["ok"]
    assert "kept.db" in checks["record"]["mend"]


@pytest.mark.parametrize("damage", ["'Lock', 'Luck'", "'Lock', CAST(x'4CFF636B' AS TEXT)"])
def test_a_changed_text_is_caught_when_it_is_read_and_read_anew_by_an_ingest(five_reports, folder, home, damage):
    asked = five_reports.ask(QUESTION).hits
    victim = asked[0].document
    lesson = five_reports.lessons_of(victim.id)[0]
    change(home, f"UPDATE documents SET text = replace(text, {damage}) WHERE id = ?", victim.id)
    assert five_reports.record.soundness.damaged_texts() == (victim.id,)
    with pytest.raises(RecordDamaged, match=r"is not what was recorded\. Ingest its folder again"):
        five_reports.document(victim.id)
    with pytest.raises(RecordDamaged, match="is not what was recorded"):
        five_reports.lesson(lesson.id)
    shown = five_reports.ask(QUESTION).hits
    assert shown
    assert victim.id not in {hit.document.id for hit in shown}
    assert ingest(five_reports, folder, IngestOptions()).read == 1
    assert five_reports.ask(QUESTION).hits == asked


def test_a_changed_lesson_is_shown_as_its_document_has_it(five_reports, open_memory, home):
    asked = five_reports.ask(QUESTION).hits
    lesson = five_reports.lessons_of(asked[0].document.id)[0]
    change(home, "UPDATE lessons SET text = 'Never check anything.' WHERE id = ?", lesson.id)
    assert open_memory().ask(QUESTION).hits == asked
    assert five_reports.lesson(lesson.id) == lesson
    assert five_reports.record.soundness.damaged_texts() == (asked[0].document.id,)


@pytest.mark.parametrize("is_served", [False, True])
def test_a_changed_embedding_never_counts_and_a_reindex_makes_it_again(
    five_reports, open_memory, home, is_served, wait_until
):
    asked = five_reports.ask(QUESTION).hits
    victim = asked[0].document.id
    with five_reports.record._database.read() as connection:
        place = place_of(connection, "lesson", five_reports.fingerprint)
    change(
        home,
        f"""UPDATE embeddings SET embedding = (SELECT embedding FROM embeddings ORDER BY key DESC LIMIT 1)
            WHERE key = (SELECT l.key FROM lessons l WHERE l.id = ?) + {place}""",
        five_reports.lessons_of(victim)[0].id,
    )
    change(home, "UPDATE sentences SET embeddings = zeroblob(length(embeddings)) WHERE document = 3")
    assert victim in five_reports.record.soundness.damaged_embeddings()
    memory = open_memory()
    if is_served:
        memory.start_following()
        wait_until(lambda: memory.readiness()[0])
    answer = memory.ask(QUESTION)
    assert answer.degraded == ("meaning",)
    assert victim in {hit.document.id for hit in answer.hits}
    memory.close()
    damaged = len(five_reports.record.soundness.damaged_embeddings())
    embedded = []
    five_reports.reindex(lambda: embedded.append(embed_missing(five_reports, lambda done, total: None)))
    assert sum(embedded) == damaged
    assert five_reports.record.soundness.damaged_embeddings() == ()
    assert open_memory().ask(QUESTION).hits == asked


def test_a_damaged_word_index_is_named_by_doctor_and_mended_by_reindex(five_reports, open_memory, home, runner):
    asked = five_reports.ask(QUESTION).hits
    change(home, "DELETE FROM document_words_data WHERE id > 10")
    assert five_reports.record.soundness.damaged_words() == ("document_words",)
    checks = {check["name"]: check for check in json.loads(runner("doctor", "--json").stdout)["checks"]}
    assert "lessons reindex" in checks["words"]["mend"]
    five_reports.reindex()
    assert five_reports.record.soundness.damaged_words() == ()
    assert open_memory().ask(QUESTION).hits == asked


def test_a_newer_home_is_refused_with_a_sentence_by_every_command(five_reports, home, runner):
    five_reports.close()
    with sqlite3.connect(home / FILE_NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(RecordTooNew, match="version 99"):
        Record(home)
    for command in (
        ["ask", "anything"],
        ["status"],
        ["ingest", "."],
        ["doctor"],
        ["backup", str(home.parent / "b.db")],
    ):
        result = runner(*command)
        assert result.exit_code == 1
        assert "Upgrade Lessons; the record was not touched." in result.stdout + result.stderr


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    import time

    def wait(is_true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not is_true():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    return wait
