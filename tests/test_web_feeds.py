from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from web_memory import TestMemory

from ingest.scribe import Scribe
from retriever.correcting import Correcting
from retriever.share import Share
from retriever.sharing import Sharing
from retriever.web import create_app

ATOM = "{http://www.w3.org/2005/Atom}"
SEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"
LOOKUP = "/api/v1/lookup"


def feed(web: FlaskClient, address: str) -> ElementTree.Element:
    response = web.get(address)
    assert response.status_code == 200, response.data
    assert response.mimetype == "application/atom+xml"
    return ElementTree.fromstring(response.data)


def texts(root: ElementTree.Element, path: str) -> list[str | None]:
    return [element.text for element in root.findall("/".join(f"{ATOM}{name}" for name in path.split("/")))]


def test_the_feed_holds_the_newest_lessons_and_what_atom_asks_for(web: FlaskClient, small: TestMemory) -> None:
    told = Share(learned="Label\x01 the valves.", author="Kim", tags=("valves",))
    shared = Sharing(small, Scribe()).share(told)
    root = feed(web, "/feed.atom")
    assert len(texts(root, "entry")) == small.counts()["lessons"]
    for name in ("id", "title", "updated", "author/name"):
        assert len(texts(root, name)) == 1, name
    for name in ("id", "title", "updated", "content"):
        assert len(texts(root, f"entry/{name}")) == len(texts(root, "entry")), name
    assert len(set(texts(root, "entry/id"))) == len(texts(root, "entry"))
    first = root.find(f"{ATOM}entry")
    assert first is not None
    assert first.findtext(f"{ATOM}content") == shared.lesson.text.replace("\x01", "\ufffd")
    assert first.findtext(f"{ATOM}author/{ATOM}name") == "Kim"
    link = first.find(f"{ATOM}link")
    assert link is not None
    assert link.get("href", "").startswith(f"http://localhost/documents/{shared.document.id}?lesson={shared.lesson.id}")
    assert web.get(link.get("href", "")).status_code == 200


def test_a_feed_can_be_narrowed_like_a_list(web: FlaskClient) -> None:
    assert set(texts(feed(web, "/feed.atom?tag=database"), "entry/title")) == {"A failover that worked"}
    assert set(texts(feed(web, "/feed.atom?team=Platform&kind=went_well"), "entry/content")) == {
        "The rollback script worked at the first attempt."
    }
    assert texts(feed(web, "/feed.atom?tag=nothing"), "entry") == []
    ids = {texts(feed(web, address), "id")[0] for address in ("/feed.atom", "/feed.atom?tag=a", "/feed.atom?tag=b")}
    assert len(ids) == 3
    assert web.get("/feed.atom?tagg=x").status_code == 400


def test_a_reworded_lesson_is_news_with_the_same_id_and_a_hidden_one_is_none(
    web: FlaskClient, small: TestMemory
) -> None:
    sharing = Sharing(small, Scribe())
    lesson = sharing.share(Share(learned="Label the valves.")).lesson
    sharing.share(Share(learned="Count the boats."))
    before = feed(web, "/feed.atom")
    sharing.edit(lesson.id, {"learned": "Locks beat labels."})
    after = feed(web, "/feed.atom")
    assert texts(before, "entry/content")[:2] == ["Count the boats.", "Label the valves."]
    assert texts(after, "entry/content")[:2] == ["Locks beat labels.", "Count the boats."]
    assert texts(after, "entry/id")[:2] == texts(before, "entry/id")[1::-1]
    Correcting(small).remark(lesson.id, {"hidden": True})
    assert "Locks beat labels." not in texts(feed(web, "/feed.atom"), "entry/content")


