from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ingest.pipeline import IngestOptions, Progress, ingest
from retriever.errors import NotFound, SourceError
from retriever.memory import Memory

REPORT = """# Ferry tickets sold twice

Date: 2024-03-09

## What happened

The harbour office opened two tills at once and both sold seat 14.

## Lessons learned

- Reserve the seat before the payment starts, not after it.
- The cleanup job must never run while tickets are on sale.

## Action items

- [ ] Add an alert when two sales name the same seat.
"""

NOTE = """# Sunday trains

The timetable import stopped because the Sunday file had no header line.
We should check the header before the old timetable is dropped.
"""


@pytest.fixture
def two_reports(folder: Path) -> Path:
    (folder / "2024-03-09-tickets.md").write_text(REPORT)
    (folder / "notes").mkdir()
    (folder / "notes" / "trains.md").write_text(NOTE)
    return folder


def ids(memory: Memory, path: str) -> dict[str, str]:
    document = memory.document(path)
    return {lesson.text: lesson.id for lesson in memory.lessons_of(document.id)}


def test_every_file_seen_is_read_unchanged_skipped_or_failed(two_reports, read):
    (two_reports / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    (two_reports / ".hidden.md").write_text("# Hidden\n")
    (two_reports / "broken.pdf").write_bytes(b"%PDF-1.4 and then nothing")
    report = read()
    assert (report.seen, report.read, report.unchanged) == (5, 2, 0)
    assert {path for path, _ in report.skipped} == {"photo.png", ".hidden.md"}
    assert [path for path, _ in report.failed] == ["broken.pdf"]
    assert report.outcome.documents_new == 2
    assert report.outcome.lessons_new == report.lessons_found > 2


def test_a_second_ingest_reads_and_embeds_nothing(two_reports, read):
    read()
    again = read()
    assert (again.read, again.unchanged, again.embedded) == (0, 2, 0)
    assert again.outcome == type(again.outcome)()


def test_an_edited_file_changes_only_its_own_and_embeds_only_what_is_new(two_reports, read, memory):
    read()
    before = ids(memory, "notes/trains.md")
    (two_reports / "2024-03-09-tickets.md").write_text(REPORT.replace("two tills at once", "three tills at once"))
    report = read()
    assert (report.read, report.unchanged, report.outcome.documents_changed) == (1, 1, 1)
    assert report.embedded <= 2
    assert ids(memory, "notes/trains.md") == before


def test_a_reworded_lesson_keeps_its_id_and_a_removed_one_is_known_as_gone(two_reports, read, memory):
    read()
    before = ids(memory, "2024-03-09-tickets.md")
    old = "Reserve the seat before the payment starts, not after it."
    gone = "The cleanup job must never run while tickets are on sale."
    new = "Reserve the seat before the payment starts, and not after it."
    (two_reports / "2024-03-09-tickets.md").write_text(REPORT.replace(old, new).replace(f"- {gone}\n", ""))
    report = read()
    after = ids(memory, "2024-03-09-tickets.md")
    assert after[new] == before[old]
    assert report.outcome.lessons_gone == 1
    with pytest.raises(NotFound, match="no longer in its document"):
        memory.lesson(before[gone])


def test_a_moved_file_keeps_its_document_and_lesson_ids(two_reports, read, memory):
    read()
    document = memory.document("notes/trains.md").id
    lessons = ids(memory, "notes/trains.md")
    (two_reports / "archive").mkdir()
    shutil.move(two_reports / "notes" / "trains.md", two_reports / "archive" / "sunday.md")
    report = read()
    assert (report.moved, report.gone, report.outcome.documents_new) == (1, (), 0)
    assert memory.document("archive/sunday.md").id == document
    assert ids(memory, "archive/sunday.md") == lessons
    assert report.embedded == 0


def test_a_copy_is_a_new_document(two_reports, read, memory):
    read()
    shutil.copy(two_reports / "notes" / "trains.md", two_reports / "copy.md")
    assert read().outcome.documents_new == 1
    assert memory.document("copy.md").id != memory.document("notes/trains.md").id


def test_a_deleted_file_is_reported_and_stays_until_it_is_pruned(two_reports, read, memory):
    read()
    (two_reports / "notes" / "trains.md").unlink()
    report = read()
    assert report.gone == ("notes/trains.md",)
    assert memory.document("notes/trains.md")
    pruned = read(prune=True, yes=True)
    assert pruned.outcome.documents_gone == 1
    with pytest.raises(NotFound, match="no document"):
        memory.document("notes/trains.md")
    assert not memory.ask("timetable header on Sunday").hits or all(
        hit.document.path != "notes/trains.md" for hit in memory.ask("timetable header on Sunday").hits
    )


def test_prune_refuses_an_empty_root_and_more_than_a_fifth(two_reports, read, memory):
    read()
    (two_reports / "notes" / "trains.md").unlink()
    with pytest.raises(SourceError, match="more than a fifth"):
        read(prune=True)
    (two_reports / "2024-03-09-tickets.md").unlink()
    with pytest.raises(SourceError, match="Is the folder mounted"):
        read(prune=True)
    assert memory.counts()["documents"] == 2


def test_an_unreadable_edit_fails_and_the_document_of_before_stays(two_reports, read, memory):
    read()
    (two_reports / "notes" / "trains.md").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(200))
    report = read()
    assert "notes/trains.md" in {path for path, _ in (*report.failed, *report.skipped)}
    assert memory.document("notes/trains.md").text == NOTE


