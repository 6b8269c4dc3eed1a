from __future__ import annotations

import io
import re

import pytest
from flask.testing import FlaskClient
from web_memory import TestMemory

from retriever.web import create_app, writing_texts
from retriever.web.operations import MAX_BODY_BYTES

TOLD = {
    "learned": "Label the valves before the night shift.",
    "happened": "The wrong valve was opened in the dark.",
    "next": "Paint each valve in the colour of its tank.",
    "polarity": "failure",
    "tags": "valves, #night",
}


def send(web: FlaskClient, path: str, status: int = 303, **fields: str) -> str:
    """Where the form leads, or the page that comes back, when it is sent with what stands in it hidden."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', web.get("/share").get_data(as_text=True))
    assert token
    response = web.post(path, data={"csrf_token": token[1], **fields})
    assert response.status_code == status
    return response.headers.get("Location") or response.get_data(as_text=True)


def test_a_lesson_is_told_reworded_and_withdrawn_by_forms(web: FlaskClient, small: TestMemory) -> None:
    place = send(web, "/share", **TOLD)
    shown = web.get(place).get_data(as_text=True)
    assert writing_texts.SHARED in shown
    assert writing_texts.SHARED not in web.get(place).get_data(as_text=True)
    assert "Label the valves before the night shift." in shown
    edit = re.search(r'href="(/lessons/\w+/edit)"', shown)
    assert edit
    form = web.get(edit[1]).get_data(as_text=True)
    assert 'value="valves, night"' in form
    place = send(web, edit[1], **{**TOLD, "learned": "Locks beat labels.", "tags": ""})
    document = small.document(place.split("/")[2].split("?")[0])
    assert (small.lessons_of(document.id)[0].text, document.meta.tags) == ("Locks beat labels.", ())
    assert send(web, edit[1].replace("edit", "withdraw")) == "/"
    assert writing_texts.WITHDRAWN in web.get("/").get_data(as_text=True)
    assert web.get(place).status_code == 404


def test_a_preview_shows_the_lesson_without_its_secrets_and_keeps_nothing(web: FlaskClient, small: TestMemory) -> None:
    before = small.counts()
    shown = send(web, "/share", 200, **{**TOLD, "learned": "Never password=hunter2hunter2", "do": "preview"})
    preview = shown.split('class="preview"')[1].split("</section>")[0]
    assert "[redacted:password]" in preview
    assert "hunter2" not in preview
    assert writing_texts.PREVIEW_REDACTED.format(1) in preview
    assert small.counts() == before


def test_the_preview_says_what_somebody_has_learned_already(web: FlaskClient) -> None:
    shown = send(web, "/share", 200, learned="A certificate expired unnoticed.", do="preview")
    assert writing_texts.ALIKE_TITLE in shown
    assert "The certificate nobody renewed" in shown.split('class="alike"')[1]
    assert writing_texts.ALIKE_NONE in send(web, "/share", 200, learned="Volcanoes erupt.", do="preview")


def test_a_form_sent_twice_is_one_lesson(web: FlaskClient, small: TestMemory) -> None:
    first = send(web, "/share", **TOLD, key="the-same")
    assert send(web, "/share", **TOLD, key="the-same") == first
    assert small.counts()["documents"] == 4


@pytest.mark.parametrize(
    ("fields", "name", "said"),
    [
        ({"learned": " "}, "learned", "This must say what was learned."),
        ({"learned": "x", "date": "soon"}, "date", "not &#39;soon&#39;"),
        ({"learned": "x", "link": "javascript:alert(1)"}, "link", "This must be"),
    ],
)
def test_a_form_says_what_is_wrong_beside_the_field_and_keeps_the_rest(
    web: FlaskClient, fields: dict[str, str], name: str, said: str
) -> None:
    shown = send(web, "/share", 400, happened="A long story.", **fields)
    assert "A long story.</textarea>" in shown
    assert said in shown.split(f'id="{name}-fault">')[1].split("</p>")[0]
    assert re.search(rf'aria-describedby="[^"]*{name}-fault" aria-invalid="true"', shown)


def test_a_gap_begins_the_form(web: FlaskClient) -> None:
    assert "Why do pumps stall?</textarea>" in web.get("/share?happened=Why+do+pumps+stall%3F").get_data(as_text=True)


def hand_over(web: FlaskClient, path: str, *files: tuple[str, bytes], status: int = 200) -> str:
    token = re.search(r'name="csrf_token" value="([^"]+)"', web.get("/share/files").get_data(as_text=True))
    assert token
    sent = [(io.BytesIO(content), name) for name, content in files]
    response = web.post(path, data={"csrf_token": token[1], "files": sent}, content_type="multipart/form-data")
    assert response.status_code == status
    return response.get_data(as_text=True)


def test_files_are_handed_over_and_each_says_what_came_of_it(web: FlaskClient, small: TestMemory) -> None:
    good = b"# Frost\n\n## Lessons learned\n\n- Heat the pump before it is started in winter.\n"
    shown = hand_over(web, "/share/files", ("a/frost.md", good), ("photo.png", b"\x89PNG\r\n\x1a\n" + b"0" * 200))
    rows = re.findall(r'<li class="(\w+)">\s*<b>([^<]+)</b> <span class="help">([^<]+)', shown)
    assert [(state, name) for state, name, _ in rows] == [("read", "frost.md"), ("skipped", "photo.png")]
    assert "lessons found: 1" in rows[0][2]
    address = re.search(r'<a href="(/documents/\w+)">Frost</a>', shown)
    assert address
    assert "Heat the pump" in web.get(address[1]).get_data(as_text=True)
    again = hand_over(web, "/share/files?part", ("frost.md", good))
    assert again.lstrip().startswith('<li class="unchanged">')


def test_a_file_may_be_larger_than_a_form(web: FlaskClient) -> None:
    image = b"\x89PNG\r\n\x1a\n" + b"0" * 2 * MAX_BODY_BYTES
    assert '<li class="skipped">' in hand_over(web, "/share/files", ("photo.png", image))


def test_only_what_was_told_by_hand_can_be_reworded(web: FlaskClient, small: TestMemory) -> None:
    lesson = small.lessons_of(small.document("2023/failover.md").id)[0]
    assert web.get(f"/lessons/{lesson.id}/edit").status_code == 400
    assert web.get("/lessons/unknown/edit").status_code == 404


def test_a_form_from_elsewhere_is_refused(web: FlaskClient, small: TestMemory) -> None:
    assert web.post("/share", data=TOLD).status_code == 400
    assert small.counts()["documents"] == 3


def test_without_a_scribe_nothing_is_offered_for_sharing(small: TestMemory) -> None:
    web = create_app(small, small.settings).test_client()
    assert web.get("/share").status_code == 404
    assert writing_texts.NAV_SHARE_WHAT not in web.get("/").get_data(as_text=True)
