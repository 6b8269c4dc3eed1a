"""Dates as people write them, to ISO 8601: `YYYY-MM-DD`, `YYYY-MM` or `YYYY`."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_YEAR = r"(?P<year>(?:19[5-9]|20[0-6])\d)"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![\d-]){_YEAR}(?P<separator>[-/._])(?P<number>[01]?\d)(?P=separator)(?P<day>[0-3]?\d)(?!\d)",
        rf"(?<!\d){_YEAR}(?P<number>[01]\d)(?P<day>[0-3]\d)(?!\d)",
        rf"\b{_DAY}(?:\s+of)?[\s/-]+{_MONTH}\.?,?[\s/-]+{_YEAR}\b",
        rf"\b{_MONTH}\.?\s+{_DAY},?\s+{_YEAR}\b",
        r"(?<![\d/.-])(?P<first>[0-3]?\d)(?P<separator>[/.-])(?P<second>[0-3]?\d)"
        rf"(?P=separator){_YEAR}(?!\d)",
        r"(?<![\d/.])(?P<first>[0-3]?\d)/(?P<second>[0-3]?\d)/(?P<short>\d\d)(?![\d/])",
        rf"\b{_YEAR}\s+{_MONTH}\.?\s+{_DAY}\b",
        rf"\b(?P<day>[0-3]?\d)(?P<separator>[/-]){_MONTH}(?P=separator)(?P<short>\d\d)\b",
        rf"\b{_MONTH}\.?,?\s+{_YEAR}\b",
        rf"(?<![\d/.-]){_YEAR}-(?P<number>[01]\d)(?![\d-])",
    )
)
_YEARLESS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (rf"\b{_MONTH}\.?\s+{_DAY}\b(?!\d|:)", rf"\b{_DAY}(?:\s+of)?\s+{_MONTH}\b")
)
# Dates stand near the start of what they date; a pasted log line of a megabyte is not worth its time.
_MAX_CHARS = 200_000


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date with the span of text that says it."""

    iso: str
    start: int
    end: int


def find_dates(text: str, day_first: bool = True) -> Iterator[FoundDate]:
    """The dates in `text` in order, overlapping readings of one place only once.

    `day_first` decides what 03/04/2021 means where neither number can only be a day.
    """
    text = text[:_MAX_CHARS]
    found: list[FoundDate] = []
    covered = bytearray(len(text))
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            iso = None if any(covered[match.start() : match.end()]) else _iso(match, day_first)
            if iso:
                covered[match.start() : match.end()] = b"\1" * (match.end() - match.start())
                found.append(FoundDate(iso, match.start(), match.end()))
    return iter(sorted(found, key=lambda one: one.start))


def first_date(text: str, day_first: bool = True) -> str | None:
    """The first date in `text`, to the day where one is."""
    dates = [one.iso for one in find_dates(text, day_first)]
    return next((iso for iso in dates if len(iso) == 10), dates[0] if dates else None)


def parse_date(value: str, day_first: bool = True) -> str | None:
    """The date a field holds: what `first_date` finds, or a year standing alone."""
    found = first_date(value, day_first)
    bare = re.fullmatch(r"\s*((?:19[5-9]|20[0-6])\d)\s*", value)
    return found or (bare[1] if bare else None)


def yearless_date(text: str, year: str) -> str | None:
    """The first month and day in `text`, in `year`."""
    for pattern in _YEARLESS:
        match = pattern.search(text[:_MAX_CHARS])
        if match:
            return _valid(int(year), _month_number(match["month"]), int(match["day"]))
    return None


def day_comes_first(values: Iterable[str]) -> bool | None:
    """Whether dates such as 03/04/2021 put the day first, by those of a certain order; None when none is."""
    slashed = re.compile(r"(?<!\d)([0-3]?\d)[/.-]([0-3]?\d)[/.-](?:\d\d){1,2}(?!\d)")
    pairs = [(int(match[1]), int(match[2])) for value in values if (match := slashed.search(value[:200]))]
    day_first = sum(first > 12 >= second for first, second in pairs)
    month_first = sum(second > 12 >= first for first, second in pairs)
    return None if day_first == month_first else day_first > month_first


def _iso(match: re.Match[str], day_first: bool) -> str | None:
    groups = match.groupdict()
    year = int(groups["year"] if groups.get("year") else "20" + groups["short"])
    if groups.get("first"):
        first, second = int(groups["first"]), int(groups["second"])
        is_day_first = second <= 12 if first > 12 else (first <= 12 and second <= 12 and day_first)
        day, month = (first, second) if is_day_first else (second, first)
        return _valid(year, month, day)
    month = _month_number(groups["month"]) if groups.get("month") else int(groups["number"])
    if groups.get("day") is None:
        return f"{year}-{month:02}" if 1 <= month <= 12 else None
    return _valid(year, month, int(groups["day"]))


def _month_number(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1


def _valid(year: int, month: int, day: int) -> str | None:
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        return None