def test_a_dry_run_changes_nothing(two_reports, read, memory):
    report = read(dry_run=True)
    assert report.read == 2
    assert report.lessons_found > 2
    assert memory.counts() == {"documents": 0, "lessons": 0, "passages": 0, "sources": 0}


def test_a_root_inside_a_known_one_joins_it(two_reports, read, memory):
    read()
    report = ingest(memory, two_reports / "notes", IngestOptions())
    assert (report.unchanged, report.gone) == (1, ())
    assert memory.counts()["documents"] == 2
    assert report.source == str(two_reports)


def test_one_file_can_be_ingested_by_itself(two_reports, memory):
    report = ingest(memory, two_reports / "notes" / "trains.md", IngestOptions())
    assert (report.seen, report.read) == (1, 1)
    assert memory.document("trains.md").text == NOTE


def test_a_missing_folder_is_an_error_that_names_it(memory, tmp_path):
    with pytest.raises(SourceError, match="nowhere"):
        ingest(memory, tmp_path / "nowhere", IngestOptions())


def test_an_interrupted_ingest_keeps_what_is_committed_and_goes_on(folder, memory, monkeypatch):
    monkeypatch.setattr("ingest.commits.BATCH_TEXTS", 1)
    for number in range(6):
        (folder / f"report-{number}.md").write_text(REPORT.replace("seat 14", f"seat {number}"))

    def interrupt(progress: Progress) -> None:
        if progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(memory, folder, IngestOptions(), interrupt)
    assert memory.counts()["documents"] == 3
    report = ingest(memory, folder, IngestOptions())
    assert (report.read, report.unchanged) == (3, 3)
    assert memory.counts()["documents"] == 6


def test_a_forgotten_document_stays_away_until_its_file_changes(two_reports, read, memory, home):
    read()
    memory.forget(memory.document("notes/trains.md").id)
    assert read().outcome.documents_new == 0
    assert memory.counts()["documents"] == 1
    assert b"Sunday file had no header" not in b"".join(path.read_bytes() for path in home.glob("record.db*"))
    (two_reports / "notes" / "trains.md").write_text(NOTE + "\nNow checked.\n")
    assert read().outcome.documents_new == 1


def test_the_url_template_gives_documents_their_link_home(two_reports, read, memory):
    read(url_template="https://example.org/docs/{path}#L{line}")
    assert memory.document("notes/trains.md").meta.url == "https://example.org/docs/notes/trains.md#L1"


def test_secrets_are_redacted_before_anything_is_stored(folder, read, memory, home):
    secret = "ghp_" + "a1B2c3D4" * 4 + "e5F6"
    (folder / "leak.md").write_text(f"# Leak\n\nWe should never paste {secret} into a report.\n")
    report = read()
    assert sum(count for _, count in report.redacted) == 1
    assert secret not in memory.document("leak.md").text
    assert secret.encode() not in b"".join(path.read_bytes() for path in home.glob("record.db*"))


def test_lines_repeated_across_the_folder_are_no_lessons_whatever_the_order(folder, read, memory):
    repeated = "You should always fill in every section of this form before the review."
    for number in range(5):
        (folder / f"report-{number}.md").write_text(
            f"# Outage {number}\n\n{repeated}\n\n## Lessons learned\n\n"
            f"- Check pump {number} before you open gate {number}.\n"
        )
        read()
    texts = [lesson.text for lesson, _ in memory.browse_lessons(_no_filters(), limit=50, after=None).items]
    assert len([text for text in texts if text.startswith("Check pump")]) == 5
    assert repeated not in texts


def _no_filters():
    from retriever.lesson import Filters

    return Filters()


def test_a_document_without_sentences_may_get_some(folder, read, memory):
    (folder / "picture.md").write_text("![](harbour.png)\n")
    read()
    (folder / "picture.md").write_text("![](harbour.png)\n\nWe should label the third pump before the tide.\n")
    assert read().failed == ()
    assert "third pump" in memory.document("picture.md").text
