"""A process that asks a home whose index is damaged, as a server would: `python -m benchmarks.faults.asker HOME`.

It is one because a damaged index can end the process that opens it. What it saw is one JSON object on standard output.
"""

from __future__ import annotations

import json
import sys
import time

from benchmarks.faults.homes import answers
from retriever.config import load_settings
from retriever.memory import Memory
from retriever.record.changes import UNITS

PATIENCE_S = 60.0


def main() -> None:
    """Asks at once, waits for the index, asks again, and compares the index with the record."""
    settings = load_settings({"home": sys.argv[1], "threads": 1})
    with Memory.open(settings) as memory:
        started = time.monotonic()
        memory.start_following()
        at_once = answers(memory)
        while not memory.readiness()[0] and time.monotonic() < started + PATIENCE_S:
            time.sleep(0.02)
        ready_s = time.monotonic() - started
        later = answers(memory)
    with Memory.open(settings) as memory:
        keeper = memory.keeper()
        keeper.open("the fault suite")
        assert keeper.index is not None
        wanted = {unit: memory.record.changes.owners(unit, memory.fingerprint) for unit in UNITS}
        is_whole = all(keeper.index.keys(unit) == wanted[unit] for unit in UNITS)
        keeper.close()
    print(json.dumps({"at_once": at_once, "later": later, "ready_s": ready_s, "is_whole": is_whole}))


if __name__ == "__main__":
    main()
