from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cli import main
from retriever.config import is_setting, variable_of
from retriever.options import option_variables, options_of

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(group: click.Group, prefix: str = "") -> list[str]:
    found = []
    for name, command in group.commands.items():
        found += commands(command, f"{prefix}{name} ") if isinstance(command, click.Group) else [prefix + name]
    return found


@pytest.mark.parametrize("command", commands(main))
def test_every_command_is_documented(command):
    text = README + "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    assert f"lessons {command}" in text


def test_ask_prints_title_lesson_source_and_line(runner, example_home):
    result = runner("ask", "a certificate expired and nobody noticed", home=example_home)
    assert result.exit_code == 0, result.stderr
    assert re.search(r"^ 1\. ", result.stdout, re.MULTILINE)
    assert re.search(r"\w+\.(md|markdown|html|txt|pdf|csv|docx|erb):\d+", result.stdout)
    assert "\x1b" not in result.stdout


def test_ask_json_is_the_object_that_the_interfaces_fix(runner, example_home):
    answer = json.loads(runner("ask", "certificate expired", "--json", "-k", "3", home=example_home).stdout)
    assert set(answer) == {"query", "answered", "confidence", "degraded", "took_ms", "notice", "hits"}
    assert 1 <= len(answer["hits"]) <= 3
    hit = answer["hits"][0]
    assert set(hit) == {"rank", "score", "lesson", "document", "also_in"}
    assert {"id", "text", "kind", "polarity", "section", "start", "end", "highlights", "context", "stated"} <= set(
        hit["lesson"]
    )
    assert {"id", "path", "part", "title", "date", "severity", "team", "tags", "url", "link"} <= set(hit["document"])


def test_a_hits_text_is_verbatim_in_its_document(runner, example_home, example_memory):
    answer = json.loads(runner("ask", "disk full", "--json", home=example_home).stdout)
    for hit in answer["hits"]:
        lesson = hit["lesson"]
        assert example_memory.document(hit["document"]["id"]).text[lesson["start"] : lesson["end"]] == lesson["text"]


def test_nothing_recorded_is_said_and_exits_with_3(runner, example_home):
    result = runner("ask", "how should a choir rehearse a requiem in Latin?", home=example_home)
    assert result.exit_code == 3
    assert "Nobody has recorded this" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ask", ""], "empty"),
        (["ask", "   \n "], "empty"),
        (["ask", "pump", "-k", "0"], "not in the range 1<=x<=100"),
        (["ask", "pump", "--kind", "wisdom"], "--kind must be one of insight, "),
        (["ask", "pump", "--since", "yesterday"], "--since must be a date"),
        (["ask", "pump", "--since", "2024-99"], "--since must be a date"),
        (["ask", "pump", "--until", ""], "--until must be a date"),
        (["ask", "pump", "--tag", ""], "--tag must not be empty"),
        (["ask", "pump", "--tag", "x" * 201], "--tag must have at most 200 characters"),
        (["ask", "pump", *["--team=x"] * 51], "--team must have at most 50 values"),
        (["ask", "pump\udcff"], "no text"),
        (["serve", "--port", "65536"], "not in the range 0<=x<=65535"),
        (["ask", "x" * 100_000], "at most"),
        (["ask"], "Missing argument"),
        (["fly"], "No such command"),
    ],
)
def test_misuse_exits_with_2_and_says_what_was_wrong(runner, example_home, arguments, sentence):
    result = runner(*arguments, home=example_home)
    assert result.exit_code == 2
    assert sentence in result.stderr


@pytest.mark.parametrize("arguments", [["ask", "pump"], ["status"], ["doctor"], ["show", "x"], ["reindex"]])
def test_a_missing_memory_exits_with_1_and_says_how_to_make_one(runner, arguments):
    result = runner(*arguments)
    assert result.exit_code == 1
    assert "lessons ingest PATH" in result.stderr


def test_a_missing_folder_exits_with_1_and_names_it(runner, tmp_path):
    result = runner("ingest", str(tmp_path / "nowhere"))
    assert result.exit_code == 1
    assert "nowhere" in result.stderr


