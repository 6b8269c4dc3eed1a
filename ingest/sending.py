"""A folder sent to a memory on another machine, file by file: the same walk, plan and report as at an ingest.

Safe to repeat and to interrupt: the server says which bytes it has, and only the rest is sent. What is read, redacted
and extracted is all done there; nothing is kept here, and no model is loaded.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ingest.left_out import Limits
from ingest.options import IngestOptions, Progress
from ingest.plan import Place, Plan, check_prune, make_plan
from ingest.remote import Destination, RemoteMemory
from ingest.report import IngestReport
from ingest.sources import SourceFile, walk
from ingest.tally import Tally
from retriever.errors import ServerRefused, SourceError
from retriever.record.draft import FileState, Outcome
from retriever.record.rows import Source

# What a server says about one file and not about the sender: the file is left out, and the others go on.
_ABOUT_THE_FILE = frozenset([400, 413, 422])


def send(
    memory: RemoteMemory,
    root: Path,
    options: IngestOptions,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> IngestReport:
    """The server's memory holds what the files below `root` say; the report is that of an ingest.

    Files are known by their path below `root`, so the same folder has to be sent each time. Raises SourceError when
    `root` cannot be read, names no source, or a prune looks like a mistake; StoreError when the server cannot be had;
    ServerRefused when it does not let us.
    """
    if options.source is None:
        raise SourceError(
            "Give the files a --source: a folder's name on this machine says nothing on the server, and another "
            "runner would send the same files under another one."
        )
    started = time.perf_counter()
    destination = Destination(options.source, str(options.columns), options.url_template)
    entries = list(walk(root, Limits(options.max_file_bytes)))
    resolved = root.resolve()
    known = _FilesThere(memory.files(destination))
    folder = resolved if resolved.is_dir() else resolved.parent
    source = Source(0, options.source, str(folder), None, None, None)
    plan = make_plan(source, Place(options.source, folder, ""), resolved, entries, known)
    if options.prune and not options.yes:
        check_prune(plan)
    tally = Tally()
    tally.failed.extend(plan.unlisted)
    _send_all(memory, destination, plan, tally, tell)
    for part in memory.remove(destination, plan.gone if options.prune else ()):
        tally.outcome += _outcome(part["documents"], part["lessons"])
    last = memory.finish(destination)
    tally.embedded += last["embedded"]
    tally.outcome = tally.outcome.settled(_outcome(last["documents"], last["lessons"]))
    return tally.report(plan, options, time.perf_counter() - started)


class _FilesThere:
    """What the server knows of the source's files, as a plan wants to know it."""

    def __init__(self, items: Any) -> None:
        self._items: dict[str, Mapping[str, Any]] = {item["path"]: item for item in items}

    def states(self, _source: Source) -> dict[str, FileState]:
        """Every file; `read_by` is None where the server would read the same bytes anew."""
        return {
            path: FileState(
                path, item["sha256"], "the server" if item["is_current"] else None, None, item["state"], None
            )
            for path, item in self._items.items()
        }

    def stored_paths(self, _source: Source) -> tuple[str, ...]:
        """Those with documents."""
        return tuple(sorted(path for path, item in self._items.items() if item["has_documents"]))

    def damaged_paths(self, _source: Source) -> frozenset[str]:
        """None: the server counts them among those that are not current."""
        return frozenset()


def _send_all(
    memory: RemoteMemory, destination: Destination, plan: Plan, tally: Tally, tell: Callable[[Progress], None]
) -> None:
    for done, file in enumerate(plan.files, start=1):
        row = _send_one(memory, destination, plan, file)
        if row["state"] in ("failed", "skipped"):
            getattr(tally, row["state"]).append((file.relative, row["reason"]))
        elif row["state"] == "unchanged":
            tally.unchanged += 1
        else:
            _count(tally, row)
        tell(Progress(done, len(plan.files), tally.lessons, file.relative))


def _send_one(memory: RemoteMemory, destination: Destination, plan: Plan, file: SourceFile) -> Mapping[str, Any]:
    """The row about the file, the server's or, when it was not sent, ours."""
    try:
        content = file.read()
    except OSError as error:
        return {"state": "failed", "reason": f"cannot be read: {error.strerror}"}
    state = plan.states.get(file.relative)
    if state is not None and state.read_by and state.sha256 == hashlib.sha256(content).hexdigest():
        return {"state": "unchanged"}
    try:
        return memory.send(destination, file.relative, content, plan.moves.get(file.relative))
    except ServerRefused as error:
        if error.status in _ABOUT_THE_FILE:
            return {"state": "failed", "reason": str(error)}
        raise


def _count(tally: Tally, row: Mapping[str, Any]) -> None:
    """Adds what the server says of a file that it read."""
    tally.read += 1
    tally.moved += row["moved"]
    tally.lessons += row["lessons"]["found"]
    tally.embedded += row["embedded"]
    tally.outcome += _outcome(row["changes"], row["lessons"])
    tally.redacted.update(row["redacted"])
    tally.languages.update(row["languages"])
    tally.warnings.extend((warning["path"], warning["reason"]) for warning in row["warnings"])


def _outcome(documents: Mapping[str, int], lessons: Mapping[str, int]) -> Outcome:
    return Outcome(
        documents["new"], documents["changed"], documents["gone"], lessons["new"], lessons["changed"], lessons["gone"]
    )
