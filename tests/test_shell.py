"""The terminal's guards: hostile text, private files, foreign modules, somebody else's server."""

from __future__ import annotations

import http.server
import json
import os
import sqlite3
import threading

import click
import pytest

from cli import main
from ingest.ingest_commands import BESIDE_A_SERVER
from ingest.pipeline import IngestOptions, ingest
from retriever.asking import _ask_server
from retriever.config import load_settings
from retriever.embedder import ModelFolder, _export
from retriever.errors import InvalidQuery, ModelError
from retriever.lesson import NO_FILTERS
from retriever.locks import ProcessLock
from retriever.shell import run_apart


def test_control_characters_of_a_document_never_reach_the_terminal(runner, folder, memory):
    (folder / "evil.md").write_text("# Evil \x1b[2J\x1b]0;owned\x07\n\n- We should oil the \x1b[31mhinge\u202e.\n")
    ingest(memory, folder, IngestOptions())
    result = runner("show", "evil.md")
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout


def test_nothing_recorded_is_readable_by_others(runner, home, folder):
    (folder / "fine.md").write_text("# Fine\n\nWe should oil the hinge.\n")
    before = os.umask(0o022)
    try:
        runner("ingest", str(folder))
        with sqlite3.connect(home / "record.db") as connection:
            connection.execute("UPDATE meta SET value = value")
            modes = {path: path.stat().st_mode & 0o077 for path in (home, *home.rglob("*"))}
    finally:
        os.umask(before)
    assert {"record.db", "record.db-wal", "index", "chroma.sqlite3"} <= {path.name for path in modes}
    assert not {path for path, mode in modes.items() if mode}


def test_control_characters_of_names_and_messages_never_reach_the_terminal(runner, folder):
    name = "evil\x1b[2J\u202e"
    (folder / f"{name}.pdf").write_bytes(b"%PDF-1.4 cut off")
    (folder / f"{name}.md").write_text("# Evil\n\n- We should oil the hinge.\n")
    shown = [
        runner("-v", "ingest", str(folder)),
        runner("status"),
        runner("show", f"{name}.txt"),
        runner("ingest", str(folder / name)),
        runner("forget", f"{name}.md", input="n\n"),
        runner("forget", f"{name}.md", "--yes"),
    ]
    assert [result.exit_code for result in shown] == [4, 0, 1, 1, 1, 0]
    for result in shown:
        assert "evil" in result.output
        assert not {"\x1b", "\u202e"} & set(result.output)


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """A current directory whose modules, if they are imported, leave a file behind."""
    place = tmp_path / "hostile"
    leave = "import pathlib; pathlib.Path(__file__).with_suffix('.ran').touch()\n"
    for name in ("retriever/__init__.py", "cli.py", "ingest/__init__.py", "click.py"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(leave)
    monkeypatch.chdir(place)
    return place


def test_nothing_is_imported_from_the_current_directory(hostile, tmp_path, capfd):
    run_apart(click.Context(main, obj={}), "settings")
    assert "LESSONS_HOME" in capfd.readouterr().out
    with pytest.raises(ModelError):
        _export(ModelFolder(tmp_path / "nowhere", "x"), tmp_path / "target")
    assert not list(hostile.rglob("*.ran"))


@pytest.fixture
def server(tmp_path):
    """A server that says what it is told to, whatever it is asked."""
    said = {"status": 200, "body": {"hits": [], "answered": None, "degraded": ["another memory"]}}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps(said["body"]).encode()
            self.send_response(said["status"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield said, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("is_served", [True, False])
def test_an_ingest_steps_back_where_a_server_answers(runner, home, folder, server, monkeypatch, is_served):
    (folder / "fine.md").write_text("# Fine\n\nWe should oil the hinge.\n")
    home.mkdir()
    steps = []
    monkeypatch.setattr(os, "nice", steps.append)
    (home / "server.json").write_text(json.dumps({"url": server[1], "pid": 1, "token": "x"}))
    lock = ProcessLock(home / "server.lock")
    assert lock.acquire("a server")
    os.utime(home / "server.json")
    if not is_served:
        lock.release()
    assert runner("ingest", str(folder)).exit_code == 0
    lock.release()
    assert steps == ([BESIDE_A_SERVER] if is_served else [])


def test_looking_for_a_server_leaves_its_lock_as_it_is(home):
    home.mkdir()
    (home / "server.json").write_text(json.dumps({"url": "http://127.0.0.1:1"}))
    (home / "server.lock").write_text("as it was")
    assert _ask_server(load_settings({"home": str(home)}, {}), "pump", NO_FILTERS) is None
    assert (home / "server.lock").read_text() == "as it was"


def test_a_server_is_asked_only_while_this_homes_lock_is_held_and_if_it_answers_in_form(home, server):
    said, url = server
    home.mkdir()
    word = home / "server.json"
    word.write_text(json.dumps({"url": url, "pid": 1, "token": "x"}))
    settings = load_settings({"home": str(home)}, {})
    assert _ask_server(settings, "pump", NO_FILTERS) is None

    lock = ProcessLock(home / "server.lock")
    assert lock.acquire("a server")
    try:
        os.utime(word, ns=(0, 0))
        assert _ask_server(settings, "pump", NO_FILTERS) is None, "written before this server started"
        os.utime(word)
        assert _ask_server(settings, "pump", NO_FILTERS) == said["body"]
        for body in ({"hits": []}, [], "hits", None):
            said["body"] = body
            assert _ask_server(settings, "pump", NO_FILTERS) is None
        said["status"] = 400
        assert _ask_server(settings, "pump", NO_FILTERS) is None
        said["body"] = {"detail": "Parameter 'k' is odd."}
        with pytest.raises(InvalidQuery, match="is odd"):
            _ask_server(settings, "pump", NO_FILTERS)
        word.write_text(json.dumps({"url": "http://127.0.0.1:eighty"}))
        assert _ask_server(settings, "pump", NO_FILTERS) is None
    finally:
        lock.release()