def test_what_has_not_changed_is_not_sent_again(web: FlaskClient) -> None:
    first = web.get("/feed.atom")
    again = web.get("/feed.atom", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_feed_is_read_by_whoever_may_read(small: TestMemory) -> None:
    settings = replace(small.settings, host="0.0.0.0")
    reader = small.record.tokens.add("reader", "read")
    web = create_app(small, settings, scribe=Scribe()).test_client()
    assert web.get("/feed.atom").status_code == 401
    assert web.get("/feed.atom", headers={"Authorization": f"Bearer {reader}"}).status_code == 200


def test_the_asker_has_a_private_feed_that_tells_when_somebody_has_learned(small: TestMemory) -> None:
    settings = replace(small.settings, host="0.0.0.0", public_url="https://lessons.test/memory")
    web = create_app(small, settings, scribe=Scribe()).test_client()
    reader = {"Authorization": f"Bearer {small.record.tokens.add('reader', 'read')}"}
    asked = web.get(LOOKUP + "?q=bassoon&record=true", headers=reader).get_json()
    assert asked["answered"] is False
    # No token: a feed reader cannot send one, and the address is secret enough.
    assert texts(feed(web, asked["feed"]), "entry") == []
    Sharing(small, Scribe()).share(Share(learned="A bassoon needs a dry room."))
    root = feed(web, asked["feed"])
    assert texts(root, "entry/content") == ["A bassoon needs a dry room."]
    links = [link.get("href", "") for link in root.iter(f"{ATOM}link")]
    assert all(link.startswith("https://lessons.test/memory/") for link in links)
    assert web.get("/feed/questions/guess.atom").status_code == 404
    assert web.get("/feed/questions/guess.atom").mimetype == "application/problem+json"


def test_only_a_submitted_question_is_recorded(web: FlaskClient, small: TestMemory) -> None:
    small.record.tokens.add("bot", "contribute")
    assert "feed" not in web.get(LOOKUP + "?q=bassoon").get_json()
    web.get("/near?q=bassoon")
    web.get("/healthz")
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert "feed" not in web.get(LOOKUP + "?q=bassoon&record=true", headers=elsewhere).get_json()
    assert web.get("/api/v1/gaps").get_json() == {"items": [], "next": None}
    assert web.post(LOOKUP, json={"q": "certificate", "record": True}).get_json()["feed"] is None
    assert web.post(LOOKUP, json={"q": "bassoon", "record": True}).get_json()["feed"]
    assert [gap["question"] for gap in web.get("/api/v1/gaps").get_json()["items"]] == ["bassoon"]


def test_gaps_are_listed_and_dismissed(web: FlaskClient, small: TestMemory) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    contributor = {"Authorization": f"Bearer {small.record.tokens.add('bot', 'contribute')}"}
    for word in ("bassoon", "harp", "bassoon"):
        web.post(LOOKUP, json={"q": word, "record": True})
    listed = web.get("/api/v1/gaps?limit=1")
    gaps = listed.get_json()
    assert [(gap["question"], gap["count"]) for gap in gaps["items"]] == [("bassoon", 2)]
    document = web.get("/openapi.json").get_json()
    schema = {"$ref": "#/components/schemas/GapList", "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(gaps)
    following = listed.headers["Link"].partition(">")[0].removeprefix("<")
    assert [gap["question"] for gap in web.get(following).get_json()["items"]] == ["harp"]
    assert web.get("/api/v1/gaps?after=elsewhere").status_code == 400
    address = f"/api/v1/gaps/{gaps['items'][0]['id']}"
    assert web.delete(address).status_code == 401
    assert web.delete(address, headers=contributor).status_code == 204
    assert web.delete(address, headers=contributor).status_code == 404
    assert [gap["question"] for gap in web.get("/api/v1/gaps").get_json()["items"]] == ["harp"]


def test_browsers_find_the_search_box(web: FlaskClient) -> None:
    assert b'rel="search"' in web.get("/").data
    response = web.get("/opensearch.xml")
    assert response.mimetype == "application/opensearchdescription+xml"
    root = ElementTree.fromstring(response.data)
    url = root.find(f"{SEARCH}Url")
    assert url is not None
    address = url.get("template", "").replace("{searchTerms}", "certificate")
    assert b"expired" in web.get(address, follow_redirects=True).data
    assert len(root.findtext(f"{SEARCH}ShortName") or "") <= 16
