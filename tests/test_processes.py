"""Several processes on one home: nothing is lost, everybody is answered, and locks are free when their holder dies."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
REPORT = """# Outage {n} of the {name} ferry

## What went wrong

The {name} ferry left without its papers because the {name} printer had no paper.

## Lessons learned

- Keep two reams of paper beside the {name} printer.
"""
NAMES = ("amber", "birch", "cobalt", "dune", "ember", "fjord", "garnet", "heron", "indigo", "jasper")


@pytest.fixture
def lessons(home: Path, models: Path, embedder: Any) -> Callable[..., Any]:
    """Starts `lessons` on this test's home in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LESSONS_")}

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "cli", "--home", str(home), "--models", str(models), *arguments]
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return start


@pytest.fixture
def serve(lessons: Callable[..., Any]) -> Iterator[Callable[[], str]]:
    """Serves the home and gives the address once it is ready; stopped at the end of the test."""
    running: list[subprocess.Popen[str]] = []

    def start() -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        running.append(lessons("serve", "--port", str(port)))
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: get(f"{address}/readyz") is not None, 60)
        return address

    yield start
    for process in running:
        process.terminate()
        process.communicate(timeout=30)


def get(address: str) -> Any:
    """The JSON at an address; None when there is no answer or it is an error."""
    try:
        with urllib.request.urlopen(address, timeout=10) as response:
            return json.load(response)
    except (urllib.error.URLError, OSError):
        return None


def wait_for(is_true: Callable[[], bool], limit_s: float) -> float:
    started = time.monotonic()
    while not is_true():
        assert time.monotonic() - started < limit_s, "waited too long"
        time.sleep(0.05)
    return time.monotonic() - started


def fill(folder: Path, names: tuple[str, ...], copies: int = 1) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        for n in range(copies):
            (folder / f"{name}-{n}.md").write_text(REPORT.format(name=name, n=n))
    return folder


def finish(process: subprocess.Popen[str]) -> str:
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out


def counts(lessons: Callable[..., Any]) -> dict[str, int]:
    return dict(json.loads(finish(lessons("status", "--json")))["counts"])


def test_an_ingest_beside_a_server_is_answered_by_it_within_two_seconds(lessons, serve, tmp_path):
    address = serve()
    finish(lessons("ingest", str(fill(tmp_path / "one", ("amber",)))))
    question = f"{address}/api/v1/lookup?q=paper+for+the+amber+printer"
    waited = wait_for(lambda: bool((get(question) or {"hits": []})["hits"]), 10)
    assert waited < 2
    answer = json.loads(finish(lessons("ask", "paper for the amber printer", "--json")))
    assert answer["hits"][0]["document"]["path"] == "amber-0.md"


def test_two_ingests_at_once_and_a_question_between_them_lose_nothing(lessons, tmp_path):
    finish(lessons("ingest", str(fill(tmp_path / "before", ("jasper",)))))
    first = lessons("ingest", str(fill(tmp_path / "one", NAMES[:4], 5)))
    second = lessons("ingest", str(fill(tmp_path / "two", NAMES[4:8], 5)))
    answer = json.loads(finish(lessons("ask", "jasper printer", "--json")))
    assert answer["hits"][0]["document"]["path"] == "jasper-0.md"
    finish(first)
    finish(second)
    assert counts(lessons)["documents"] == 41
    checks = {check["name"]: check for check in json.loads(finish(lessons("doctor", "--json")))["checks"]}
    assert checks["index"]["ok"]
    assert "holds what the record holds" in checks["index"]["detail"]


def test_a_server_started_during_an_ingest_ends_up_with_everything(lessons, serve, tmp_path):
    running = lessons("ingest", str(fill(tmp_path / "one", NAMES, 4)))
    address = serve()
    finish(running)
    wait_for(lambda: (get(f"{address}/api/v1/documents?limit=100") or {"items": []})["items"].__len__() == 40, 10)
    hits = get(f"{address}/api/v1/lookup?q=heron+ferry+papers")["hits"]
    assert hits[0]["document"]["path"].startswith("heron")


def test_a_second_server_on_the_same_home_says_who_has_it(lessons, serve, tmp_path):
    finish(lessons("ingest", str(fill(tmp_path / "one", ("amber",)))))
    address = serve()
    second = lessons("serve", "--port", "0")
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "is being served already" in errors
    assert address.rsplit(":", 1)[1] in errors


@pytest.mark.parametrize("delay_s", [0.6, 1.0, 1.5, 2.5])
def test_a_killed_ingest_leaves_whole_documents_and_the_next_run_completes_it(lessons, tmp_path, delay_s):
    folder = fill(tmp_path / "one", NAMES, 6)
    running = lessons("ingest", str(folder))
    time.sleep(delay_s)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    finish(lessons("ingest", str(folder)))
    found = counts(lessons)
    assert found["documents"] == 60
    assert json.loads(finish(lessons("doctor", "--json")))["ok"]


