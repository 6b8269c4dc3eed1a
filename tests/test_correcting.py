from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from ingest.reembed import embed_missing
from ingest.scribe import Scribe
from retriever.correcting import Correcting
from retriever.errors import InvalidQuery, NotFound
from retriever.lesson import NO_FILTERS, Filters, Remarks
from retriever.record import FILE_NAME
from retriever.share import Share
from retriever.sharing import Sharing
from retriever.standing import FEEDBACK_BOUND, standing

REPORT = """# Outage of the pump

Date: 2024-03-02
Severity: SEV3
Team: Waterworks

## Lessons learned

- Check the pump before the gate is opened.
- We should label the tank beside the pump.
"""


@pytest.fixture
def correcting(memory):
    return Correcting(memory)


@pytest.fixture
def one(folder, read, memory):
    """A memory of one report; gives the memory, its document and its lessons."""
    (folder / "pump.md").write_text(REPORT)
    read()
    document = memory.document("pump.md")
    return memory, document, memory.lessons_of(document.id)


def again(folder, read, text=REPORT):
    """Another ingest that reads the file anew."""
    (folder / "pump.md").write_text(text + "\n## Timeline\n\n- 12:00\n")
    read()


def texts(hits):
    return " ".join(hit.lesson.text for hit in hits)


def test_a_hidden_lesson_is_in_no_answer_list_or_count_also_after_another_ingest(one, correcting, folder, read):
    memory, document, (check, label) = one
    assert "Check the pump" in texts(memory.ask("check the pump before the gate").hits)
    correcting.remark(check.id, {"hidden": True})
    for _ in range(2):
        assert "Check the pump" not in texts(memory.ask("check the pump before the gate").hits)
        assert "label the tank" in texts(memory.ask("label the tank").hits)
        assert [lesson.id for lesson in memory.lessons_of(document.id)] == [label.id]
        assert [lesson.id for lesson, _ in memory.browse_lessons(NO_FILTERS, limit=9, after=None).items] == [label.id]
        assert memory.counts()["lessons"] == 1
        assert sum(count for _, count in memory.facets()["kind"]) == 1
        assert [lesson.id for lesson in correcting.hidden_of(document.id)] == [check.id]
        with pytest.raises(NotFound, match="was hidden"):
            memory.lesson(check.id)
        again(folder, read)
    embed_missing(memory, lambda done, total: None, everything=True)
    assert "Check the pump" not in texts(memory.ask("check the pump before the gate").hits)


def test_a_hidden_lesson_can_be_shown_again(one, correcting):
    memory, _, (check, _) = one
    correcting.remark(check.id, {"hidden": True})
    page = correcting.marked("hidden", NO_FILTERS, limit=9, after=None)
    assert [lesson.id for lesson, _ in page.items] == [check.id]
    correcting.remark(check.id, {"hidden": False})
    assert "Check the pump" in texts(memory.ask("check the pump before the gate").hits)
    assert correcting.marked("hidden", NO_FILTERS, limit=9, after=None).items == ()


def test_a_text_never_runs_over_a_hidden_lesson(folder, read, memory, correcting):
    (folder / "a.md").write_text(
        "# Valves\n\n## Lessons learned\n\nWe should grease valves weekly. Never paint valves at night. "
        "Valves must be counted every morning.\n"
    )
    read()
    lessons = memory.lessons_of(memory.document("a.md").id)
    middle = next(lesson for lesson in lessons if "paint" in lesson.text)
    correcting.remark(middle.id, {"hidden": True})
    hits = memory.ask("valves greased counted").hits
    assert hits
    assert "paint" not in texts(hits)


def test_what_is_silent_has_neither_words_nor_meaning_nor_pieces(one, correcting):
    memory, _, (check, _) = one
    key = next(iter(memory.record.candidates.units_of("lesson", [1])))
    assert key
    before = memory.record.candidates.bundles([1], "words-for-tests")[0]
    correcting.remark(check.id, {"hidden": True})
    after = memory.record.candidates.bundles([1], "words-for-tests")[0]
    assert len(after.silent) == 1
    (row,) = after.silent
    assert before.document.text[before.spans[row, 0] : before.spans[row, 1]].startswith("Check the pump")
    assert not after.embeddings[row].any()
    assert after.lines[row] == ""
    others = [number for number in range(len(before.spans)) if number != row]
    assert np.array_equal(after.embeddings[others], before.embeddings[others])
    assert len(after.piece_ends) == len(before.piece_ends)


