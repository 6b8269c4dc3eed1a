"""Checks of every part of a memory: what was looked at, whether it is well, and the mend where it is not."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from retriever.config import Settings
from retriever.cross_encoder import CrossEncoderReranker
from retriever.embedder import open_embedder
from retriever.errors import RecordDamaged, RetrieverError
from retriever.follow import samples_of
from retriever.generations import CLEAN, generation_folder, is_sealed
from retriever.graph import GraphEmbedder
from retriever.locks import INDEX_LOCK, ProcessLock
from retriever.memory import Memory
from retriever.record import FILE_NAME
from retriever.record.backups import advice, last_backup
from retriever.record.changes import UNITS, Generation
from retriever.reranking import RERANKED
from retriever.vectors import VectorIndex, is_sound

LOW_DISK_BYTES = 500_000_000

_RESTORE = "Keep a copy of the home folder, then restore a backup: `lessons restore FILE --replace`."
_REINDEX = "Run `lessons reindex`; it is built anew from the record, and nothing is lost."

# The mend of a check that could not even be made.
_MENDS = {
    "record": _RESTORE,
    "texts": _RESTORE,
    "words": _REINDEX,
    "embeddings": "Mend what stands above first; then run `lessons reindex`.",
    "index": _REINDEX,
    "forgotten": "Run `lessons forget --leftovers`, or wait for the server or the next ingest.",
    "backup": "Mend the permissions of the home folder.",
    "model": "Install it again, or name another with --model.",
    "reranker": "Name another folder in the setting `reranker`, or none.",
    "disk": "Mend the permissions of the home folder.",
    "libraries": "Install Lessons again.",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; `mend` is empty where it is well."""

    name: str
    is_well: bool
    detail: str
    mend: str = ""

    def as_json(self) -> dict[str, Any]:
        """The check for programs."""
        return {"name": self.name, "ok": self.is_well, "detail": self.detail, "mend": self.mend}


def examine(settings: Settings) -> tuple[Check, ...]:
    """All checks, in a fixed order; reads everything, changes nothing. Raises StoreError when there is no memory."""
    try:
        memory = Memory.open(settings)
    except RecordDamaged as error:
        detail = f"{settings.home / FILE_NAME} cannot be opened: {error.__cause__ or error}"
        without = (_made(name, functools.partial(check, settings)) for name, check in _CHECKS_OF_SETTINGS.items())
        return (Check("record", False, detail, advice(settings.home)), *without)
    with memory:
        ways = {name: functools.partial(check, memory) for name, check in _CHECKS_OF_MEMORY.items()}
        ways |= {name: functools.partial(check, settings) for name, check in _CHECKS_OF_SETTINGS.items()}
        return tuple(_made(name, check) for name, check in ways.items())


def _made(name: str, check: Callable[[], Check]) -> Check:
    """The check, or that it could not be made."""
    try:
        return check()
    except RetrieverError as error:
        return Check(name, False, str(error), _MENDS[name])
    except Exception as error:
        # What is damaged can fail in any way, and the checks after it matter the more.
        return Check(name, False, f"could not be checked: {type(error).__name__}: {error}", _MENDS[name])


def _record(memory: Memory) -> Check:
    damage = memory.record.soundness.structural_damage()
    if damage:
        return Check("record", False, damage[0], advice(memory.settings.home))
    counts = memory.counts()
    return Check("record", True, f"sound; {counts['documents']} documents, {counts['lessons']} lessons")


def _texts(memory: Memory) -> Check:
    damaged = memory.record.soundness.damaged_texts()
    if damaged:
        mend = "Ingest the folders again; it replaces what does not match."
        return Check("texts", False, f"{len(damaged)} stored texts do not match their checksum: {damaged[0]}", mend)
    return Check("texts", True, "every stored text matches its checksum")


def _words(memory: Memory) -> Check:
    damaged = memory.record.soundness.damaged_words()
    if damaged:
        return Check("words", False, f"{' and '.join(damaged)} does not hold what it should", _REINDEX)
    return Check("words", True, "the word index holds what it should")


def _embeddings(memory: Memory) -> Check:
    changes = memory.record.changes
    damaged = memory.record.soundness.damaged_embeddings()
    if damaged:
        mend = "Run `lessons reindex`; it makes them again from the texts."
        return Check("embeddings", False, f"those of {len(damaged)} documents do not match their checksum", mend)
    made_by = dict(changes.fingerprints())
    fingerprint = memory.fingerprint
    foreign = sum(count for name, count in made_by.items() if name != fingerprint)
    if foreign:
        mend = "Run `lessons reindex` to embed everything with the model in use, or set the model of before."
        return Check("embeddings", False, f"{foreign} were made by another model than the one in use", mend)
    mend = "Run `lessons reindex`; it reads every text once."
    if senses := memory.record.soundness.damaged_senses(fingerprint):
        detail = f"what words mean here does not match its checksum, for pieces of words: {senses}"
        return Check("embeddings", False, detail, mend)
    if memory.record.senses.are_rough():
        detail = "what words mean here was never read from the texts, so verdicts are too careful"
        return Check("embeddings", False, detail, mend)
    return Check("embeddings", True, f"{made_by.get(fingerprint, 0)}, all made by the model in use")


