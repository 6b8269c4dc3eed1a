"""Mutated files through reading, extraction and passages: does anything crash, hang or leak?

    python -m benchmarks.fuzz_readers --root DIR... --files 2000 --seed 1

Takes real files below DIR, small ones of every format, damages each a few times (flipped bits, cuts, splices of
two files, NULs, repeated chunks, wrong endings; half of the Word and Excel files inside of their zip container) and
sends it through `ReaderProcess` and `draft_all`. A file that is refused with a sentence is well; a child that dies, a
file that takes longer than the limit and an exception in this process are findings: they are listed and make exit 1.
The same seed and folders give the same files.
"""

from __future__ import annotations

import argparse
import io
import random
import resource
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.drafts import draft_all
from ingest.readers import FILE_TYPES, format_of
from ingest.readers.process import ReaderProcess
from ingest.sources import Limits, SourceFile, walk
from retriever.errors import SourceError

LARGEST_BYTES = 60_000
LIMIT_S = 10.0
GROWTH_EVERY = 500
_DIED = "made its reader crash"
_SLOW = "and was given up"
_UNEXPECTED = "its reader failed with"


@dataclass(slots=True)
class Findings:
    """What happened: outcomes by format, what is a finding, the slowest files, memory in MB after so many files."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    memory: list[tuple[int, float, float]] = field(default_factory=list)


def flip(data: bytes, chance: random.Random, other: bytes) -> bytes:
    """A few bits turned."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 40) if changed else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(data: bytes, chance: random.Random, other: bytes) -> bytes:
    """The beginning alone, or a hole in the middle."""
    first, last = sorted((_place(data, chance), _place(data, chance)))
    return data[:first] if chance.random() < 0.5 else data[:first] + data[last:]


def splice(data: bytes, chance: random.Random, other: bytes) -> bytes:
    """The beginning of one file and the end of another."""
    return data[: _place(data, chance)] + other[_place(other, chance) :]


def add_nuls(data: bytes, chance: random.Random, other: bytes) -> bytes:
    """NULs and other control characters in the middle."""
    at = _place(data, chance)
    return data[:at] + chance.choice([b"\0", b"\0\x1b\x07", b"\xff\xfe", b"\r\0"]) * chance.randint(1, 200) + data[at:]


