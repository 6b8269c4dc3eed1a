"""A peer from the terminal: `python -m benchmarks.peers NAME HOME [--build DOCS] [QUESTION...]`.

Builds where it is told to, then answers each question in turn and says how long it took. Peers that are not installed:
`pip install -e '.[bench]'`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks.peers import PEERS, peer


def main() -> None:
    """Builds, asks, prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("home", type=Path)
    parser.add_argument("--build", type=Path, metavar="DOCS")
    parser.add_argument("questions", nargs="*")
    options = parser.parse_intermixed_args()
    started = time.perf_counter()
    chosen = peer(options.name)
    ask = chosen.build(options.build, options.home) if options.build else chosen.load(options.home)
    print(f"{'built' if options.build else 'loaded'} in {time.perf_counter() - started:.2f} s")
    for question in options.questions:
        started = time.perf_counter()
        found = ask(question)
        print(f"{question}  ({(time.perf_counter() - started) * 1000:.1f} ms)")
        for path, text in found:
            print(f"  {path}: {' '.join(text.split())[:100]}")


if __name__ == "__main__":
    main()
