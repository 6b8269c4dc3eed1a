"""The fault suite in a form that fits: the same faults as `make faults`, fewer of them (docs/promises.md)."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.faults import full_disk as disk_module
from benchmarks.faults.broken_index import broken_index
from benchmarks.faults.driver import POINTS
from benchmarks.faults.figures import Figures
from benchmarks.faults.full_disk import full_disk
from benchmarks.faults.kills import kills, kills_at_points
from benchmarks.faults.machine import sequences
from benchmarks.faults.server import endings
from benchmarks.faults.soak import soak

ROOT = Path(__file__).parent.parent


def assert_held(figures: Figures, least: int) -> None:
    """So many faults were really made, something was checked after each, and nothing was lost."""
    assert figures.wrong == []
    assert figures.made >= least
    assert figures.checked > figures.made


def test_kills_at_random_moments_lose_nothing_that_was_acknowledged(tmp_path):
    assert_held(kills(tmp_path, 3, seed=11), 3)


def test_kills_at_named_points_lose_nothing_that_was_acknowledged(tmp_path):
    chosen = [
        "between record and index",
        "a new generation filled, not switched to",
        "a share recorded, nothing said",
        "forgotten, the disk not cleaned",
    ]
    assert set(chosen) <= set(POINTS)
    assert_held(kills_at_points(tmp_path, seed=12, points=chosen), len(chosen))


def test_a_server_that_is_stopped_or_killed_keeps_what_it_acknowledged(tmp_path):
    assert_held(endings(tmp_path, 3, seed=13), 3)


def test_a_damaged_index_is_never_a_dead_server_nor_another_answer(tmp_path):
    assert_held(broken_index(tmp_path, 20, seed=14, at_most=3), 2)


@pytest.mark.parametrize("how", ["tmpfs", "RLIMIT_FSIZE"])
def test_a_full_disk_is_a_sentence_and_loses_nothing(tmp_path, how, monkeypatch):
    if how == "RLIMIT_FSIZE":
        # As on a machine where nothing may be mounted.
        monkeypatch.setattr(disk_module.shutil, "which", lambda name: None)
    acts = ("ingest", "forget") if how == "tmpfs" else ("share",)
    figures = full_disk(tmp_path, room=(40_000,), acts=acts)
    if figures.measured["by"] != how:
        pytest.skip("this machine lets nobody mount a small disk")
    assert_held(figures, len(acts))
    assert figures.measured["refused with a sentence"] == str(len(acts))


def test_random_sequences_leave_what_a_model_in_memory_holds():
    assert_held(sequences(3, 12), 3)


def test_lookups_and_ingests_mixed_leak_no_handle_and_none_fails(tmp_path):
    figures = soak(tmp_path, 160, 4, seed=15)
    # So few lookups say nothing about memory: caches are still filling. `make faults` does.
    assert [line for line in figures.wrong if not line.startswith("memory grows")] == []
    assert figures.made == 164


def test_the_command_refuses_a_series_that_there_is_not():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.faults", "--only", "meteors"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 2
    assert "meteors" in done.stderr
    assert shutil.which("make") is None or "benchmarks.faults" in (ROOT / "Makefile").read_text()


def test_every_promise_names_what_holds_it_and_that_is_there():
    promises = (ROOT / "docs" / "promises.md").read_text()
    rows = [line for line in promises.splitlines() if line.startswith("|") and "`tests/" in line]
    named = [re.findall(r"`((?:tests|benchmarks)/[a-z_/]+\.py)`", row) for row in rows]
    assert len(rows) >= 13
    assert all(named)
    assert [path for paths in named for path in paths if not (ROOT / path).is_file()] == []
