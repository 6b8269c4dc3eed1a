"""The fuzzing command: the same seed damages the same files in the same way, and nothing is found on the examples."""

from __future__ import annotations

import io
import zipfile

from conftest import EXAMPLES

from benchmarks.fuzz_readers import fuzz, mutated

FILES = sorted(path for path in (EXAMPLES / "docs").rglob("*") if path.is_file() and path.stat().st_size < 60_000)


def test_a_seed_gives_the_same_damaged_files() -> None:
    assert list(mutated(FILES, 40, 7)) == list(mutated(FILES, 40, 7))
    assert list(mutated(FILES, 40, 7)) != list(mutated(FILES, 40, 8))


def test_some_containers_stay_sound_so_that_what_is_inside_is_reached() -> None:
    words = [data for name, data in mutated([path for path in FILES if path.suffix == ".docx"], 40, 1)]
    assert any(zipfile.is_zipfile(io.BytesIO(data)) for data in words)


def test_damaged_examples_are_read_or_refused_with_a_sentence() -> None:
    found = fuzz(mutated(FILES, 40, 2), limit_s=30.0)
    assert found.wrong == []
    assert sum(found.outcomes.values()) == 40