def test_a_terminated_server_frees_the_home_and_a_killed_one_too(lessons, tmp_path, models, home):
    finish(lessons("ingest", str(fill(tmp_path / "one", ("amber",)))))
    for ending in (signal.SIGTERM, signal.SIGKILL):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = lessons("serve", "--port", str(port))
        wait_for(lambda port=port: get(f"http://127.0.0.1:{port}/readyz") is not None, 60)
        server.send_signal(ending)
        server.communicate(timeout=30)
        wait_for(lambda: "amber" in finish(lessons("ask", "amber printer")), 30)
        assert json.loads(finish(lessons("doctor", "--json")))["ok"]


def test_answers_stay_the_same_after_a_restart_and_a_reindex_and_by_every_route(lessons, serve, tmp_path):
    finish(lessons("ingest", str(fill(tmp_path / "one", NAMES, 3))))
    question = "which ferry left without papers"
    alone = json.loads(finish(lessons("ask", question, "--json")))["hits"]
    finish(lessons("reindex"))
    assert json.loads(finish(lessons("ask", question, "--json")))["hits"] == alone
    address = serve()
    served = get(f"{address}/api/v1/lookup?q=which+ferry+left+without+papers")["hits"]
    assert served == alone


def test_a_shared_lesson_outlives_a_kill_the_moment_it_is_acknowledged(lessons):
    finish(lessons("share", "--learned", "Count the lifeboats before the tide turns."))
    for number in range(3):
        running = lessons("share", "--learned", f"Grease winch {number} before the regatta.", "--json")
        acknowledged = running.stdout.readline()
        running.send_signal(signal.SIGKILL)
        running.communicate()
        assert acknowledged == "{\n"
        answer = json.loads(finish(lessons("ask", f"winch {number}", "--json", "-k", "30")))
        assert f"Grease winch {number} before the regatta." in [hit["lesson"]["text"] for hit in answer["hits"]]
    assert json.loads(finish(lessons("doctor", "--json")))["ok"]


def test_a_lesson_shared_beside_a_server_is_answered_by_it_within_two_seconds(lessons, serve):
    address = serve()
    told = json.loads(finish(lessons("share", "--learned", "Grease the winch before the regatta.", "--json")))
    question = f"{address}/api/v1/lookup?q=greasing+a+winch"
    assert wait_for(lambda: bool((get(question) or {"hits": []})["hits"]), 10) < 2
    assert get(question)["hits"][0]["lesson"]["id"] == told["lesson"]["id"]
    finish(lessons("share", "--learned", "Count the lifeboats before the tide turns."))
    wait_for(lambda: "lifeboats" in str(get(f"{address}/api/v1/lookup?q=boats+for+saving+lives")), 2)


def test_a_file_in_a_hostile_format_can_be_sent_to_a_running_server(lessons, serve):
    token = finish(lessons("token", "add", "bot", "--scope", "contribute")).strip()
    address = serve()
    page = b"<h1>The ferry</h1><h2>Lessons learned</h2><ul><li>Keep paper beside the amber printer.</li></ul>"
    request = urllib.request.Request(
        f"{address}/api/v1/documents?path=ferry.html", data=page, headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        row = json.load(response)
    assert (row["state"], row["lessons"]["new"]) == ("read", 1)
    hits = get(f"{address}/api/v1/lookup?q=paper+for+the+printer")["hits"]
    assert hits[0]["document"]["id"] == row["documents"][0]["id"]


def test_what_people_say_outlives_a_killed_server_and_another_ingest(lessons, serve, tmp_path):
    folder = fill(tmp_path / "one", ("amber",))
    finish(lessons("ingest", str(folder)))
    token = finish(lessons("token", "add", "bot", "--scope", "contribute")).strip()

    def send(method: str, address: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(address, json.dumps(body).encode(), headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = lessons("serve", "--port", str(port))
    address = f"http://127.0.0.1:{port}"
    wait_for(lambda: get(f"{address}/readyz") is not None, 60)
    item = get(f"{address}/api/v1/lessons")["items"][0]
    document = item["document"]["id"]
    send("PATCH", f"{address}/api/v1/lessons/{item['lesson']['id']}", {"hidden": True})
    send("PATCH", f"{address}/api/v1/documents/{document}", {"team": "Harbour"})
    told = send("POST", f"{address}/api/v1/lessons", {"learned": "Grease the winch before the regatta."})
    send("POST", f"{address}/api/v1/lessons/{told['lesson']['id']}/feedback", {"says": "helped"})
    asked = send("POST", f"{address}/api/v1/lookup", {"q": "who plays the bassoon?", "record": True})
    server.send_signal(signal.SIGKILL)
    server.communicate()
    (folder / "amber-0.md").write_text((folder / "amber-0.md").read_text() + "\nAt noon.\n")
    finish(lessons("ingest", str(folder)))
    address = serve()
    assert get(f"{address}/api/v1/lessons/{item['lesson']['id']}") is None
    assert len(get(f"{address}/api/v1/lessons?marked=hidden")["items"]) == 1
    mended = get(f"{address}/api/v1/documents/{document}")["document"]
    assert (mended["team"], mended["mended"]) == ("Harbour", ["team"])
    assert get(f"{address}/api/v1/lessons/{told['lesson']['id']}")["lesson"]["remarks"]["helped"] == 1
    assert [gap["question"] for gap in get(f"{address}/api/v1/gaps")["items"]] == ["who plays the bassoon?"]
    with urllib.request.urlopen(address + asked["feed"], timeout=30) as response:
        assert b"bassoon" in response.read()
