"""Markdown and its dialects: the file's own text, so that line numbers agree with the file.

Front matter stays in the text. Template tags (ERB), and in MDX imports, exports and component tags, are
blanked without changing the number of lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ingest.readers.fences import lines_outside_code
from ingest.readers.frontmatter import front_matter
from ingest.readers.reading import Reading
from ingest.readers.text import decode

_MODULE_LINE = re.compile(r"^(?:import\s+(?:[\w*{].*\sfrom\s+)?['\"]|export\s+(?:const|default|let|function)\b)")
_COMPONENT_TAG = re.compile(r"</?[A-Z][\w.]*(?:\s[^<>]*)?/?>|</?>|\{/\*(?:(?!\{/\*|\*/\}).)*+\*/\}")

# A line of a minified bundle is no prose, and tags nested in it would cost quadratic time.
_MAX_TAG_LINE = 10_000


def read(data: bytes, name: str) -> list[Reading]:
    """One Reading: the text, and the front matter as its fields."""
    text, warnings = decode(data)
    for ending, blank in _DIALECTS.items():
        if name.lower().endswith(ending):
            text = blank(text)
    fields, front_warnings = front_matter(text)
    return [Reading(text, fields=fields, warnings=warnings + front_warnings)]


def _blank_erb(text: str) -> str:
    # Searched by hand: a pattern would scan to the end of the file again for every tag that is never closed.
    kept: list[str] = []
    at = 0
    while (start := text.find("<%", at)) >= 0 and (end := text.find("%>", start + 2)) >= 0:
        kept += [text[at:start], "\n" * text.count("\n", start, end)]
        at = end + 2
    return "".join([*kept, text[at:]])


def _blank_mdx(text: str) -> str:
    lines = text.split("\n")
    in_module = False
    for at, _, line in lines_outside_code(text):
        if len(line) <= _MAX_TAG_LINE:
            in_module = bool(line.strip()) and (in_module or bool(_MODULE_LINE.match(line)))
            lines[at] = "" if in_module else _COMPONENT_TAG.sub("", line)
    return "\n".join(lines)


_DIALECTS: dict[str, Callable[[str], str]] = {".erb": _blank_erb, ".mdx": _blank_mdx}
