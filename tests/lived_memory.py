"""What tests of keeping a memory compare: its answers, and every row of its record."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from retriever.config import Settings
from retriever.memory import Memory
from retriever.record import portable

QUESTIONS = ("check pump 3 before the gate", "label tank 7 xxxxxxx", "what should we do about pumps")


def settings_at(home: Path, memory: Memory) -> Settings:
    return Settings(home=home, models=memory.settings.models)


def answers(memory: Memory) -> list[Any]:
    return [memory.ask(question).hits for question in QUESTIONS]


def rows_of(memory: Memory) -> dict[str, list[tuple[Any, ...]]]:
    with sqlite3.connect(memory.settings.home / "record.db") as connection:
        columns_of = portable.tables(connection)
        rows = {
            name: [tuple(row) for row in connection.execute(f"SELECT {', '.join(columns)} FROM {name}")]
            for name, columns in columns_of.items()
        }
    # What a home has still to do about its own files is not exported.
    rows["meta"] = [row for row in rows["meta"] if not row[0].startswith("erase")]
    # Nor at which version of another record's content a sense was written.
    at = columns_of["senses"].index("version")
    rows["senses"] = [(*row[:at], *row[at + 1 :]) for row in rows["senses"]]
    return {name: sorted(found, key=repr) for name, found in rows.items()}
