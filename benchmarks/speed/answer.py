"""What an answer takes of the processor: `python -m benchmarks.speed.answer HOME --questions FILE`, beside its floor.

In one process and on one thread each, with the vector index open as in a server; each question of ours is followed by
sentence-transformers' encode of it and a bare Chroma query. Processor time, because on a machine that others use too
it says more than the clock does; even so it grows with their load, so read the ratio. Each question is asked once, and
none of them before. The verdict's closer looks are left out with --first-look.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.speed.options import questions_in
from benchmarks.speed.rows import Sample

WARM_UP = 40
_OPENING_S = 0.1


def main() -> None:
    """Prints the medians and their ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("--questions", type=Path, nargs="+", required=True, help="Judged queries.")
    parser.add_argument("--first-look", action="store_true", help="Without the verdict's closer looks.")
    parser.add_argument("--scratch", type=Path, metavar="FOLDER", help="Keep the bare vectors, for next time.")
    given = parser.parse_args()
    # Read when numpy is first imported.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    questions = tuple(dict.fromkeys(question for file in given.questions for question in questions_in(file)))
    if len(questions) <= WARM_UP:
        parser.error(f"{len(questions)} questions are too few: the first {WARM_UP} are not counted")
    with tempfile.TemporaryDirectory(prefix="lessons-bench-") as temporary:
        # A copy, since an open index writes into its folder.
        home = shutil.copytree(given.home, Path(temporary) / "home")
        measure(home, given.scratch or Path(temporary), questions, is_first_look=given.first_look)


def measure(home: Path, scratch: Path, questions: tuple[str, ...], *, is_first_look: bool) -> None:
    """Asks the home and the floor, one after the other, and prints; bare vectors are made in `scratch`."""
    from benchmarks.speed.floors import chroma_query, encode_query
    from retriever.config import load_settings
    from retriever.memory import Memory
    from retriever.wire import answer_json

    with Memory.open(replace(load_settings({}), home=home, threads=1)) as memory:
        memory.start_following()
        while not memory.readiness()[0]:
            time.sleep(_OPENING_S)
        if is_first_look:
            # Put in the place of the method: without closer looks the first verdict stays as it is.
            memory.search.__dict__["looks"] = lambda *_: {}
        lessons = memory.counts()["lessons"]
        encode, query = encode_query(), chroma_query(scratch / f"bare-{lessons}", lessons)
        _one_thread()
        ours, floor = [], []
        for number, question in enumerate(questions):
            took = processor_ms(lambda question=question: answer_json(memory.ask(question)))
            embedding = encode(question)
            bare = processor_ms(lambda question=question: encode(question))
            bare += processor_ms(lambda embedding=embedding: query(embedding))
            if number >= WARM_UP:
                ours.append(took)
                floor.append(bare)
    mine, beside = Sample.of(ours), Sample.of(floor)
    print(
        f"an answer {mine.median:.1f} ms of processor (p95 {mine.quantile(0.95):.1f}), encode and a bare Chroma query "
        f"{beside.median:.1f} ms: {mine.median / beside.median:.2f}; {len(ours)} questions"
    )


def processor_ms(run: Callable[[], object]) -> float:
    """Milliseconds of processor that `run` takes, in all threads of this process."""
    started = time.process_time()
    run()
    return (time.process_time() - started) * 1000


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


if __name__ == "__main__":
    main()
