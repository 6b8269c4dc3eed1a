from __future__ import annotations

import json
import threading

import pytest

from ingest.pipeline import IngestOptions, ingest
from ingest.reembed import embed_missing
from ingest.scribe import Scribe
from retriever.correcting import Correcting
from retriever.errors import InvalidQuery, KeyReused, NotFound, SourceError
from retriever.lesson import SHARED_SOURCE, Filters
from retriever.record import FILE_NAME
from retriever.share import Share, parse_share, share_text
from retriever.sharing import Sharing

TOLD = Share(
    learned="Label the valves before the night shift.",
    happened="The wrong valve was opened in the dark. The tank overflowed.",
    next="Paint each valve in the colour of its tank.",
    polarity="failure",
    team="Waterworks",
    author="Kim",
    tags=("valves", "night"),
    link="https://wiki.test/valves",
)


@pytest.fixture
def sharing(memory):
    return Sharing(memory, Scribe())


def lessons_in(memory):
    return [lesson.text for lesson, _ in memory.browse_lessons(Filters(), limit=100, after=None).items]


def test_a_shared_lesson_is_a_document_with_its_lessons_in_their_places(memory, sharing):
    shared = sharing.share(TOLD)
    document = memory.document(f"{SHARED_SOURCE}/{shared.lesson.id}")
    assert (document.source, document.title) == (SHARED_SOURCE, "The wrong valve was opened in the dark")
    assert document.meta.authors == ("Kim",)
    assert (document.meta.team, document.meta.tags, document.meta.url) == ("Waterworks", TOLD.tags, TOLD.link)
    learned, following = memory.lessons_of(document.id)
    assert [document.text[item.start : item.end] for item in (learned, following)] == [TOLD.learned, TOLD.next]
    assert (learned.kind, learned.polarity) == ("insight", "failure")
    assert (following.kind, following.polarity) == ("recommendation", "neutral")
    assert shared.share == sharing.shared(following.id).share


def test_a_shared_lesson_is_found_at_once(memory, sharing, filled):
    shared = sharing.share(TOLD)
    hits = memory.ask("who labels valves at night?").hits
    assert hits[0].document.id == shared.document.id
    assert any(hit.document.source != SHARED_SOURCE for hit in memory.ask("pump gate tank").hits)


def test_secrets_are_gone_before_anything_is_stored(memory, sharing, home):
    secret = "AKIAZ7QPLM2XW4RTVB6N"
    told = Share(
        learned=f"Never paste {secret} into a ticket.",
        author="kim@waterworks.dev",
        link=f"https://wiki.test/?key={secret}",
    )
    shared = sharing.share(told)
    assert dict(shared.redacted)
    memory.close()
    kept = b"".join(path.read_bytes() for path in home.iterdir() if path.name.startswith(FILE_NAME))
    assert b"[redacted:" in kept
    assert secret.encode() not in kept
    assert b"kim@waterworks.dev" not in kept


def test_a_reworded_lesson_keeps_its_ids_and_its_spans(memory, sharing):
    shared = sharing.share(TOLD)
    before = [lesson.id for lesson in memory.lessons_of(shared.document.id)]
    edited = sharing.edit(shared.lesson.id, {"learned": "Nobody reads labels; use locks.", "next": "Buy locks."})
    document = memory.document(shared.document.id)
    after = memory.lessons_of(shared.document.id)
    assert [lesson.id for lesson in after] == before
    assert [document.text[lesson.start : lesson.end] for lesson in after] == [
        "Nobody reads labels; use locks.",
        "Buy locks.",
    ]
    assert edited.share.happened == TOLD.happened
    assert memory.ask("locks").hits[0].document.id == document.id


def test_a_field_can_be_cleared_but_not_the_lesson_itself(memory, sharing):
    shared = sharing.share(TOLD)
    edited = sharing.edit(shared.lesson.id, {"next": None, "author": None, "tags": None})
    assert (edited.share.next, edited.share.author, edited.share.tags) == ("", None, ())
    assert len(memory.lessons_of(shared.document.id)) == 1
    for nothing in ("", None):
        with pytest.raises(InvalidQuery, match="what was learned"):
            sharing.edit(shared.lesson.id, {"learned": nothing})


