"""`lessons doctor`: what is wrong is named with its mend, and nothing is changed."""

from __future__ import annotations

import json
import sqlite3

from retriever.config import Settings
from retriever.memory import Memory


def test_doctor_finds_a_sound_memory_well(runner, home, folder):
    (folder / "fine.md").write_text("# Fine\n\nWe should oil the hinge.\n")
    runner("ingest", str(folder))
    result = runner("doctor", "--json")
    assert result.exit_code == 0, result.stdout
    assert json.loads(result.stdout)["ok"]


def test_doctor_names_changed_text_changed_embeddings_and_the_mend(runner, home, folder):
    (folder / "fine.md").write_text("# Fine\n\nWe should oil the hinge.\n")
    runner("ingest", str(folder))
    with sqlite3.connect(home / "record.db") as connection:
        connection.execute("UPDATE documents SET text = replace(text, 'hinge', 'hinges')")
        connection.execute("UPDATE embeddings SET embedding = zeroblob(length(embedding))")
    result = runner("doctor")
    assert result.exit_code == 1
    assert "do not match their checksum" in result.stdout
    assert "lessons reindex" in result.stdout


def test_doctor_names_damaged_senses_and_a_reindex_mends_them(runner, home, folder):
    (folder / "fine.md").write_text("# Fine\n\nWe should oil the hinge.\n")
    runner("ingest", str(folder))
    with sqlite3.connect(home / "record.db") as connection:
        whole = connection.execute("SELECT key, sense FROM senses").fetchall()
        connection.execute("UPDATE senses SET sense = zeroblob(length(sense)) WHERE key = ?", (whole[0][0],))
    result = runner("doctor")
    assert result.exit_code == 1
    assert "what words mean here does not match its checksum, for pieces of words: 1" in result.stdout
    assert "lessons reindex" in result.stdout
    assert runner("reindex").exit_code == 0
    assert runner("doctor").exit_code == 0
    with sqlite3.connect(home / "record.db") as connection:
        assert connection.execute("SELECT key, sense FROM senses").fetchall() == whole


def test_doctor_leaves_a_damaged_index_as_it_is_and_names_the_mend(runner, home, folder):
    (folder / "fine.md").write_text("# Fine\n\nWe should oil the hinge.\n")
    runner("ingest", str(folder))
    files = [path for path in (home / "index").rglob("*.bin") if path.stat().st_size]
    for path in (*files, *(home / "index").rglob("chroma.sqlite3")):
        path.write_bytes(b"\xa5" * 5000)
    damaged = {path: path.read_bytes() for path in (home / "index").glob("gen-*/**/*") if path.is_file()}
    result = runner("doctor")
    assert result.exit_code == 1
    assert "lessons reindex" in result.stdout
    assert {path: path.read_bytes() for path in damaged} == damaged
    assert runner("reindex").exit_code == 0
    assert runner("doctor").exit_code == 0


def test_a_record_too_damaged_to_open_still_gets_the_other_checks(runner, home, folder):
    (folder / "fine.md").write_text("# Fine\n\nWe should oil the hinge.\n")
    runner("ingest", str(folder))
    (home / "record.db").write_bytes(b"\xa5" * 8192)
    result = runner("doctor", "--json")
    assert result.exit_code == 1
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert set(checks) == {"record", "model", "reranker", "backup", "disk", "libraries"}
    assert "cannot be opened" in checks["record"]["detail"]
    assert "backup" in checks["record"]["mend"]
    assert checks["libraries"]["ok"]


def test_a_check_that_cannot_be_made_does_not_end_the_others(runner, home, folder):
    (folder / "fine.md").write_text("# Fine\n\nWe should oil the hinge.\n")
    runner("ingest", str(folder))
    result = runner("--model", str(folder), "doctor", "--json")
    assert result.exit_code == 1
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert list(checks) == [
        *("record", "texts", "words", "embeddings", "index", "forgotten"),
        *("model", "reranker", "backup", "disk", "libraries"),
    ]
    assert not checks["model"]["ok"]
    assert checks["model"]["mend"]
    assert checks["record"]["ok"]
    assert checks["index"]["ok"]


def test_doctor_says_what_is_still_to_be_erased_and_where_the_last_backup_is(runner, home, folder, tmp_path, models):
    (folder / "fine.md").write_text("# Fine\n\nWe should oil the hinge.\n")
    runner("ingest", str(folder))
    runner("backup", str(tmp_path / "kept.db"))
    with Memory.open(Settings(home=home, models=models)) as memory:
        memory.record.erasure.forget(memory.document("fine.md").id)
    checks = {check["name"]: check for check in json.loads(runner("doctor", "--json").stdout)["checks"]}
    assert not checks["forgotten"]["ok"]
    assert "kept.db" in checks["backup"]["detail"]
    runner("ingest", str(folder))
    checks = {check["name"]: check for check in json.loads(runner("doctor", "--json").stdout)["checks"]}
    assert checks["forgotten"]["ok"]
    assert checks["index"]["ok"]