def _model(settings: Settings) -> Check:
    embedder = open_embedder(settings.model, settings.models, settings.threads, settings.precision)
    runs = f"documents in {embedder.engine}" if isinstance(embedder, GraphEmbedder) else "by sentence-transformers"
    return Check("model", True, f"{embedder.dim} dimensions, fingerprint {embedder.fingerprint}, {runs}")


def _index(memory: Memory) -> Check:
    changes = memory.record.changes
    generation = changes.current()
    if generation is None:
        return Check("index", True, "not built yet; the next ingest or server builds it")
    if changes.is_behind():
        waiting = len(changes.pending(generation, limit=-1))
        return Check("index", True, f"generation {generation.number}, {waiting} changes waiting for its owner")
    lock = ProcessLock(memory.settings.home / INDEX_LOCK)
    if not lock.acquire("lessons doctor"):
        return Check("index", True, f"generation {generation.number}, in use by {lock.holder()}")
    try:
        return _compare_index(memory, generation)
    finally:
        lock.release()


def _compare_index(memory: Memory, generation: Generation) -> Check:
    """Looks into a copy, so that a damaged index stays as it is until somebody decides."""
    mend = _REINDEX
    name = f"generation {generation.number}"
    with tempfile.TemporaryDirectory(prefix="lessons-doctor-") as scratch:
        folder = Path(scratch) / "index"
        try:
            shutil.copytree(generation_folder(memory.settings.home, generation.number), folder)
        except OSError as error:
            return Check("index", False, f"{name} cannot be read: {error}", mend)
        if (folder / CLEAN).exists() and not is_sealed(folder):
            return Check("index", False, f"{name} has files that changed since it was closed", mend)
        (folder / CLEAN).unlink(missing_ok=True)
        if not is_sound(folder, samples_of(memory.record.changes, generation)):
            return Check("index", False, f"{name} does not find what it should hold", mend)
        index = VectorIndex(folder)
        try:
            wanted = {unit: memory.record.changes.owners(unit, generation.fingerprint) for unit in UNITS}
            differing = sum(len(wanted[unit] ^ index.keys(unit)) for unit in UNITS)
        finally:
            index.close()
    if differing:
        return Check("index", False, f"{name} differs from the record in {differing} entries", mend)
    return Check("index", True, f"{name}, holds what the record holds")


def _forgotten(memory: Memory) -> Check:
    erasure, generation = memory.record.erasure, memory.record.changes.current()
    if erasure.is_pending() or (generation is not None and erasure.covers(generation.number)):
        return Check("forgotten", False, "something that was forgotten is still on disk", _MENDS["forgotten"])
    return Check("forgotten", True, "nothing that was forgotten is on disk")


def _backup(settings: Settings) -> Check:
    """Never a fault: a home may be backed up by other means."""
    last = last_backup(settings.home)
    if last is None:
        return Check("backup", True, "none was made with `lessons backup` yet")
    if not last.is_file():
        return Check("backup", True, f"the last one, {last}, is not there any more")
    made = datetime.fromtimestamp(last.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Check("backup", True, f"the last one is of {made}, {last}")


def _reranker(settings: Settings) -> Check:
    if not settings.reranker:
        return Check("reranker", True, "none is set; texts stay in the order of the ranking")
    CrossEncoderReranker(settings.reranker)
    return Check("reranker", True, f"{settings.reranker} orders the first {RERANKED} texts")


def _disk(settings: Settings) -> Check:
    free = shutil.disk_usage(settings.home).free
    detail = f"{free / 1e9:.1f} GB free"
    return Check("disk", free > LOW_DISK_BYTES, detail, "" if free > LOW_DISK_BYTES else "Free some room.")


def _libraries(_: Settings) -> Check:
    names = ("chromadb", "sentence-transformers", "onnxruntime", "tokenizers", "flask", "gunicorn")
    return Check("libraries", True, ", ".join(f"{name} {version(name)}" for name in names))


_CHECKS_OF_MEMORY: Mapping[str, Callable[[Memory], Check]] = {
    "record": _record,
    "texts": _texts,
    "words": _words,
    "embeddings": _embeddings,
    "index": _index,
    "forgotten": _forgotten,
}
_CHECKS_OF_SETTINGS: Mapping[str, Callable[[Settings], Check]] = {
    "model": _model,
    "reranker": _reranker,
    "backup": _backup,
    "disk": _disk,
    "libraries": _libraries,
}
