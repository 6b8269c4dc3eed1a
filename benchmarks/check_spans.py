"""Looks at every span of every lesson: `python -m benchmarks.check_spans DATA`, with one folder a corpus in DATA.

Each corpus' docs/ is read and extracted as an ingest would; where there are judged queries beside it, it also says how
many of their sentences lie in a lesson. Exits 1 when a span is not verbatim in its document.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ingest.extract.coverage import check_folder, judged_coverage


def main(data: Path) -> int:
    """0 when every span is what it claims to be."""
    broken = 0
    for docs in sorted(path for path in data.glob("*/docs") if path.is_dir()):
        found = check_folder(docs)
        broken += len(found.broken)
        line = f"{docs.parent.name}: {found.documents} documents, {found.lessons} lessons, {len(found.broken)} broken"
        queries = docs.parent / "queries.jsonl"
        covered = judged_coverage(queries, docs) if queries.exists() else None
        if covered is not None and covered.sentences:
            line += f"; {covered.found} of {covered.sentences} judged sentences lie in a lesson"
        print(line)
        for fault in found.broken[:5]:
            print(f"  {fault}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