def test_files_that_cannot_be_read_are_named_and_exit_with_4(runner, folder):
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 cut off")
    (folder / "fine.md").write_text("# Fine\n\nWe should oil the hinge.\n")
    result = runner("ingest", str(folder))
    assert result.exit_code == 4
    assert "broken.pdf" in result.stdout
    assert "2 files seen = 1 read + 0 unchanged + 0 skipped + 1 failed" in result.stdout


def test_ingest_json_adds_up(runner, folder):
    (folder / "fine.md").write_text("# Fine\n\nWe should oil the hinge.\n")
    report = json.loads(runner("ingest", str(folder), "--json").stdout)[0]
    files = report["files"]
    assert files["seen"] == files["read"] + files["unchanged"] + files["skipped"] + files["failed"] == 1


def test_show_gives_a_document_with_its_lessons_and_a_lesson_in_its_place(runner, example_home, example_memory):
    document = next(iter(example_memory.ask("certificate expired").hits)).document
    shown = json.loads(runner("show", document.path, "--json", home=example_home).stdout)
    assert shown["document"]["id"] == document.id
    for lesson in shown["lessons"]:
        assert shown["document"]["text"][lesson["start"] : lesson["end"]] == lesson["text"]
    if shown["lessons"]:
        placed = runner("show", shown["lessons"][0]["id"], home=example_home)
        assert placed.exit_code == 0
        assert ">" in placed.stdout
    assert runner("show", "nowhere.md", home=example_home).exit_code == 1


def test_status_shows_each_source_and_what_went_wrong(runner, folder):
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 cut off")
    runner("ingest", str(folder), "--source", "reports")
    result = runner("status")
    assert "reports" in result.stdout
    assert "broken.pdf" in result.stdout
    assert json.loads(runner("status", "--json").stdout)["sources"][0]["name"] == "reports"


def test_forget_asks_first_and_then_the_document_is_gone(runner, folder):
    (folder / "fine.md").write_text("# Fine\n\nWe should oil the hinge.\n")
    runner("ingest", str(folder))
    assert runner("forget", "fine.md", input="n\n").exit_code == 1
    assert runner("show", "fine.md").exit_code == 0
    assert runner("forget", "fine.md", "--yes").exit_code == 0
    assert runner("show", "fine.md").exit_code == 1


def test_reindex_gives_the_same_answers(runner, folder):
    for number in range(5):
        (folder / f"{number}.md").write_text(f"# Pump {number}\n\n- We should oil hinge {number} of pump {number}.\n")
    runner("ingest", str(folder))
    before = json.loads(runner("ask", "hinge of pump 3", "--json").stdout)["hits"]
    assert runner("reindex").exit_code == 0
    assert json.loads(runner("ask", "hinge of pump 3", "--json").stdout)["hits"] == before


def test_tokens_are_made_listed_without_secrets_and_revoked(runner):
    secret = runner("token", "add", "bot").stdout.strip()
    listed = runner("token", "list").stdout
    assert "bot" in listed
    assert secret not in listed
    assert runner("token", "revoke", "bot").exit_code == 0
    assert runner("token", "list").stdout == ""


def test_demo_fills_a_memory_and_asks_the_example_question(runner, capfd):
    result = runner("demo", "--no-serve")
    assert result.exit_code == 0, result.stderr
    assert "Somebody has learned about this" in capfd.readouterr().out


def test_eval_prints_every_measure_with_its_interval(runner):
    arguments = ["eval", str(ROOT / "examples" / "queries.jsonl"), "--root", str(ROOT / "examples" / "docs")]
    report = json.loads(runner(*arguments, "--json").stdout)
    text = json.dumps(report)
    for measure in ("nDCG@10", "recall@5", "MRR@10", "lesson@10", "lesson@3", "AUROC"):
        assert measure in text