def repeat(data: bytes, chance: random.Random, other: bytes) -> bytes:
    """A chunk many times, up to some 200 kB."""
    at = _place(data, chance)
    chunk = data[at : at + chance.choice([1, 2, 7, 60, 900])]
    return data[:at] + chunk * min(chance.choice([50, 3000, 40_000]), 200_000 // max(len(chunk), 1)) + data[at:]


def as_it_is(data: bytes, chance: random.Random, other: bytes) -> bytes:
    """Nothing changed, for a file whose name alone is wrong."""
    return data


Mutation = Callable[[bytes, random.Random, bytes], bytes]
MUTATIONS: tuple[Mutation, ...] = (flip, cut, splice, add_nuls, repeat)


def mutated(files: Sequence[Path], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of `count` damaged files, each format as often as any other."""
    chance = random.Random(seed)
    by_format: dict[str, list[Path]] = {}
    for path in files:
        by_format.setdefault(format_of(path.name).name, []).append(path)
    for number in range(count):
        path = chance.choice(by_format[chance.choice(sorted(by_format))])
        data, other = path.read_bytes(), chance.choice(files).read_bytes()
        is_renamed = chance.random() < 0.2
        mutations = chance.choices((*MUTATIONS, as_it_is) if is_renamed else MUTATIONS, k=chance.randint(1, 3))
        data = _damaged(data, chance, other, mutations)
        ending = chance.choice(sorted(FILE_TYPES)) if is_renamed else "".join(path.suffixes[-1:])
        yield f"{number}-{path.stem}{ending}", data


def _damaged(data: bytes, chance: random.Random, other: bytes, mutations: Sequence[Mutation]) -> bytes:
    if zipfile.is_zipfile(io.BytesIO(data)) and chance.random() < 0.5:
        return _damaged_inside(data, chance, other, mutations)
    for mutate in mutations:
        data = mutate(data, chance, other)
    return data


def _damaged_inside(data: bytes, chance: random.Random, other: bytes, mutations: Sequence[Mutation]) -> bytes:
    """The zip container with one of its members damaged; the container itself is sound."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        names = source.namelist()
        chosen = chance.choice(names)
        for name in names:
            content = source.read(name)
            for mutate in mutations if name == chosen else ():
                content = mutate(content, chance, other)
            target.writestr(name, content)
    return packed.getvalue()


def fuzz(cases: Iterator[tuple[str, bytes]], limit_s: float) -> Findings:
    """What becomes of each case."""
    found = Findings()
    with ReaderProcess() as reader:
        for number, (name, data) in enumerate(cases, start=1):
            began = time.perf_counter()
            outcome = _outcome(reader, name, data, limit_s, found)
            took_s = time.perf_counter() - began
            found.outcomes[(format_of(name).name, outcome)] += 1
            found.slowest = sorted([*found.slowest, (took_s, f"{name} ({len(data)} bytes)")], reverse=True)[:3]
            if took_s > limit_s and outcome != "given up":
                found.wrong.append(f"{name}: took {took_s:.1f} s")
            if number % GROWTH_EVERY == 0:
                found.memory.append((number, _resident_mb("self"), _resident_mb(_child(reader))))
    return found


def _outcome(reader: ReaderProcess, name: str, data: bytes, limit_s: float, found: Findings) -> str:
    try:
        drafts = draft_all(name, reader.read(data, name, limit_s), frozenset())
    except SourceError as error:
        said = str(error)
        if _DIED in said or _SLOW in said:
            found.wrong.append(said)
            return "given up"
        if _UNEXPECTED in said:
            found.unexpected[f"{format_of(name).name}: {said.split(_UNEXPECTED)[1].split(':')[0].strip()}"] += 1
        return "refused"
    except Exception as error:  # whatever it is, it is what this program looks for
        found.wrong.append(f"{name}: {type(error).__name__}: {error}")
        return "crashed"
    for item in drafts:
        text = item.draft.text
        for lesson in item.draft.lessons:
            if not text[lesson.finding.start : lesson.finding.end].strip():
                found.wrong.append(f"{name}: a lesson without text")
    return "read"


def _place(data: bytes, chance: random.Random) -> int:
    return chance.randint(0, len(data))


def _child(reader: ReaderProcess) -> str:
    child = reader._child
    return str(child.pid) if child is not None else ""


def _resident_mb(process: str) -> float:
    """What the process holds now; 0 where the system does not say."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / 1e6


def main() -> int:
    """Runs it, prints the figures; 1 when there is a finding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, nargs="+", required=True)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit-s", type=float, default=LIMIT_S)
    parser.add_argument("--largest", type=int, default=LARGEST_BYTES, help="largest file to begin with, in bytes")
    wanted = parser.parse_args()
    entries = [entry for root in wanted.root for entry in walk(root, Limits(wanted.largest))]
    files = sorted(entry.path for entry in entries if isinstance(entry, SourceFile))
    if not files:
        parser.error(f"{wanted.root[0]} holds no file of at most {wanted.largest} bytes that is read")
    began = time.perf_counter()
    found = fuzz(mutated(files, wanted.files, wanted.seed), wanted.limit_s)
    print(f"{wanted.files} files made of {len(files)}, seed {wanted.seed}, in {time.perf_counter() - began:.0f} s")
    for name in sorted({name for name, _ in found.outcomes}):
        counts = ((outcome, found.outcomes[name, outcome]) for outcome in ("read", "refused", "given up", "crashed"))
        print(f"  {name:9} " + ", ".join(f"{count} {outcome}" for outcome, count in counts if count))
    print("  refused by a library's error: " + ", ".join(f"{n} {name}" for name, n in found.unexpected.most_common()))
    print("  slowest: " + ", ".join(f"{took_s:.2f} s {name}" for took_s, name in found.slowest))
    print("  memory, parent and child: " + ", ".join(f"{a:.0f}/{b:.0f} MB at {n}" for n, a, b in found.memory))
    print(f"  findings: {len(found.wrong)}", *found.wrong, sep="\n    ")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