def test_pins_owners_and_review_dates_outlive_an_ingest(one, correcting, folder, read):
    memory, _, (check, _) = one
    correcting.remark(check.id, {"pinned": True, "owner": "Kim", "review_on": "2027-01-01"})
    again(folder, read)
    lesson = memory.lesson(check.id)
    assert lesson.remarks == Remarks(pinned=True, owner="Kim", review_on="2027-01-01")
    hits = memory.ask("check the pump", filters=Filters(kind=(check.kind,))).hits
    assert next(hit for hit in hits if hit.lesson.id == check.id).lesson.remarks.owner == "Kim"
    assert [item.id for item, _ in correcting.marked("pinned", NO_FILTERS, limit=9, after=None).items] == [check.id]
    assert correcting.remark(check.id, {"owner": None}).remarks.owner is None


def test_remarks_wait_for_a_lesson_that_is_away(one, correcting, folder, read):
    memory, document, (check, _) = one
    correcting.remark(check.id, {"hidden": True})
    (folder / "pump.md").write_text(REPORT.replace("- Check the pump before the gate is opened.\n", ""))
    read()
    assert correcting.hidden_of(document.id) == ()
    again(folder, read)
    assert [lesson.id for lesson in correcting.hidden_of(document.id)] == [check.id]


def test_a_mended_document_says_so_and_every_ingest_leaves_it(one, correcting, folder, read):
    memory, document, _ = one
    assert (document.meta.date, document.meta.severity, document.meta.team) == ("2024-03-02", "SEV3", "Waterworks")
    correcting.mend(document.id, {"date": "2023-12", "severity": "SEV1", "team": "Night shift", "owner": "Kim"})
    for _ in range(2):
        mended = memory.document(document.id).meta
        assert (mended.date, mended.severity, mended.team, mended.owner) == ("2023-12", "SEV1", "Night shift", "Kim")
        assert {name for name, origin in mended.origins if origin == "mended"} == {
            *("date", "severity", "team", "owner")
        }
        assert memory.browse_documents(Filters(team=("Night shift",), until="2023"), limit=9, after=None).items
        assert dict(memory.facets()["severity"]) == {"SEV1": 1}
        assert memory.ask("night shift").hits[0].document.id == document.id
        again(folder, read)
    embed_missing(memory, lambda done, total: None, everything=True)
    assert memory.document(document.id).meta.team == "Night shift"


def test_a_field_given_back_says_what_the_document_says_by_now(one, correcting, folder, read):
    memory, document, _ = one
    correcting.mend(document.id, {"severity": "SEV1", "team": "Night shift", "owner": "Kim"})
    again(folder, read, REPORT.replace("SEV3", "SEV2"))
    correcting.mend(document.id, {"severity": None, "team": None, "owner": None})
    meta = memory.document(document.id).meta
    assert (meta.severity, meta.team, meta.owner) == ("SEV2", "Waterworks", None)
    assert "mended" not in dict(meta.origins).values()
    assert dict(meta.origins)["severity"] == dict(document.meta.origins)["severity"]
    assert memory.record.soundness is not None
    with sqlite3.connect(memory.settings.home / FILE_NAME) as connection:
        labels, tokens = connection.execute(
            "SELECT w.labels, d.tokens FROM document_words w JOIN documents d ON d.key = w.rowid"
        ).fetchone()
    assert "night" not in labels
    again(folder, read, REPORT.replace("SEV3", "SEV2") + "\n")
    with sqlite3.connect(memory.settings.home / FILE_NAME) as connection:
        assert connection.execute("SELECT labels FROM document_words").fetchone()[0] == labels
        assert connection.execute("SELECT tokens FROM documents").fetchone()[0] == tokens


def test_what_a_person_told_is_mended_by_rewording(memory, correcting):
    shared = Sharing(memory, Scribe()).share(Share(learned="Take boots.", team="Night shift"))
    with pytest.raises(InvalidQuery, match="reword the lesson"):
        correcting.mend(shared.document.id, {"team": "Day shift"})
    assert correcting.mend(shared.document.id, {"severity": "SEV1"}).meta.severity == "SEV1"
    Sharing(memory, Scribe()).edit(shared.lesson.id, {"learned": "Take high boots."})
    assert memory.document(shared.document.id).meta.severity == "SEV1"


