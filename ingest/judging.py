"""What `lessons eval` runs: judged queries over a folder of its own or the home's memory, and gold lessons."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.pipeline import IngestOptions, ingest
from retriever.config import Settings
from retriever.evaluation import Report, evaluate, read_queries
from retriever.memory import Memory

if TYPE_CHECKING:
    from ingest.gold import GoldReport


def judge_queries(settings: Settings, queries: Path, root: Path | None) -> Report:
    """How the memory in `settings.home`, or one made of `root` alone, answers the judged queries."""
    judged = read_queries(queries)
    if root is None:
        with Memory.open(settings) as memory:
            return evaluate(judged, memory.ask)
    with (
        tempfile.TemporaryDirectory(prefix="lessons-eval-") as home,
        Memory.open(replace(settings, home=Path(home)), create=True) as memory,
    ):
        ingest(memory, root, IngestOptions(max_file_bytes=int(settings.max_file_mb * 1e6)))
        return evaluate(judged, memory.ask)


def judge_extraction(gold: Path, root: Path | None) -> GoldReport:
    """How the extractor's lessons agree with gold lessons; the gold's paths are below `root`/CORPUS/docs."""
    from ingest.gold import score_gold

    return score_gold(gold, root or gold.parent, through_readers=True)
