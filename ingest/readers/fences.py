"""Which lines of a Markdown text are code: what looks like a heading there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Indented as deeply as one likes, for lists hold fences too; an opening line with more backticks is inline
# code.
_FENCE = re.compile(r"^[ \t>]*(`{3,}(?=[^`]*$)|~{3,})")


def lines_outside_code(text: str) -> Iterator[tuple[int, int, str]]:
    """Every line that is no fence and in no fenced block, as (index from 0, offset, line)."""
    offset, fence = 0, ""
    for index, line in enumerate(text.split("\n")):
        match = _FENCE.match(line) if len(line) < 1000 else None
        if match and not fence:
            fence = match[1]
        elif match and match[1].startswith(fence):
            fence = ""
        elif not fence:
            yield index, offset, line
        offset += len(line) + 1