def test_eval_compares_two_settings(runner, example_home, tmp_path):
    queries, run = str(ROOT / "examples" / "queries.jsonl"), tmp_path / "run.json"
    run.write_text(runner("eval", queries, "--json", home=example_home).stdout)
    again = runner("eval", queries, "--against", str(run), home=example_home)
    assert again.exit_code == 0, again.stderr
    assert "no query moved" in again.stdout
    assert re.search(r"nDCG@10 +\+0\.000 \[\+0\.000, \+0\.000\]  p 1\.000", again.stdout)
    one = tmp_path / "one.jsonl"
    one.write_text('{"query": "a certificate expired", "relevant": {}}')
    compared = runner("eval", str(one), "--against", str(run), home=example_home)
    assert compared.exit_code == 1
    assert f"{run} was made with other queries" in compared.stderr
    assert runner("eval", "--gold", str(one), "--against", str(run)).exit_code == 2


def test_a_reader_that_goes_away_is_no_error(example_home, models):
    command = [sys.executable, "-m", "cli", "--home", str(example_home), "--models", str(models), "ask", "disk"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=dict(os.environ, PYTHONWARNINGS="ignore")
    )
    process.stdout.close()
    _, errors = process.communicate()
    assert b"Traceback" not in errors


@pytest.mark.parametrize(("question", "code"), [("why did the certificate expire?", 0), ("a choir's requiem", 3)])
def test_a_process_that_answered_ends_with_its_code_and_the_whole_answer(runner, example_home, models, question, code):
    command = [sys.executable, "-m", "cli", "--home", str(example_home), "--models", str(models), "ask", question]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == code
    hits = json.loads(runner("ask", question, "--json", home=example_home).stdout)["hits"]
    assert json.loads(done.stdout)["hits"] == hits


def test_an_answer_without_a_server_loads_only_what_it_needs(example_home, models):
    program = (
        "import sys; from cli import main\n"
        f"arguments = ['--home', {str(example_home)!r}, '--models', {str(models)!r}, 'ask', 'certificate expired']\n"
        "try:\n    main.main(arguments)\n"
        "except SystemExit:\n    print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(done.stderr.split())
    assert {"onnxruntime", "tokenizers", "retriever.search"} <= loaded
    needless = {"chromadb", "flask", "rich", "httpx", "http.client", "subprocess", "importlib.metadata"}
    assert not loaded & {*needless, "email", "torch", "retriever.sharing", "retriever.record.portable"}


def test_a_text_that_is_no_stated_lesson_can_be_shown_by_its_id(runner, example_home, example_memory):
    document = example_memory.document("postmortems/2023/2023-03-14-carrier-certificate.md")
    shown = runner("show", f"{document.id}:0-40", home=example_home)
    assert shown.exit_code == 0
    assert ">     1" in shown.stdout


def test_readme_holds_no_placeholder():
    assert not re.findall(r"^[A-Z]+$", README, re.MULTILINE)


def test_every_option_has_a_variable_of_its_own_name():
    for option in options_of(main):
        name = max(option.opts, key=len).lstrip("-")
        assert is_setting(name.replace("-", "_")) or option.envvar == variable_of(name)
    assert {"LESSONS_TAG", "LESSONS_JSON", "LESSONS_DRY_RUN", "LESSONS_URL_TEMPLATE"} <= option_variables(main)
    assert not option_variables(main) & {"LESSONS_HOME", "LESSONS_K", "LESSONS_PORT", "LESSONS_VERSION"}


def test_variables_of_options_are_obeyed_and_only_unknown_ones_warned_of(runner, example_home, example_memory):
    tag, count = example_memory.facets()["tag"][0]
    environment = {"LESSONS_TAG": f"{tag}, no such", "LESSONS_JSON": "1", "LESSONS_COLOUR": "red"}
    result = runner("ask", "what went wrong", "-k", "100", home=example_home, env=environment)
    hits = json.loads(result.stdout)["hits"]
    assert hits
    assert all(tag in hit["document"]["tags"] for hit in hits)
    assert result.stderr.splitlines() == [
        "Warning: LESSONS_COLOUR sets nothing; `lessons settings` lists the variables."
    ]