def test_two_people_who_reword_at_once_lose_nothing(memory, sharing):
    shared = sharing.share(TOLD)
    other = Sharing(memory, Scribe())

    class Interrupted(Scribe):
        def prepare(self, share, identity, embedder):
            if share.next == "Buy locks." and share.team == "Waterworks":
                other.edit(identity, {"team": "Night shift"})
            return super().prepare(share, identity, embedder)

    edited = Sharing(memory, Interrupted()).edit(shared.lesson.id, {"next": "Buy locks."})
    assert (edited.share.next, edited.share.team) == ("Buy locks.", "Night shift")


def test_a_hidden_lesson_can_be_reworded_and_stays_hidden(memory, sharing):
    shared = sharing.share(TOLD)
    Correcting(memory).remark(shared.lesson.id, {"hidden": True})
    edited = sharing.edit(shared.lesson.id, {"learned": "Locks beat labels."})
    assert (edited.lesson.text, edited.lesson.remarks.hidden) == ("Locks beat labels.", True)
    assert shared.lesson.id not in [hit.lesson.id for hit in memory.ask("locks").hits]


def test_what_somebody_told_before_is_found_while_one_tells_it(memory, sharing, filled):
    shared = sharing.share(TOLD)
    assert shared.lesson.id in [hit.lesson.id for hit in sharing.similar("valves in the night shift")]
    assert len(sharing.similar("check pump before the gate", 2)) == 2
    assert sharing.similar("  ") == ()


def test_a_withdrawn_lesson_is_gone_for_good_and_says_so(memory, sharing):
    shared = sharing.share(TOLD)
    following = memory.lessons_of(shared.document.id)[1]
    sharing.withdraw(following.id)
    assert lessons_in(memory) == []
    assert memory.ask("valves").hits == ()
    for lesson_id in (shared.lesson.id, following.id):
        with pytest.raises(NotFound, match="no longer"):
            sharing.shared(lesson_id)
    with pytest.raises(NotFound, match="no longer"):
        sharing.edit(shared.lesson.id, {"next": "Buy locks."})


def test_only_what_was_told_can_be_reworded(filled, sharing):
    lesson, _ = filled.browse_lessons(Filters(), limit=1, after=None).items[0]
    for change in (lambda: sharing.edit(lesson.id, {"learned": "x"}), lambda: sharing.withdraw(lesson.id)):
        with pytest.raises(InvalidQuery, match="was read from a document"):
            change()


def test_a_request_that_is_repeated_shares_once(memory, sharing):
    first = sharing.share(TOLD, by="bot", key="k1")
    again = sharing.share(TOLD, by="bot", key="k1")
    assert (first.is_new, again.is_new) == (True, False)
    assert again.lesson == first.lesson
    assert sharing.share(TOLD, by="another bot", key="k1").lesson.id != first.lesson.id
    with pytest.raises(KeyReused, match="'k1' was given to another request"):
        sharing.share(Share(learned="Something else."), by="bot", key="k1")


def test_requests_repeated_at_the_same_moment_share_once(memory, sharing):
    gate = threading.Barrier(4)

    class Together(Scribe):
        def prepare(self, share, identity, embedder):
            gate.wait(timeout=20)
            return super().prepare(share, identity, embedder)

    found = []
    at_once = Sharing(memory, Together())
    threads = [
        threading.Thread(target=lambda: found.append(at_once.share(TOLD, by="bot", key="k").lesson.id))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert memory.counts()["documents"] == 1


def test_another_ingest_and_another_embedding_leave_shared_lessons_alone(memory, sharing, folder, read, report):
    shared = sharing.share(TOLD)
    before = memory.lessons_of(shared.document.id)
    (folder / "a.md").write_text(report("1"))
    read(prune=True, yes=True)
    embed_missing(memory, lambda done, total: None, everything=True)
    assert memory.lessons_of(shared.document.id) == before
    assert memory.ask("valves").hits[0].document.id == shared.document.id


def test_no_folder_can_take_the_source_of_shared_lessons(memory, folder, report):
    (folder / "a.md").write_text(report("1"))
    with pytest.raises(SourceError, match="kept for what people tell"):
        ingest(memory, folder, IngestOptions(source=SHARED_SOURCE))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (share_text(TOLD).text, {"happened": TOLD.happened, "learned": TOLD.learned, "next": TOLD.next}),
        ("Only this.\nIn two lines.", {"learned": "Only this.\nIn two lines."}),
        ("# Wet feet\n\nIt rained.\n\n# Lessons learned\n\nTake boots.",
         {"title": "Wet feet", "happened": "It rained.", "learned": "Take boots."}),
        ("## What I learned\r\n\r\nA\r\n### Next time\r\nB\r\n", {"learned": "A", "next": "B"}),
        ("## What I learned\n\nA\n\n### A detail\n\nB", {"learned": "A\n\n### A detail\n\nB"}),
        ("## Learned\nA\n## Learned\nB", {"learned": "A\n\nB"}),
        ("", {}),
    ],
)  # fmt: skip
def test_a_lesson_told_as_a_file_is_read_by_its_headings(text, told):
    assert parse_share(text) == told


