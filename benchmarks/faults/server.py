"""A server that is told to stop, or killed, while lessons are sent to it: what it answered is kept, whole."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.faults.figures import Figures
from benchmarks.faults.homes import fill
from benchmarks.faults.reports import word_of
from retriever.config import Settings
from retriever.errors import NotFound
from retriever.lesson import NO_FILTERS
from retriever.memory import Memory
from retriever.web.server import SERVER_FILE

SENDERS = 4
PATIENCE_S = 120.0


@dataclass
class Sent:
    """What was sent to a server: {id: text} of what it acknowledged, and texts that it never answered."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)


def start(settings: Settings) -> tuple[subprocess.Popen[bytes], int, str]:
    """(process, port, token) of a server that answers; tried again while the home is still somebody else's."""
    word = settings.home / SERVER_FILE
    word.unlink(missing_ok=True)
    command = [sys.executable, "-m", "cli", "--home", str(settings.home), "serve", "--port", "0"]
    deadline = time.monotonic() + PATIENCE_S
    process: subprocess.Popen[bytes] | None = None
    while time.monotonic() < deadline:
        if process is None or process.poll() is not None:
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(word.read_text(encoding="utf-8"))
            if known["pid"] == process.pid:
                return process, int(known["url"].rsplit(":", 1)[1]), str(known["token"])
        time.sleep(0.05)
    raise TimeoutError(f"no server on {settings.home} after {PATIENCE_S} s")


def endings(folder: Path, count: int, seed: int) -> Figures:
    """So many servers, ended by TERM, by a kill of everything, or by a kill of the one that others depend on."""
    figures = Figures("SIGTERM and kill -9 of a server while lessons are sent to it")
    settings, _ = fill(folder, 8)
    chance = random.Random(seed)
    slowest, turned_away = 0.0, 0
    known: dict[str, str] = {}
    for number in range(count):
        begun = time.monotonic()
        process, port, token = start(settings)
        slowest = max(slowest, time.monotonic() - begun)
        name, end = list(ENDINGS.items())[number % len(ENDINGS)]
        sent = _send_until(process, (port, token), chance.uniform(0.2, 1.5), end)
        figures.made += 1
        known |= sent.acknowledged
        held = _look(figures, settings, f"{name} {number}", known)
        if name == "TERM":
            untold = sent.unanswered & held
            turned_away += len(sent.unanswered - held)
            figures.expect(
                not untold, f"TERM {number}: {len(untold)} lessons were recorded and their senders never told"
            )
    figures.measured["acknowledged"] = f"{len(known)} lessons"
    figures.measured["sent at TERM and not taken up"] = str(turned_away)
    figures.measured["a server answers again after at most"] = f"{slowest:.1f} s"
    return figures


def _end_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)


# The last one kills only the owner: its worker lives on, and has to notice.
ENDINGS: dict[str, Callable[[subprocess.Popen[bytes]], None]] = {
    "TERM": subprocess.Popen.terminate,
    "KILL of all": _end_group,
    "KILL of the owner": subprocess.Popen.kill,
}


def _send_until(
    process: subprocess.Popen[bytes],
    where: tuple[int, str],
    after_s: float,
    end: Callable[[subprocess.Popen[bytes]], None],
) -> Sent:
    sent, stop = Sent(), threading.Event()

    def send(sender: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            text = f"Tell the {word_of(random.SystemRandom().randrange(10**9))} watch number {sender} in time."
            _send(where, text, sent)

    senders = [threading.Thread(target=send, args=(number,)) for number in range(SENDERS)]
    for thread in senders:
        thread.start()
    time.sleep(after_s)
    stop.set()
    end(process)
    for thread in senders:
        thread.join()
    process.wait(PATIENCE_S)
    return sent


def _send(where: tuple[int, str], text: str, sent: Sent) -> None:
    port, token = where
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/api/v1/lessons", json.dumps({"learned": text}), headers)
    except OSError:
        return
    try:
        with contextlib.closing(connection):
            response = connection.getresponse()
            value = json.loads(response.read())
        if response.status == 201:
            sent.acknowledged[value["lesson"]["id"]] = text
    except (OSError, http.client.HTTPException, ValueError):
        sent.unanswered.add(text)


def _look(figures: Figures, settings: Settings, name: str, known: dict[str, str]) -> set[str]:
    """The texts of all lessons that are there, once it is sure that those that were acknowledged are."""
    with Memory.open(settings) as memory:
        figures.expect(memory.record.soundness.structural_damage() == (), f"{name}: the record is damaged")
        figures.expect(memory.record.soundness.damaged_texts() == (), f"{name}: a half-written lesson is there")
        figures.expect(memory.record.embeddings.missing(memory.fingerprint) == 0, f"{name}: embeddings are missing")
        for identity, text in known.items():
            try:
                is_kept = memory.lesson(identity).text == text
            except NotFound:
                is_kept = False
            figures.expect(is_kept, f"{name}: the lesson {identity} was acknowledged and is gone")
        held: set[str] = set()
        after: str | None = None
        while True:
            page = memory.browse_lessons(NO_FILTERS, limit=100, after=after)
            held |= {lesson.text for lesson, _ in page.items}
            after = page.next
            if after is None:
                return held
