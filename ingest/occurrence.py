"""When it happened: the dates that a document's fields, name and text give, best first.

The order was chosen by measuring on 69 real reports (docs/formats.md): a field that says when it began; a
`date` field; the file's name; a labelled line near the top; a date in the first heading; the timeline; a
title's date; a date of publication; and only when all of them are silent the first sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.dates import find_dates, first_date, parse_date, yearless_date
from ingest.facts import HEADING, Facts

_EVENT_FIELDS = (
    "start_time", "started", "start", "started_at", "incident_date", "incident date", "date of incident",
    "occurred", "occurred_at", "event start date", "detected", "first detected", "event date", "starts_at",
)  # fmt: skip
_PUBLISHED_FIELDS = ("published", "article:published_time", "published_at", "pubdate", "revdate", "dc.date")
_EVENT_LABEL = re.compile(
    r"^[\s>*+|-]*+(?:__)?\s*+"
    r"(?:(?:first )?(?:detected|started|began|occurred|begin|start)(?: time| date| at| on)?"
    r"|(?:incident |outage |event )?(?:start )?(?:date|when)"
    r"(?: of (?:the )?(?:incident|outage|event))?(?: and time|/time)?"
    r"|impact time|time of (?:the )?(?:incident|outage))"
    r"\s*+(?:\*\*|__)?\s*+(?:[:|]|(?=\d{4}-))\s*+(?:\*\*|__)?(.*)$",
    re.IGNORECASE,
)
_TIMELINE = re.compile(r"^#{1,6}\s+.*\b(?:timeline|chronology|sequence of events)\b", re.IGNORECASE)
_TIMELINE_LINES = 200
_IMPACT_TIME = re.compile(r"^#{1,6}\s*impact time[^\S\n]*+\n\s*+(.+)$", re.IGNORECASE | re.MULTILINE)
# Looked ahead, so that the "on" in "At 15:05 UTC on 3 May 2024" is tried after the "At".
_OPENING = re.compile(
    r"\b(?:on|in|since|at)\s+"
    r"(?=((?:(?:early|mid|late)[ -])?(?:\w+day,?\s+)?(?:the\s+)?\S{1,12}(?:\s+\S{1,12}){0,2}))",
    re.IGNORECASE,
)
_OPENING_CHARS = 160
_FIELD_CHARS = 1000
_FIRST_HEADINGS = 6

Dated = tuple[str, str]


def dates_of(facts: Facts) -> list[Dated]:
    """Different dates with their origins, best first; [] when the document says nothing."""
    distinct: dict[str, str] = {}
    for iso, origin in _dates(facts):
        distinct.setdefault(iso, origin)
    opening = None if distinct else _opening_date(facts)
    if opening:
        distinct[opening] = "first sentence"
    return list(distinct.items())


def disagreement(dates: list[Dated]) -> tuple[str, ...]:
    """One warning when sources name days that cannot both be right."""
    if not dates:
        return ()
    best, origin = dates[0]
    others = [(iso, other) for iso, other in dates[1:] if not best.startswith(iso) and not iso.startswith(best)]
    if not others:
        return ()
    told = ", ".join(f"{iso} ({other})" for iso, other in others)
    return (f"Sources disagree about the date: {best} ({origin}) was taken, not {told}.",)


def _dates(facts: Facts) -> Iterator[Dated]:
    for names, origin in ((_EVENT_FIELDS, "fields: when it happened"), (("date",), "fields: date")):
        yield from _field_date(facts, names, origin)
    if facts.reading.part is None and (iso := first_date(facts.name)):
        yield iso, "file name"
    # A row of a table says its dates in its cells, and the cells are the fields.
    if facts.reading.part is None or facts.is_incident:
        yield from _dates_in_text(facts)
    yield from _field_date(facts, _PUBLISHED_FIELDS, "fields: published")


def _field_date(facts: Facts, names: tuple[str, ...], origin: str) -> Iterator[Dated]:
    value = facts.reading.field(*names)
    if value and (iso := parse_date(value[:_FIELD_CHARS], facts.day_first)):
        yield iso, origin


def _dates_in_text(facts: Facts) -> Iterator[Dated]:
    day_first = facts.day_first
    labelled = (match[1] for line in facts.top if (match := _EVENT_LABEL.match(line)))
    level = facts.headings[0][0] if facts.is_incident else 1
    titles = (text for depth, text in facts.headings[:_FIRST_HEADINGS] if depth == level)
    in_text = (
        (next((iso for text in labelled if (iso := first_date(text, day_first))), None), "labelled line"),
        (next((iso for text in titles if (iso := first_date(text, day_first))), None), "heading"),
        (_timeline_date(facts), "timeline"),
        (_printed_date(facts), "labelled line"),
        (first_date((facts.reading.field("title") or "")[:_FIELD_CHARS], day_first), "title"),
    )
    yield from ((iso, origin) for iso, origin in in_text if iso)


def _timeline_date(facts: Facts) -> str | None:
    """The first date that carries a fifth of the timeline's entries: a lone earlier one is prehistory."""
    dates = [found.iso for found in find_dates(_timeline(facts), facts.day_first) if len(found.iso) == 10]
    return next((iso for iso in dates if dates.count(iso) >= len(dates) / 5), None)


def _timeline(facts: Facts) -> str:
    """The text under a heading that says timeline; "" without one."""
    kept: list[str] = []
    level = 0
    for line in facts.lines:
        heading = HEADING.match(line)
        if level and heading and len(heading[1]) < level:
            break
        if level:
            kept.append(line)
        elif _TIMELINE.match(line):
            level = len(heading[1]) if heading else 1
    return "\n".join(kept[:_TIMELINE_LINES])


def _printed_date(facts: Facts) -> str | None:
    """The day in an "impact time" that names no year, with the first year the text names."""
    printed = _IMPACT_TIME.search(facts.body[:5000])
    if not printed:
        return None
    years = (found.iso[:4] for found in find_dates(facts.body[:20_000], facts.day_first))
    year = next(years, None)
    return yearless_date(printed[1], year) if year else None


def _opening_date(facts: Facts) -> str | None:
    sentence = re.split(r"(?<=\w\w[.!?])\s+(?=[A-Z])", facts.first_prose)[0]
    openings = _OPENING.finditer(sentence[:_OPENING_CHARS])
    return next((iso for opening in openings if (iso := first_date(opening[1], facts.day_first))), None)
