"""What other documents in the same memory cost: `python -m benchmarks.distractors HOME DATA`.

Each judged set of DATA is ingested into a memory of its own, and into a copy of HOME, which holds others, such as
those of `benchmarks.large`: there they were first, so words have learned from them what they mean. Prints the macro
figures of `lessons eval` over both, with the vector index open as in a server.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.corpora import JUDGED, gain, macro, remembered, signed, values
from retriever.config import load_settings
from retriever.evaluation import MEASURES, Outcome, evaluate, read_queries


def main() -> None:
    """Ingests, asks, prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("home", type=Path, metavar="HOME")
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--corpora", nargs="+", default=JUDGED)
    options = parser.parse_args()
    corpora = [options.data / name for name in options.corpora]
    alone = [_measured(corpus, None) for corpus in corpora]
    among = [_measured(corpus, options.home) for corpus in corpora]
    print(f"|  | {' | '.join(options.corpora)} | alone | among others | difference |")
    print("|---|" + "---|" * (len(corpora) + 3))
    for measure in MEASURES:
        before, after = ([values(outcomes, measure) for outcomes in sets] for sets in (alone, among))
        each = " | ".join(
            f"{macro([one]).mean:.3f} → {macro([other]).mean:.3f}" for one, other in zip(before, after, strict=True)
        )
        means = f"{macro(before).mean:.3f} | {macro(after).mean:.3f}"
        print(f"| {measure} | {each} | {means} | {signed(gain(before, after))} |")


def _measured(corpus: Path, others: Path | None) -> Sequence[Outcome]:
    print(f"{corpus.name}, {'alone' if others is None else 'among others'} …", file=sys.stderr)
    with remembered(corpus, load_settings({}), others) as memory:
        return evaluate(read_queries(corpus / "queries.jsonl"), memory.ask).outcomes


if __name__ == "__main__":
    main()
