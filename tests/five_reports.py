"""Five reports with a lesson each, and a hand that changes the record behind the program's back."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from retriever.record import FILE_NAME

QUESTION = "lock the crane before the wind rises"
LESSONS = {
    "crane": "Lock the crane before the wind rises above forty knots.",
    "boiler": "A boiler that hums at night needs its valve replaced at once.",
    "ferry": "Two tellers have to count the passengers of every ferry.",
    "archive": "Copies of an archive belong into another building.",
    "bridge": "The bridge opens late when nobody has read the tide table.",
}


def change(home: Path, statement: str, *values: Any) -> None:
    """Changes the record behind the program's back."""
    with sqlite3.connect(home / FILE_NAME) as connection:
        assert connection.execute(statement, values).rowcount
    connection.close()