def test_share_records_what_the_options_say(runner, home):
    result = runner(
        "share", "--learned", "Label the valves.", "--polarity", "failure", "--tag", "a", "--tag", "b", "--json"
    )
    assert result.exit_code == 0, result.stderr
    value = json.loads(result.stdout)
    assert value["lesson"]["text"] == "Label the valves."
    assert value["document"]["tags"] == ["a", "b"]
    assert value["document"]["authors"] == []
    assert json.loads(runner("ask", "valves", "--json").stdout)["hits"][0]["lesson"]["id"] == value["lesson"]["id"]
    assert json.loads(runner("show", value["lesson"]["id"], "--json").stdout)["document"]["text"].endswith(
        "Label the valves.\n"
    )


def test_share_reads_a_file_and_options_beat_it(runner, tmp_path):
    file = tmp_path / "told.md"
    file.write_text("---\nteam: Waterworks\ntags: [a, b]\n---\n# Wet\n\n## What I learned\n\nTake boots.\n")
    result = runner("share", "--file", str(file), "--team", "Night shift", "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)["document"]
    assert (document["title"], document["team"], document["tags"]) == ("Wet", "Night shift", ["a", "b"])
    file = tmp_path / "told.json"
    file.write_text(json.dumps({"learned": "Take an umbrella.", "tags": ["rain"]}))
    assert json.loads(runner("share", "--file", str(file), "--json").stdout)["document"]["tags"] == ["rain"]
    assert "Take tea" in json.loads(runner("share", "--file", "-", "--json", input="Take tea").stdout)["lesson"]["text"]


def test_share_asks_when_it_is_told_nothing(runner):
    answers = "It rained.\nTake boots.\n\nrain, boots\n\n\nfailure\n"
    result = runner("share", "--json", input=answers)
    assert result.exit_code == 0, result.stderr
    shared = json.loads(result.stdout)["shared"]
    assert (shared["happened"], shared["learned"], shared["next"]) == ("It rained.", "Take boots.", None)
    assert (shared["polarity"], shared["tags"], shared["author"]) == ("failure", ["rain", "boots"], None)


def test_share_shows_what_was_told_before_and_takes_a_me_too(runner):
    told = json.loads(runner("share", "--learned", "Label the valves before the night shift.", "--json").stdout)
    answers = "\nLabel the valves before night.\n\n\n\n\nneutral\n"
    me_too = runner("share", input=answers + "1\n")
    assert me_too.exit_code == 0, me_too.stderr
    assert "1. Label the valves before the night shift." in me_too.stderr
    assert "Me too: 1 so far" in me_too.stdout
    shown = json.loads(runner("show", told["lesson"]["id"], "--json").stdout)
    assert shown["lessons"][0]["remarks"]["me_too"] == 1
    assert "Shared" in runner("share", input=answers + "\n").stdout
    assert json.loads(runner("status", "--json").stdout)["counts"]["documents"] == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--happened", "It rained."], "'learned' must say what was learned"),
        (["--learned", "x" * 4001], "'learned' must have at most 4,000 characters"),
        (["--learned", "x", "--link", "javascript:alert(1)"], "'link' must be an address that begins with http"),
        (["--learned", "x", "--date", "yesterday"], "'date' must be a date such as"),
        (["--learned", "x", "--polarity", "bad"], "'bad' is not one of"),
    ],
)
def test_share_refuses_what_no_lesson_can_be(runner, home, arguments, sentence):
    result = runner("share", *arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert not home.exists()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("absent.md", None, "cannot be read"),
        ("bytes.md", b"\xff\xfe\xff", "is no UTF-8 text"),
        ("broken.json", b"{", "is no JSON"),
        ("list.json", b"[]", "must hold one JSON object"),
    ],
)
def test_a_file_that_tells_nothing_is_named_with_the_reason(runner, tmp_path, name, content, sentence):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = runner("share", "--file", str(tmp_path / name))
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert name in result.stderr
