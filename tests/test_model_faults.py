"""A model that is missing or another one: refused before anything is written, words answer, a reindex is offered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retriever.config import Settings
from retriever.memory import Memory
from retriever.record import FILE_NAME

LESSON = "Weigh the anchor chain before a long voyage."


@pytest.fixture
def kept(runner: Callable[..., Any], folder: Path, embedder: Any) -> None:
    """A memory of one report, embedded by the packaged model."""
    (folder / "anchor.md").write_text(f"# Anchor\n\n## Lessons learned\n\n- {LESSON}\n")
    assert runner("ingest", str(folder)).exit_code == 0


@pytest.fixture(params=["missing", "of another dimension"])
def wrong_model(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "nowhere" if request.param == "missing" else request.getfixturevalue("static_model"))


def rows(home: Path, models: Path) -> list[str]:
    with Memory.open(Settings(home=home, models=models)) as memory:
        return list(memory.record.export(embeddings=True))[1:]


def test_nothing_is_written_with_a_wrong_model_and_the_mend_is_named(kept, runner, home, models, folder, wrong_model):
    before = rows(home, models)
    (folder / "later.md").write_text("# Later\n\n## Lessons learned\n\n- Count the lifeboats twice a year.\n")
    for command in (["ingest", str(folder)], ["share", "--learned", "Count the lifeboats twice a year."]):
        result = runner("--model", wrong_model, *command)
        assert result.exit_code == 1
        assert "lessons reindex" in result.stderr or "--model" in result.stderr
        assert "Traceback" not in result.stderr
    # An ingest notes that it looked at the source; no document, lesson, embedding or event came of it.
    assert [line for line in rows(home, models) if '"sources"' not in line] == [
        line for line in before if '"sources"' not in line
    ]
    assert (home / FILE_NAME).exists()


def test_words_answer_with_a_wrong_model_and_the_right_one_answers_as_before(kept, runner, wrong_model):
    before = json.loads(runner("ask", "weigh the anchor chain", "--json").stdout)
    by_words = json.loads(runner("--model", wrong_model, "ask", "weigh the anchor chain", "--json").stdout)
    assert by_words["degraded"] == ["meaning"]
    assert [hit["lesson"]["text"] for hit in by_words["hits"]] == [LESSON]
    after = json.loads(runner("ask", "weigh the anchor chain", "--json").stdout)
    assert after["hits"] == before["hits"]


def test_a_reindex_moves_the_memory_to_a_model_of_another_dimension_and_back(kept, runner, static_model):
    before = json.loads(runner("ask", "weigh the anchor chain", "--json").stdout)["hits"]
    assert runner("--model", str(static_model), "reindex").exit_code == 0
    moved = json.loads(runner("--model", str(static_model), "ask", "weigh the anchor chain", "--json").stdout)
    assert moved["degraded"] == []
    assert json.loads(runner("ask", "weigh the anchor chain", "--json").stdout)["degraded"] == ["meaning"]
    assert runner("reindex").exit_code == 0
    assert json.loads(runner("ask", "weigh the anchor chain", "--json").stdout)["hits"] == before
