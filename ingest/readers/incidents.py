"""One file that tells many incidents, as many documents.

Conservative on purpose: an ordinary report whose timeline has a dated heading a day must stay whole. A file
is taken apart only when at least three headings of one level are each named like an incident and each have a
body built like a report (two or more of its usual labels).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

from ingest.readers.fences import lines_outside_code
from ingest.readers.reading import Reading

MIN_INCIDENTS = 3
_MIN_BODY_CHARS = 150
_MIN_LABELS = 2
_MAX_LINE = 2000

_HEADING = re.compile(r"^(#{1,4})[ \t]+(\S(?:.*[^ \t#])?)[ \t#]*$")
_DATE = re.compile(
    r"\b(?:(?:19|20)\d\d-\d\d?-\d\d?|\d\d?[./]\d\d?[./](?:19|20)?\d\d"
    r"|(?:\d\d?(?:st|nd|rd|th)?\s+)?"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,?\s+\d{1,4})\b",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"\b(?:incident|outage|post-?mortem|disruption|failure|degradation|sev-?\d|inc-?\d+)\b", re.IGNORECASE
)
_PLACEHOLDER = re.compile(r"\b(?:y{4}|d{2}[-/.]m{2})\b|\[[^\]]*\](?!\()|<[a-z][^>]*>|\{\{|\bNNN\b", re.IGNORECASE)
_LABEL = re.compile(
    r"^[\s>*+#-]*(?:\*\*|__)?\s*"
    r"(summary|overview|impact|root cause|causes?|contributing factors?|resolution|resolved|remediation"
    r"|mitigation|actions?|action items|follow[- ]?ups?|review actions|lessons?(?: learn(?:ed|t))?"
    r"|what went (?:well|wrong)|what happened|timeline|key events|detected|detection|identified|background"
    r"|context|recommendations?|corrective actions?|severity|duration|time to (?:repair|resolve))"
    r"\s*(?:\*\*|__)?\s*(?::|$)",
    re.IGNORECASE,
)
# What the file says of itself must not become every incident's.
_OF_THE_FILE = ("title", "date", "summary", "description", "weight", "subtitle", "slug", "url", "permalink")


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading with all that stands under it, as offsets into the text."""

    level: int
    title: str
    start: int
    end: int


def split_incidents(reading: Reading) -> list[Reading]:
    """`reading` alone, or a Reading an incident with `part` its heading, and last what belongs to none.

    Each incident carries the field `line`, the 1-based line of the file on which it begins.
    """
    if reading.part is not None:
        return [reading]
    incidents = _incidents(reading.text)
    if len(incidents) < MIN_INCIDENTS:
        return [reading]
    shared = tuple(field for field in reading.fields if field[0] not in _OF_THE_FILE)
    taken: Counter[str] = Counter()
    parts = []
    for section in incidents:
        taken[section.title] += 1
        name = section.title if taken[section.title] == 1 else f"{section.title} ({taken[section.title]})"
        line = reading.text.count("\n", 0, section.start) + 1
        parts.append(
            Reading(
                reading.text[section.start : section.end],
                name,
                (("line", str(line)), *shared),
                reading.warnings,
            )
        )
    rest = _rest(reading.text, incidents)
    return [*parts, replace(reading, text=rest)] if rest.strip() else parts


def _incidents(text: str) -> list[_Section]:
    sections = _sections(text)
    for level in (1, 2, 3, 4):
        incidents = [section for section in sections if section.level == level and _is_incident(text, section)]
        if len(incidents) >= MIN_INCIDENTS:
            return incidents
    return []


def _is_incident(text: str, section: _Section) -> bool:
    named = _DATE.search(section.title) or _NAMED.search(section.title)
    if not named or _PLACEHOLDER.search(section.title):
        return False
    body = text[section.start : section.end].split("\n")[1:]
    if sum(map(len, body)) < _MIN_BODY_CHARS:
        return False
    labels = {match[1].lower() for line in body if (match := _LABEL.match(line[:200]))}
    return len(labels) >= _MIN_LABELS


def _sections(text: str) -> list[_Section]:
    """Every section under an ATX heading outside code, in order; a section holds its subsections."""
    headings: list[tuple[int, str, int]] = []
    for _, offset, line in lines_outside_code(text):
        heading = _HEADING.match(line) if len(line) <= _MAX_LINE else None
        if heading:
            headings.append((len(heading[1]), heading[2], offset))
    return [
        _Section(
            level,
            title,
            start,
            next((at for deep, _, at in headings[index + 1 :] if deep <= level), len(text)),
        )
        for index, (level, title, start) in enumerate(headings)
    ]


def _rest(text: str, incidents: list[_Section]) -> str:
    kept, at = [], 0
    for section in incidents:
        kept.append(text[at : section.start])
        at = section.end
    return "".join([*kept, text[at:]])
