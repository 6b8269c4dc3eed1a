"""What a run of the benchmark was asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """`docs` are ingested; `homes` are memories made by benchmarks.large, by how many lessons each holds.

    `scratch` is a folder that may be filled; `questions` what is asked. With `rounds` rare things are repeated so
    often, and frequent ones a hundred times as often.
    """

    docs: Path
    homes: dict[int, Path]
    scratch: Path
    questions: tuple[str, ...]
    rounds: int

    def largest(self, lessons: int) -> Path:
        """The home with that many lessons. Raises SystemExit when it was not made."""
        if lessons not in self.homes:
            raise SystemExit(f"There is no home with {lessons:,} lessons; make it with benchmarks.large.")
        return self.homes[lessons]


def anew(questions: Sequence[str], turn: int, mark: str) -> str:
    """A question that was not asked yet, since what was is kept; a further word would make it another question."""
    return f"{questions[turn % len(questions)]} {mark * (1 + turn // len(questions))}"


def homes_in(folder: Path | None) -> dict[int, Path]:
    """{lessons: home} of the subfolders whose names are numbers."""
    if folder is None:
        return {}
    found = [path for path in folder.iterdir() if path.name.isdigit() and (path / "record.db").exists()]
    return {int(path.name): path for path in sorted(found, key=lambda path: int(path.name))}


def questions_in(file: Path) -> tuple[str, ...]:
    """The queries of a judged set."""
    return tuple(json.loads(line)["query"] for line in file.read_text(encoding="utf-8").splitlines() if line.strip())
