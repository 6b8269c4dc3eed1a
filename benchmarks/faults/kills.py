"""kill -9 at random moments, and at named points, of everything that writes."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.faults.driver import POINTS
from benchmarks.faults.figures import Figures
from benchmarks.faults.reports import report, word_of, write_report
from ingest.pipeline import IngestOptions, ingest
from retriever.config import load_settings
from retriever.embedder import open_embedder
from retriever.errors import NotFound
from retriever.generations import generation_folder
from retriever.memory import Memory
from retriever.record.changes import UNITS

FIRST_REPORTS = 24
NEW_REPORTS = 2
# How long the driver takes for everything, at most, on the machine at hand; measured by the first rounds.
LONGEST_S = 6.0


@dataclass
class Ledger:
    """What the processes that were killed had said is done."""

    shared: dict[str, str] = field(default_factory=dict)
    forgotten: dict[str, str] = field(default_factory=dict)
    doubtful: dict[str, str] = field(default_factory=dict)
    recorded: dict[str, str | None] = field(default_factory=dict)

    def take(self, line: dict[str, Any]) -> None:
        """A line of a driver."""
        did = line.get("did")
        if did == "ingested":
            self.recorded[line["path"]] = line["sha256"]
        elif did == "shared":
            self.shared[line["id"]] = line["text"]
        elif line.get("doing") == "forget":
            self.doubtful[line["path"]] = line["id"]
        elif did == "forgot":
            self.forgotten[line["path"]] = line["id"]


class Victims:
    """One home and one folder through a whole series of kills."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.home = folder / "home"
        self.docs = folder / "docs"
        self.docs.mkdir(parents=True)
        self.chance = random.Random(seed)
        self.ledger = Ledger()
        self.revisions = dict.fromkeys(range(FIRST_REPORTS), 0)
        for number in self.revisions:
            write_report(self.docs, number)
        settings = load_settings({"home": str(self.home)})
        self.embedder = open_embedder(settings.model, settings.models, settings.threads)
        self.settings = settings
        self.longest_s = LONGEST_S
        self.slowest_ready_s = self.slowest_index_s = 0.0

    def run(self, figures: Figures, number: int, point: str | None = None) -> None:
        """One process is killed, and the home is looked at; a process that was through sooner does not count."""
        self._change_folder()
        arguments = [str(self.home), str(self.docs), str(self.chance.randrange(10**9)), *([point] if point else [])]
        command = [sys.executable, "-m", "benchmarks.faults.driver", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            said = self._follow(process, is_timed=point is None)
        name = f"kill {number}" + (f" ({point})" if point else "")
        figures.made += process.returncode == -9
        figures.expect(process.returncode in (0, -9), f"{name}: the process failed by itself: {said[-300:]}")
        self.look(figures, name)

    def _follow(self, process: subprocess.Popen[str], *, is_timed: bool) -> str:
        """What the process said on stderr, once it is dead; killed at a random moment if it is timed."""
        assert process.stdout is not None
        assert process.stderr is not None
        begun, timer = 0.0, None
        for raw in process.stdout:
            line = json.loads(raw)
            self.ledger.take(line)
            if line.get("doing") == "begin":
                begun = time.monotonic()
                if is_timed:
                    timer = threading.Timer(self.chance.uniform(0.0, self.longest_s), process.kill)
                    timer.start()
            if line.get("did") == "everything":
                self.longest_s = 0.7 * self.longest_s + 0.3 * (time.monotonic() - begun)
        said = process.stderr.read()
        process.wait()
        if timer is not None:
            timer.cancel()
        return said

    def look(self, figures: Figures, name: str) -> None:
        """Everything that was acknowledged is there, and running again makes the rest good, once."""
        started = time.monotonic()
        memory = Memory.open(self.settings, create=True)
        memory.__dict__["embedder"] = self.embedder
        with memory:
            memory.ask(word_of(0))
            self.slowest_ready_s = max(self.slowest_ready_s, time.monotonic() - started)
            figures.expect(memory.record.soundness.structural_damage() == (), f"{name}: the record is damaged")
            figures.expect(memory.record.soundness.damaged_texts() == (), f"{name}: texts do not match")
            figures.expect(memory.record.soundness.damaged_embeddings() == (), f"{name}: embeddings do not match")
            self._look_for_items(memory, figures, name)
            self._look_at_index(memory, figures, name)
            ingest(memory, self.docs, IngestOptions(source="reports", prune=True, yes=True))
            again = ingest(memory, self.docs, IngestOptions(source="reports", prune=True, yes=True))
            self.ledger.recorded.update(_hashes(memory))
            figures.expect(again.read == 0 and not again.failed, f"{name}: a second run still finds something to do")
            self._look_for_reports(memory, figures, name)
            self._look_at_index(memory, figures, name)
            self._look_for_traces(figures, name)

    def _change_folder(self) -> None:
        for _ in range(NEW_REPORTS):
            number = len(self.revisions)
            self.revisions[number] = 0
            write_report(self.docs, number)
        number = self.chance.choice(list(self.revisions))
        if (self.docs / f"report-{number}.md").exists() and f"report-{number}.md" not in self.ledger.doubtful:
            self.revisions[number] += 1
            write_report(self.docs, number, self.revisions[number])

    def _look_for_items(self, memory: Memory, figures: Figures, name: str) -> None:
        states = _hashes(memory)
        for path, sha256 in self.ledger.recorded.items():
            if path in self.ledger.doubtful:
                continue
            figures.expect(states.get(path) == sha256, f"{name}: {path} was acknowledged and is not what it was")
        for identity, text in self.ledger.shared.items():
            figures.expect(
                _text_of(memory, identity) == text, f"{name}: the share {identity} was acknowledged and is gone"
            )
        for path, identity in self.ledger.forgotten.items():
            figures.expect(not _is_there(memory, identity), f"{name}: {path} was forgotten and is there")

    def _look_for_reports(self, memory: Memory, figures: Figures, name: str) -> None:
        paths = {f"report-{number}.md": number for number in self.revisions}
        gone = {path for path, identity in self.ledger.doubtful.items() if not _is_there(memory, identity)}
        self.ledger.forgotten.update({path: self.ledger.doubtful[path] for path in gone})
        for path, number in paths.items():
            if path in gone:
                continue
            text = memory.document(path).text
            figures.expect(text == report(number, self.revisions[number]), f"{name}: {path} is not what its file says")
        counted = memory.counts()["documents"]
        least = len(paths) - len(gone) + len(self.ledger.shared)
        figures.expect(counted >= least, f"{name}: {counted} documents, of at least {least}")
        figures.expect(memory.record.embeddings.missing(memory.fingerprint) == 0, f"{name}: embeddings are missing")

    def _look_at_index(self, memory: Memory, figures: Figures, name: str) -> None:
        started = time.monotonic()
        keeper = memory.keeper()
        figures.expect(keeper.open("the fault suite"), f"{name}: the lock of the index is held by nobody alive")
        self.slowest_index_s = max(self.slowest_index_s, time.monotonic() - started)
        try:
            keeper.drain()
            assert keeper.index is not None
            assert keeper.generation is not None
            for unit in UNITS:
                wanted = memory.record.changes.owners(unit, memory.fingerprint)
                figures.expect(keeper.index.keys(unit) == wanted, f"{name}: the index differs from the record")
            here = {path.name for path in (self.home / "index").glob("gen-*")}
            only = {generation_folder(self.home, keeper.generation.number).name}
            figures.expect(here == only, f"{name}: generations are left over: {sorted(here - only)}")
        finally:
            keeper.close()

    def _look_for_traces(self, figures: Figures, name: str) -> None:
        """The words of what was forgotten last are in no file of the home."""
        for path in list(self.ledger.forgotten)[-3:]:
            word = word_of(int(path.removeprefix("report-").removesuffix(".md"))).encode()
            places = [file.name for file in self.home.rglob("*") if file.is_file() and word in file.read_bytes()]
            figures.expect(not places, f"{name}: the word of {path} is still in {places}")


def _hashes(memory: Memory) -> dict[str, str | None]:
    """{path: the hash of the bytes that were read} of every report."""
    source = next((item for item in memory.record.files.sources() if item.name == "reports"), None)
    states = memory.record.files.states(source) if source else {}
    return {path: state.sha256 for path, state in states.items()}


def _text_of(memory: Memory, lesson_id: str) -> str | None:
    try:
        return memory.lesson(lesson_id).text
    except NotFound:
        return None


def _is_there(memory: Memory, document_id: str) -> bool:
    try:
        memory.document(document_id)
    except NotFound:
        return False
    return True


def kills(folder: Path, count: int, seed: int) -> Figures:
    """`count` kills at random moments."""
    figures = Figures("kill -9 at a random moment of ingest, share, forget, reindex")
    victims = Victims(folder, seed)
    while figures.made < count:
        victims.run(figures, figures.made + 1)
    _measure(figures, victims)
    return figures


def kills_at_points(folder: Path, seed: int, rounds: int = 1, points: list[str] | None = None) -> Figures:
    """A kill at each named point, so many times over."""
    figures = Figures("kill -9 at a named point")
    victims = Victims(folder, seed)
    victims.look(figures, "before the first kill")
    for _ in range(rounds):
        for number, point in enumerate(points or POINTS, start=1):
            before = figures.made
            victims.run(figures, number, point)
            figures.expect(figures.made == before + 1, f"the point {point!r} was never come by")
    _measure(figures, victims)
    return figures


def _measure(figures: Figures, victims: Victims) -> None:
    figures.measured["acknowledged"] = f"{len(victims.ledger.recorded) + len(victims.ledger.shared):,} items"
    figures.measured["answered after at most"] = f"{victims.slowest_ready_s:.1f} s"
    figures.measured["index ready after at most"] = f"{victims.slowest_index_s:.1f} s"
