"""`make bench`, or `python -m benchmarks [PART...]`: what the program costs, beside the bare libraries, in one table.

Without a PART those that can be measured: some need large memories, and `peers` is only measured when named. Large ones
are made by benchmarks.large, each in a folder named by how many lessons it holds, and given with --homes. Prints
Markdown as it goes and, with --json, writes everything measured. Machines are noisy: read the ratios, which are of
medians taken side by side in one run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks.speed import during, growth, ingest, lookup, peers, start, upkeep
from benchmarks.speed.options import Options, homes_in, questions_in
from benchmarks.speed.rows import Row, as_json, as_markdown, facts
from retriever.demo import examples_folder

PARTS: Mapping[str, Callable[[Options], Iterator[Row]]] = {
    "ingest": ingest.rows,
    "start": start.rows,
    "lookup": lookup.rows,
    "during": during.rows,
    "recovery": upkeep.recovery,
    "churn": upkeep.churn,
    "disk": upkeep.disk,
    "growth": growth.rows,
    "peers": peers.rows,
}
WITHOUT_HOMES = ("ingest", "churn")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--docs", type=Path, help="Documents to ingest.  [default: the examples]")
    parser.add_argument("--questions", type=Path, help="Judged queries.  [default: the examples']")
    parser.add_argument("--homes", type=Path, metavar="FOLDER", help="Large memories, named by their lessons.")
    parser.add_argument("--sizes", type=int, nargs="+", help="Only these of them.")
    parser.add_argument(
        "--scratch", type=Path, metavar="FOLDER", help="Keep what is made for measuring, for next time."
    )
    parser.add_argument("--rounds", type=int, default=3, help="How often what takes long is repeated.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="Write everything measured.")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="Draw how it grows, out of the --json file.")
    given = parser.parse_intermixed_args()
    unknown = set(given.parts) - PARTS.keys()
    if unknown:
        parser.error(f"there is no part {unknown.pop()!r}; there are {', '.join(PARTS)}")
    homes = homes_in(given.homes)
    with tempfile.TemporaryDirectory(prefix="lessons-bench-") as temporary:
        scratch = given.scratch or Path(temporary)
        scratch.mkdir(parents=True, exist_ok=True)
        options = Options(
            docs=given.docs or examples_folder(),
            homes={size: home for size, home in homes.items() if not given.sizes or size in given.sizes},
            scratch=scratch,
            questions=questions_in(given.questions or examples_folder().parent / "queries.jsonl"),
            rounds=given.rounds,
        )
        measure(given.parts or ([*PARTS][:-1] if homes else WITHOUT_HOMES), options, given.json)
    if given.plot:
        given.plot.write_text(growth.plot(json.loads(given.json.read_text(encoding="utf-8"))["rows"]), encoding="utf-8")


def measure(
    parts: Iterator[str] | tuple[str, ...] | Mapping[str, object], options: Options, target: Path | None
) -> None:
    """Prints the table, and after each part writes what there is so far: a long run may be stopped."""
    about = facts()
    print(as_markdown((), about), flush=True)
    rows: list[Row] = []
    for part in parts:
        print(f"{part} …", file=sys.stderr, flush=True)
        for row in PARTS[part](options):
            rows.append(row)
            print(as_markdown([row], about).splitlines()[-1], flush=True)
        if target is not None:
            target.write_text(as_json(rows, about), encoding="utf-8")


if __name__ == "__main__":
    main()
