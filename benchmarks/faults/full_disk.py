"""A disk that is full during each write: a clear error, nothing lost, and everything goes on once there is room.

A small tmpfs where one may be mounted, filled up to so many bytes; else `RLIMIT_FSIZE` in the process that writes,
which lets it write in no file beyond that.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from benchmarks.faults.figures import Figures
from benchmarks.faults.homes import answers, fill
from benchmarks.faults.reports import write_report
from benchmarks.faults.server import start
from retriever.config import Settings
from retriever.memory import Memory

DISK_BYTES = 64_000_000
REPORTS = 20
QUESTION = "what about the crew"
COMMANDS: dict[str, tuple[str, ...]] = {
    "ingest": ("ingest", "{docs}", "--source", "reports"),
    "share": ("share", "--learned", "Count the oars before the boat leaves the quay."),
    "forget": ("forget", "report-3.md", "--yes"),
    "reindex": ("reindex",),
    "backup": ("backup", "{target}.db"),
    "export": ("export", "{target}.jsonl"),
}
ROOM = (0, 40_000, 200_000, 700_000, 2_500_000)
_BALLAST = "ballast"


@dataclass(frozen=True, slots=True)
class Disk:
    """A folder whose room can be taken away and given back; `how` says by what means."""

    folder: Path
    how: str

    def take(self, left: int) -> None:
        """Only so many bytes are left."""
        if self.how == "tmpfs":
            size = (shutil.disk_usage(self.folder).free - left) // 4096 * 4096
            with (self.folder / _BALLAST).open("wb") as ballast:
                os.posix_fallocate(ballast.fileno(), 0, max(size, 1))

    def give_back(self) -> None:
        """There is room again."""
        (self.folder / _BALLAST).unlink(missing_ok=True)

    def limit(self, left: int) -> int | None:
        """Up to where a process may write in any file, None for as far as it likes."""
        if self.how == "tmpfs":
            return None
        return left


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """A small disk in the folder, of the best kind that this machine allows."""
    place = folder / "disk"
    place.mkdir(parents=True)
    mounted = shutil.which("mount") is not None and (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)], capture_output=True, check=False
        ).returncode
        == 0
    )
    try:
        yield Disk(place, "tmpfs" if mounted else "RLIMIT_FSIZE")
    finally:
        if mounted:
            subprocess.run(["umount", str(place)], check=False)


def full_disk(folder: Path, room: tuple[int, ...] = ROOM, acts: tuple[str, ...] = tuple(COMMANDS)) -> Figures:
    """Each command with so many bytes left."""
    figures = Figures("a disk that is full during " + ", ".join(acts))
    with small_disk(folder) as disk:
        settings, docs = fill(folder / "first", REPORTS)
        with Memory.open(settings) as memory:
            expected = answers(memory)
        for number in range(REPORTS, 3 * REPORTS):
            write_report(docs, number)
        home = disk.folder / "home"
        refused = 0
        for left in room:
            for act in acts:
                shutil.rmtree(home, ignore_errors=True)
                shutil.copytree(settings.home, home)
                victim = _Victim(figures, disk, replace(settings, home=home), f"{act} with {left:,} bytes left")
                command = [part.format(docs=docs, target=disk.folder / "copy") for part in COMMANDS[act]]
                refused += victim.suffer(command, left)
                victim.recover(command, expected)
        figures.measured = {"by": disk.how, "refused with a sentence": str(refused)}
        if disk.how == "tmpfs":
            _serve(figures, disk, replace(settings, home=home))
    return figures


def _serve(figures: Figures, disk: Disk, settings: Settings) -> None:
    """A server whose disk fills answers or says 503, refuses lessons or keeps them, and goes on once there is room."""
    with Memory.open(settings) as memory:
        documents = memory.counts()["documents"]
    process, port, token = start(settings)
    try:
        for left in (0, 40_000):
            disk.take(left)
            figures.made += 1
            asked = _status(port, token, "GET", f"/api/v1/lookup?q={quote(QUESTION)}")
            figures.expect(asked in (200, 503), f"a server with {left:,} bytes left: a question got {asked}")
            for path in (f"/api/v1/lookup?q={quote(QUESTION)}&record=true", "/api/v1/gaps"):
                status = _status(port, token, "GET", path)
                figures.expect(status == asked, f"a server with {left:,} bytes left: {path} got {status}")
            told = _status(port, token, "POST", "/api/v1/lessons", {"learned": "Count the oars on a full disk too."})
            figures.expect(told in (201, 503), f"a server with {left:,} bytes left: a lesson got {told}")
            documents += told == 201
            disk.give_back()
        told = _status(port, token, "POST", "/api/v1/lessons", {"learned": "Count the oars once more."})
        figures.expect(told == 201, f"a server that has room again: a lesson got {told}")
        asked = _status(port, token, "GET", f"/api/v1/lookup?q={quote(QUESTION)}")
        figures.expect(asked == 200, f"a server that has room again: a question got {asked}")
    finally:
        process.terminate()
        process.wait()
    with Memory.open(settings) as memory:
        kept = memory.counts()["documents"]
        figures.expect(kept == documents + 1, f"after a full disk a server holds {kept} documents, not {documents + 1}")


def _status(port: int, token: str, method: str, path: str, body: object = None) -> int:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        response.read()
        return response.status


@dataclass(frozen=True, slots=True)
class _Victim:
    """A home on a small disk, and what is written about it."""

    figures: Figures
    disk: Disk
    settings: Settings
    name: str

    def suffer(self, command: list[str], left: int) -> bool:
        """Whether the command was refused, with so many bytes left; questions are asked meanwhile."""
        self.disk.take(left)
        try:
            done = self._run(command, left)
            self.figures.made += 1
            self._expect_sentence(done, "it")
            asked = self._run(["ask", QUESTION], left)
            self._expect_sentence(asked, "a question meanwhile")
        finally:
            self.disk.give_back()
        return done.returncode == 1

    def recover(self, command: list[str], expected: list[object]) -> None:
        """Once there is room, nothing is lost and the command succeeds."""
        with Memory.open(self.settings) as memory:
            soundness = memory.record.soundness
            damage = (*soundness.structural_damage(), *soundness.damaged_texts(), *soundness.damaged_embeddings())
            self.figures.expect(damage == (), f"{self.name}: the record is damaged: {damage}")
            least = REPORTS - (command[0] == "forget")
            self.figures.expect(memory.counts()["documents"] >= least, f"{self.name}: documents were lost")
            if command[0] in ("reindex", "backup", "export"):
                self.figures.expect(answers(memory) == expected, f"{self.name}: other answers than before")
            is_done = command[0] == "forget" and memory.counts()["documents"] == least
        again = self._run(["forget", "--leftovers", "--yes"] if is_done else command, None)
        self.figures.expect(again.returncode == 0, f"{self.name}: not made good afterwards: {again.stderr[-300:]}")
        with Memory.open(self.settings) as memory:
            self.figures.expect(not memory.record.erasure.is_pending(), f"{self.name}: what was forgotten is on disk")

    def _expect_sentence(self, done: subprocess.CompletedProcess[str], what: str) -> None:
        is_said = done.returncode in (0, 3, 4) or (done.returncode == 1 and "Error: " in done.stderr)
        is_said = is_said and "Traceback" not in done.stderr
        self.figures.expect(is_said, f"{self.name}: {what} ended with {done.returncode}: {done.stderr[-400:]}")

    def _run(self, command: list[str], left: int | None) -> subprocess.CompletedProcess[str]:
        limit = None if left is None else self.disk.limit(left)

        def hold_back() -> None:
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        return subprocess.run(
            [sys.executable, "-m", "cli", "--home", str(self.settings.home), *command],
            capture_output=True,
            text=True,
            check=False,
            # No other thread runs meanwhile, and the limit must hold from the command's first write.
            preexec_fn=hold_back,
        )
