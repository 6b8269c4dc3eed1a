"""What the rules about metadata look at, prepared once: first lines, headings and labelled values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from ingest.dates import day_comes_first
from ingest.readers.fences import lines_outside_code
from ingest.readers.frontmatter import end_of_front_matter
from ingest.readers.reading import Reading

HEADING = re.compile(r"^(#{1,6})[ \t]+(\S.*?)[ \t#]*$")
_UNDERLINE = re.compile(r"^ {0,3}(=|-)\1{2,}[ \t]*$")
_EMPTY_VALUE = re.compile(r"^(?:n/?a|none|null|unknown|tb[cd]|todo|-+|—|\?+|\[.*\]|<.*>|\{\{.*)$", re.IGNORECASE)
_NOT_PROSE = re.compile(r"\s*(?:[#>|*+!<-]|\d+[.)])")
_READ_CHARS = 200_000
_READ_LINES = 4000
_TOP_LINES = 60
_LINE_CHARS = 400
_VALUE_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Facts:
    """A reading from above: `body` is its text after the front matter, `lines` are those outside of code."""

    path: str
    reading: Reading
    body: str
    lines: tuple[str, ...]
    headings: tuple[tuple[int, str], ...]
    has_front_matter: bool
    day_first: bool

    @property
    def name(self) -> str:
        """The last name in the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def top(self) -> list[str]:
        """The first lines that are not blank."""
        return list(islice((line for line in self.lines if line.strip()), _TOP_LINES))

    @property
    def is_incident(self) -> bool:
        """Whether this is one of several incidents in a file; it begins with its own heading."""
        return bool(self.reading.part and self.headings and self.reading.field("line"))

    @property
    def first_prose(self) -> str:
        """The first line that is neither heading, list, table nor quote."""
        return next((line for line in self.top if not _NOT_PROSE.match(line)), "")


def facts_of(path: str, reading: Reading) -> Facts:
    """The facts about a reading; no more than the first part of a very long text is looked at."""
    start = end_of_front_matter(reading.text)
    body = reading.text[start : start + _READ_CHARS]
    lines = tuple(line[:_LINE_CHARS] for _, _, line in islice(lines_outside_code(body), _READ_LINES))
    day_first = day_comes_first(lines) is not False
    return Facts(path, reading, body, lines, tuple(_headings(lines)), start > 0, day_first)


def _headings(lines: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Level and text of every heading, also of those that are underlined."""
    for above, line, below in zip(("", *lines), lines, (*lines[1:], ""), strict=False):
        match = HEADING.match(line)
        if match:
            yield len(match[1]), match[2]
            continue
        underline = _UNDERLINE.match(below)
        if underline and line.strip() and not above.strip() and not _NOT_PROSE.match(line):
            yield (1 if underline[1] == "=" else 2), line.strip()


def label(names: str, longest: int = 80) -> re.Pattern[str]:
    """A pattern for `**Name**: value`, `- Name: value` and `| Name | value |`; the value is its group 1."""
    return re.compile(
        rf"^[\s>*+|-]*+(?:__)?\s*+(?:{names})\s*+(?:\*\*|__)?\s*+[:|]\s*+(?:\*\*|__)?\s*+(.{{1,{longest}}})$",
        re.IGNORECASE,
    )


def labelled(facts: Facts, names: tuple[str, ...], pattern: re.Pattern[str] | None) -> tuple[str | None, str]:
    """The value of the first field of `names`, else of a line near the top that `pattern` finds; its origin.

    A value that nobody filled in, such as "TBD", is none.
    """
    value = (facts.reading.field(*names) or "")[:_VALUE_CHARS]
    if value and not _EMPTY_VALUE.match(value):
        return value, "fields"
    for line in facts.top if pattern else ():
        match = pattern.match(line) if pattern else None
        text = match[1].strip().strip("*_`|").strip() if match else ""
        if text and not _EMPTY_VALUE.match(text):
            return text, "labelled line"
    return None, ""