def test_each_voice_counts_once_and_its_newest_finding(one, correcting):
    _, _, (check, _) = one
    for _ in range(2):
        correcting.say(check.id, "helped", "one")
        correcting.say(check.id, "me_too", "one")
    correcting.say(check.id, "helped", "two")
    assert correcting.lesson(check.id).remarks == Remarks(helped=2, me_too=1)
    correcting.say(check.id, "outdated", "two")
    assert correcting.lesson(check.id).remarks == Remarks(helped=1, outdated=1, me_too=1)
    assert correcting.said_by(check.id, "one") == ("helped", "me_too")
    assert correcting.unsay(check.id, "me_too", "one").remarks == Remarks(helped=1, outdated=1)


def test_feedback_settles_what_is_close_and_no_more(folder, read, memory, correcting):
    # Two reports that answer alike, and a third that answers less.
    for name, extra in (("a", ""), ("b", ""), ("c", " of the old house by the river where nobody goes")):
        (folder / f"{name}.md").write_text(
            f"# Report {name}\n\n## Lessons learned\n\n- We should label the {name} valve{extra}.\n"
        )
    read()
    order = [hit.document.path for hit in memory.ask("label the valve").hits]
    assert order[2] == "c.md"
    loser = memory.lessons_of(memory.document(order[1]).id)[0]
    far = memory.lessons_of(memory.document("c.md").id)[0]
    for number in range(3):
        correcting.say(loser.id, "helped", str(number))
    hits = memory.ask("label the valve").hits
    assert [hit.document.path for hit in hits] == [order[1], order[0], "c.md"]
    assert dict(hits[0].signals)["feedback"] == pytest.approx(FEEDBACK_BOUND / 2)
    assert sum(share for _, share in hits[0].signals) == pytest.approx(hits[0].score)
    for number in range(200):
        correcting.say(far.id, "helped", str(number))
    assert memory.ask("label the valve").hits[2].document.path == "c.md"
    for number in range(200):
        correcting.say(loser.id, "wrong", str(number))
    assert memory.ask("label the valve").hits[0].document.path == order[0]


def test_feedback_never_moves_a_score_past_its_bound():
    assert standing(Remarks()) == 0
    assert 0.149 < standing(Remarks(helped=10_000, pinned=True)) < FEEDBACK_BOUND
    assert -FEEDBACK_BOUND < standing(Remarks(wrong=10_000)) < -0.149
    assert standing(Remarks(wrong=1)) < standing(Remarks(outdated=1)) < 0 < standing(Remarks(me_too=1))


def test_a_forgotten_document_leaves_nothing_of_what_was_said(one, correcting):
    memory, document, (check, _) = one
    correcting.remark(check.id, {"owner": "Kim Knows"})
    correcting.say(check.id, "helped", "one")
    correcting.mend(document.id, {"owner": "Kim Knows"})
    memory.forget(document.id)
    with sqlite3.connect(memory.settings.home / FILE_NAME) as connection:
        for table in ("remarks", "voices", "mends"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0


def test_what_happened_is_in_the_log(one, correcting):
    memory, _, (check, _) = one
    correcting.remark(check.id, {"pinned": True}, by="bot")
    correcting.say(check.id, "helped", "one")
    correcting.remark(check.id, {"hidden": True}, by="bot")
    with sqlite3.connect(memory.settings.home / FILE_NAME) as connection:
        rows = connection.execute("SELECT type FROM events WHERE lesson_id = ? ORDER BY seq", (check.id,)).fetchall()
    assert [row[0] for row in rows] == ["lesson.created", "lesson.changed", "lesson.helped", "lesson.withdrawn"]


def test_nothing_can_be_said_of_what_is_not_there(one, correcting):
    _, _, (check, _) = one
    for change in (
        lambda: correcting.remark("unknown", {"hidden": True}),
        lambda: correcting.say("unknown", "helped", "one"),
        lambda: correcting.unsay("unknown", "helped", "one"),
        lambda: correcting.mend("unknown", {"owner": "Kim"}),
    ):
        with pytest.raises(NotFound):
            change()
    correcting.remark(check.id, {"hidden": True})
    with pytest.raises(NotFound, match="was hidden"):
        correcting.say(check.id, "helped", "one")
