"""Text that nobody wrote for the report at hand: templates, what they leave behind, and pages that are no reports."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

from ingest.extract.units import Outline, Unit, outline
from ingest.syntax import plain, sentences
from retriever.lesson import normalised

REPEATED_IN = 3
REPEATED_SHARE = 0.02
SHORTEST_REPEATED = 4

PLACEHOLDER = re.compile(
    r"\{\{(?:(?!\{\{|\}\}).)*+\}\}|\$\{(?:(?!\$\{)[^}\n])*+\}"
    r"|<[a-z][a-z ,_/-]+>|\b(?:x{3,}|y{3,}|z{3,}|20xx|yyyy|tbd|tba|tbc|lorem ipsum|foo ?bar)\b"
    r"|\[(?:insert|your|name|date|link to|describe|add|title)\b[^\]]*\](?!\()",
    re.I,
)
NOTHING = re.compile(
    r"\W*(?:n/?a|none?|nothing(?: \w+)?|nil|tbd|tba|tbc|todo|unknown|no comments?(?: added)?|not applicable|not yet|no"
    r"|yes|see above|as above|same as above|wip|pending|empty|we did ?n.?t,? really"
    r"|none (?:known|reported|identified|at this time))\W*",
    re.I,
)
_PAGE_NAME = re.compile(
    r"\b(read ?me|index|contributing|code of conduct|licen[cs]e|change ?log|template|process|procedures?"
    r"|polic(?:y|ies)|guidelines?|glossary|faq|table of contents|toc|about|maintainers|issue template"
    r"|how to (?:write|run|file|use))\b"
)
_DATED = re.compile(r"\b(?:19|20)\d\d\b")


def template_lines(text: str) -> frozenset[str]:
    """The lines and sentences of a template, normalised, as `extract` compares them."""
    found = outline(text)
    lines = {normalised(unit.words) for unit in found.units}
    for block in found.blocks:
        if block.kind in ("paragraph", "item", "cell", "html"):
            spans = [(block.start, block.end), *sentences(text, block.start, block.end)]
            lines |= {normalised(plain(text[start:end])) for start, end in spans}
    return frozenset(line for line in lines if line)


def is_template(found: Outline, path: str = "", title: str | None = None) -> bool:
    """Whether a document is a form to be filled in, by its name or by the placeholders in it."""
    name = f"{PurePosixPath(path).stem} {title or ''}".lower().replace("_", " ").replace("-", " ")
    if re.search(r"\btemplate\b|\by{4}\b|\bnnn\b", name) and not _DATED.search(name):
        return True
    holes = sum(bool(PLACEHOLDER.search(unit.words)) for unit in found.units)
    return holes >= 3 and holes * 3 >= len(found.units)


def boilerplate(documents: Iterable[tuple[str, str]]) -> frozenset[str]:
    """What the (path, text) documents of one folder have from a template or from each other, for `extract`.

    A line counts as repeated when it stands in at least `REPEATED_IN` documents and in `REPEATED_SHARE` of them all.
    """
    counts: Counter[str] = Counter()
    known: set[str] = set()
    total = 0
    for path, text in documents:
        total += 1
        if reads_as_template(text, path):
            known |= template_lines(text)
        counts.update(countable_lines(text))
    repeated = {line for line, count in counts.items() if count >= least_repeats(total)}
    return frozenset(known | repeated)


def countable_lines(text: str) -> frozenset[str]:
    """The lines of a document, normalised, that are boilerplate where many of its folder's documents hold them."""
    lines = (normalised(unit.words) for unit in outline(text).units)
    return frozenset(line for line in lines if len(line.split()) >= SHORTEST_REPEATED)


def least_repeats(documents: int) -> float:
    """In how many of a folder's `documents` a line stands that counts as repeated, at least."""
    return max(REPEATED_IN, REPEATED_SHARE * documents)


def reads_as_template(text: str, path: str) -> bool:
    """`is_template` of a text by itself."""
    found = outline(text)
    return is_template(found, path, found.title)


def is_sign_post(found: Outline, path: str, title: str | None) -> bool:
    """Whether a page leads to others or tells how things are done, instead of reporting."""
    name = f"{PurePosixPath(path).name.split('.')[0]} | {title or ''}".lower().replace("_", " ").replace("-", " ")
    if _PAGE_NAME.search(name) and not _DATED.search(name):
        return True
    items = [unit for unit in found.units if unit.kind == "item"]
    links = sum(_is_link(unit) for unit in items)
    return len(items) >= 8 and links * 10 >= 8 * len(items) and len(items) * 2 > len(found.units)


def _is_link(unit: Unit) -> bool:
    return unit.linked and not unit.role or bool(re.fullmatch(r"\S*https?://\S+", unit.words))
