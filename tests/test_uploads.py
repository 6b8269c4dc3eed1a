from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from web_memory import TestMemory, make_memory

from retriever.lesson import Filters

DOCUMENTS = "/api/v1/documents"
REPORT = b"# Outage of the pump\n\n## Lessons learned\n\n- Check the pump before the gate is opened.\n"


@pytest.fixture
def small(tmp_path: Path, models: Path) -> Iterator[TestMemory]:
    with make_memory(tmp_path, models, max_file_mb=0.2) as memory:
        assert isinstance(memory, TestMemory)
        yield memory


@pytest.fixture
def send(small: TestMemory, web: FlaskClient) -> Callable[..., Any]:
    token = small.record.tokens.add("bot", "contribute")

    def run(path: str, content: bytes, **parameters: Any) -> Any:
        return web.post(
            DOCUMENTS,
            data=content,
            query_string={"path": path, **parameters},
            headers={"Authorization": f"Bearer {token}"},
            content_type="application/octet-stream",
        )

    return run


def lessons_in(memory: TestMemory) -> list[str]:
    return [lesson.text for lesson, _ in memory.browse_lessons(Filters(), limit=100, after=None).items]


def test_a_sent_file_is_read_as_at_an_ingest(small: TestMemory, send: Callable[..., Any], web: FlaskClient) -> None:
    row = send("2024/pump.md", REPORT, source="ci", url_template="https://git.test/{path}#L{line}").get_json()
    assert (row["state"], row["reason"], row["source"], row["path"]) == ("read", None, "ci", "2024/pump.md")
    assert row["lessons"] == {"found": 1, "new": 1, "changed": 0, "gone": 0}
    shown = web.get(f"/api/v1{row['documents'][0]['link']}").get_json()
    assert shown["document"]["title"] == "Outage of the pump"
    assert shown["document"]["url"] == "https://git.test/2024/pump.md#L1"
    assert "Check the pump before the gate is opened." in lessons_in(small)
    # The source was made by hand: a folder of that name elsewhere is another matter.
    assert [(source.name, source.root) for source in small.record.files.sources()][0] == ("ci", None)


def test_the_same_bytes_change_nothing_and_others_replace_them(small: TestMemory, send: Callable[..., Any]) -> None:
    first = send("pump.md", REPORT).get_json()
    assert send("pump.md", REPORT).get_json()["state"] == "unchanged"
    changed = send("pump.md", REPORT.replace(b"the gate", b"the sluice")).get_json()
    assert changed["documents"][0]["id"] == first["documents"][0]["id"]
    assert changed["lessons"]["changed"] == 1


@pytest.mark.parametrize(
    ("path", "content", "state", "reason"),
    [
        ("cat.png", b"\x89PNG", "skipped", "an image"),
        ("empty.md", b"", "skipped", "empty"),
        ("broken.docx", b"PK\x03\x04 no document", "failed", ""),
        ("data", b"\x7fELF\x02\x01\x01", "skipped", "a program"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    send: Callable[..., Any], path: str, content: bytes, state: str, reason: str
) -> None:
    response = send(path, content)
    row = response.get_json()
    assert response.status_code == 200
    assert row["state"] == state
    assert reason in row["reason"]
    assert row["documents"] == []


def test_secrets_in_a_sent_file_are_taken_out(small: TestMemory, send: Callable[..., Any]) -> None:
    row = send("pump.md", REPORT + b"\nThe key was AKIAZ7QPLM2XW4RTVB6N.\n").get_json()
    assert row["redacted"] == {"aws-key": 1}
    assert "AKIA" not in small.document(row["documents"][0]["id"]).text


@pytest.mark.parametrize(
    "path", ["../x.md", "/etc/x.md", "a//b.md", "a/./b.md", "a\x00b.md", "a\nb.md", "", "x" * 1001]
)
def test_a_path_that_leads_elsewhere_is_refused(send: Callable[..., Any], path: str) -> None:
    response = send(path, REPORT)
    assert response.status_code == 400
    assert response.get_json()["errors"][0]["parameter"] == "path"


@pytest.mark.parametrize("source", ["team", "shared"])
def test_a_source_that_is_not_for_sending_is_refused(send: Callable[..., Any], source: str) -> None:
    response = send("x.md", REPORT, source=source)
    assert response.status_code == 400
    assert response.get_json()["errors"][0]["parameter"] == "source"


def test_what_files_share_is_found_after_the_last(small: TestMemory, send: Callable[..., Any]) -> None:
    shared = b"# Report %d\n\n## Lessons learned\n\n- Fill in this form within a week.\n- Tank %d leaks, so watch it.\n"
    for number in range(11):
        send(f"{number}.md", shared % (number, number), source="forms", more="true")
    assert "Fill in this form within a week." in lessons_in(small)
    send("11.md", shared % (11, 11), source="forms")
    assert "Fill in this form within a week." not in lessons_in(small)
    assert "Tank 3 leaks, so watch it." in lessons_in(small)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(send: Callable[..., Any]) -> None:
    assert send("big.md", b"a " * 90_000).status_code == 200
    assert send("big.md", b"a " * 110_000).status_code == 413


def test_a_forgotten_document_stays_away_until_its_file_changes(
    small: TestMemory, web: FlaskClient, send: Callable[..., Any]
) -> None:
    document = send("pump.md", REPORT).get_json()["documents"][0]
    address = f"{DOCUMENTS}/{document['id']}"
    contributor = {"Authorization": f"Bearer {small.record.tokens.add('writer', 'contribute')}"}
    admin = {"Authorization": f"Bearer {small.record.tokens.add('chief', 'admin')}"}
    assert web.delete(address, headers=contributor).status_code == 403
    assert web.delete(address, headers=admin).status_code == 204
    assert web.get(address).status_code == 404
    assert web.delete(address, headers=admin).status_code == 404
    assert send("pump.md", REPORT).get_json()["documents"] == []
    assert send("pump.md", REPORT + b"\nMore.\n").get_json()["documents"] != []


def test_sending_needs_a_token_that_may(web: FlaskClient) -> None:
    assert web.post(DOCUMENTS, data=REPORT, query_string={"path": "x.md"}).status_code == 401
