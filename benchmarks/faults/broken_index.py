"""The vector index, file by file: truncated, emptied, overwritten with random bytes, deleted."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults.figures import Figures
from benchmarks.faults.homes import answers, fill
from retriever.generations import CLEAN
from retriever.memory import Memory


def damaged(path: Path, damage: str, chance: random.Random) -> None:
    """The file has one of the DAMAGES."""
    data = path.read_bytes()
    if damage == "deleted":
        path.unlink()
    else:
        path.write_bytes(DAMAGES[damage](data, chance))


def _sprinkled(data: bytes, chance: random.Random) -> bytes:
    spoiled = bytearray(data)
    for _ in range(min(40, len(data))):
        spoiled[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(spoiled)


# What becomes of the bytes of a file.
DAMAGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "cut in half": lambda data, chance: data[: len(data) // 2],
    "emptied": lambda data, chance: b"",
    "overwritten": lambda data, chance: chance.randbytes(max(len(data), 64)),
    "sprinkled with random bytes": _sprinkled,
    "deleted": lambda data, chance: b"",
}


def broken_index(folder: Path, reports: int, seed: int, at_most: int | None = None) -> Figures:
    """Every damage to every file of an index over so many reports, left in order and not; or `at_most` of them."""
    figures = Figures("a file of the index truncated, overwritten, sprinkled, deleted")
    settings, _ = fill(folder, reports)
    with Memory.open(settings) as memory:
        expected = answers(memory)
    index = settings.home / "index"
    files = [path.relative_to(index) for path in sorted(index.rglob("*")) if path.is_file() and path.name != "lock"]
    cases = [(file, damage, is_clean) for file in files for damage in DAMAGES for is_clean in (True, False)]
    chance = random.Random(seed)
    chance.shuffle(cases)
    slowest = 0.0
    pristine = folder / "pristine"
    shutil.copytree(settings.home, pristine)
    for file, damage, is_clean in cases[:at_most]:
        if file.name == CLEAN and not is_clean:
            continue
        shutil.rmtree(settings.home)
        shutil.copytree(pristine, settings.home)
        damaged(index / file, damage, chance)
        if not is_clean:
            (index / file.parts[0] / CLEAN).unlink(missing_ok=True)
        name = f"{file.name} {damage}" + ("" if is_clean else ", left by a kill")
        slowest = max(slowest, _look(figures, settings.home, name, expected))
    figures.measured["files"] = str(len(files))
    figures.measured["index ready again after at most"] = f"{slowest:.1f} s"
    return figures


def _look(figures: Figures, home: Path, name: str, expected: list[object]) -> float:
    """How long the index took to be ready again."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.faults.asker", str(home)], capture_output=True, text=True, check=False
    )
    figures.made += 1
    figures.expect(done.returncode == 0, f"{name}: the process ended with {done.returncode}: {done.stderr[-300:]}")
    if done.returncode != 0:
        return 0.0
    seen = json.loads(done.stdout.splitlines()[-1])
    figures.expect(seen["at_once"] == expected, f"{name}: other answers while the index was not ready")
    figures.expect(seen["later"] == expected, f"{name}: other answers once it was ready")
    figures.expect(seen["is_whole"], f"{name}: the index does not hold what the record holds")
    return float(seen["ready_s"])
