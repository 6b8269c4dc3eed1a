"""Which engine is the fastest here: measured once, in a process of its own, and remembered beside the model.

`python -m retriever.tuning FOLDER` measures. It happens by itself the first time that many texts are embedded on a
processor with a choice; a minute's load on the machine at that moment can make the slower one win, so a challenger
must win clearly. To measure again, remove engines.json from the model's folder.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import statistics
import subprocess
import sys
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retriever.embedder import read_json, write_json_atomically
from retriever.engines import Engine, engines
from retriever.processor import processor_name

if TYPE_CHECKING:
    from retriever.embedder import Embeddings

logger = logging.getLogger(__name__)

FILE_NAME = "engines.json"

# A precision is taken when every measured embedding is at least so near to its float32 one.
LEAST_COSINE = 0.999

# A challenger must be faster than what everybody has by this factor.
CLEARLY = 1.1

ROUNDS = 3
_LOAD_S = 120.0
_SAMPLES = (
    "The pump stopped at night and nobody was told.",
    "A certificate ran out on a Sunday; the renewal had been done by hand every year and its owner had left.",
    "Restarting the queue worker twice made it worse, because each start read the whole backlog into memory.",
    "ERR_TANK_7 at gate=4 after 30s",
    "We should label the valves, check them before each shift, and write down who did.",
)


def engine_for(folder: Path, wanted: str = "fastest", threads: int = 0) -> Engine:
    """The engine for many texts: measured the first time; with `wanted` "float32", the one that everybody has."""
    found = engines()
    chosen = found[0]
    if wanted == "fastest" and len(found) > 1:
        known = _remembered(folder)
        chosen = choose(found, known if known is not None else _measured(folder))
    return Engine(chosen.runtime, chosen.precision, threads or chosen.threads)


def measurements(folder: Path) -> list[dict[str, Any]]:
    """What was measured on this processor: engines with texts_per_s and cosine; empty before anything was."""
    return _remembered(folder) or []


def measure(folder: Path) -> list[dict[str, Any]]:
    """Each engine with its rate over sample texts and its least cosine to the first one's embeddings."""
    from retriever.graph import GraphEmbedder

    texts = [
        " ".join(_SAMPLES[(at + step) % len(_SAMPLES)] for step in range(1 + at % 3)) + f" {at}" for at in range(96)
    ]
    reference: Embeddings | None = None
    found = []
    for engine in engines():
        embedder = GraphEmbedder(folder, "", functools.partial(_same, engine))
        rows = embedder.encode_documents(texts)
        reference = rows if reference is None else reference
        took = statistics.median(_seconds(embedder, texts) for _ in range(ROUNDS))
        cosine = float((rows * reference).sum(axis=1).min())
        found.append(asdict(engine) | {"texts_per_s": round(len(texts) / took, 1), "cosine": round(cosine, 6)})
    return found


def choose(found: tuple[Engine, ...], known: list[dict[str, Any]]) -> Engine:
    """The fastest of `found` by what is `known` of them, the first where no other is near enough and clearly faster."""
    rates = {
        Engine(row["runtime"], row["precision"], row["threads"]): row["texts_per_s"]
        for row in known
        if row["cosine"] >= LEAST_COSINE
    }
    best = max(found, key=lambda engine: rates.get(engine, 0.0))
    return best if rates.get(best, 0.0) > CLEARLY * rates.get(found[0], 0.0) else found[0]


def _remembered(folder: Path) -> list[dict[str, Any]] | None:
    return read_json(folder / FILE_NAME).get(_key())


def _key() -> str:
    """Processor, libraries and what there is to choose from: where one of them changes, it is measured again."""
    names = sorted({engine.runtime for engine in engines()})
    told = [processor_name(), *(f"{name} {version(name)}" for name in names), *map(str, engines())]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def _measured(folder: Path) -> list[dict[str, Any]]:
    """What a process of its own measured; nothing when it could not, which is then what everybody has."""
    command = [sys.executable, "-P", "-m", "retriever.tuning", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LOAD_S)
    except subprocess.TimeoutExpired:
        done = None
    known = _remembered(folder)
    if known is None:
        reason = "it took too long" if done is None else (done.stderr.strip().splitlines() or ["no message"])[-1]
        logger.warning("the engines of this processor could not be measured: %s", reason)
    return known or []


def _same(engine: Engine) -> Engine:
    return engine


def _seconds(embedder: Any, texts: list[str]) -> float:
    started = time.perf_counter()
    embedder.encode_documents(texts)
    return time.perf_counter() - started


def main() -> None:
    """The argument is the exported model's folder; other processors' measurements in it stay."""
    folder = Path(sys.argv[1])
    found = measure(folder)
    write_json_atomically(folder / FILE_NAME, dict(read_json(folder / FILE_NAME)) | {_key(): found})


if __name__ == "__main__":
    main()
