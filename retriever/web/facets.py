"""Facets: the fields by which lessons can be narrowed, with counts, as links that work without script."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from retriever.lesson import NO_FILTERS, Filters
from retriever.web import texts
from retriever.web.addresses import filter_arguments

if TYPE_CHECKING:
    from retriever.memory import Memory

_LIST_FILTERS = ("kind", "polarity", "tag", "team", "severity")
_VALUES_SHOWN = 8
_VALUES_MORE = 200
_TIMES_DAYS = ((texts.PAST_MONTH, 30), (texts.PAST_YEAR, 365), (texts.PAST_THREE_YEARS, 3 * 365))


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a facet; `link` leads to the same page with it chosen, or no longer chosen."""

    label: str
    count: int | None
    is_chosen: bool
    link: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Facet:
    """One field by which lessons can be narrowed."""

    title: str
    shown: tuple[Choice, ...]
    more: tuple[Choice, ...]


def narrowing(memory: Memory, filters: Filters, address: Callable[[Filters], str]) -> dict[str, object]:
    """What the templates need to show and change `filters` on the page that `address` leads to."""
    return {
        "facets": facets(memory.facets, filters, address),
        "times": times(filters, address, datetime.now(UTC).date()),
        "chosen": chosen_filters(filters, address),
        "cleared": address(NO_FILTERS),
        "filters": filters,
        "hidden": filter_arguments(filters),
    }


def facets(
    count: Callable[[Filters], Mapping[str, Sequence[tuple[str, int]]]],
    filters: Filters,
    address: Callable[[Filters], str],
) -> tuple[Facet, ...]:
    """The facets with their counts; those of a chosen field are counted as if nothing were chosen in it.

    `address` gives the page's address with other filters.
    """
    counted = count(filters)
    made = []
    for name in _LIST_FILTERS:
        counts = (count(_with(filters, name, ())) if getattr(filters, name) else counted)[name]
        choices = [
            Choice(value.label, value.count, value.is_chosen, address(value.leads_to))
            for value in _values(name, tuple(counts), filters)
        ]
        if choices:
            made.append(Facet(texts.FACETS[name], tuple(choices[:_VALUES_SHOWN]), tuple(choices[_VALUES_SHOWN:])))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class _Value:
    """A choice of a facet, wherever it is shown; `leads_to` are the filters with it chosen, or no longer chosen."""

    label: str
    count: int | None
    is_chosen: bool
    leads_to: Filters


# The same on every page until something changes.
@lru_cache(maxsize=32)
def _values(name: str, counted: tuple[tuple[str, int], ...], filters: Filters) -> tuple[_Value, ...]:
    """What a facet shows: what is chosen first, then what is most frequent."""
    chosen: tuple[str, ...] = getattr(filters, name)
    counts = dict(counted)
    values = [*counts, *(value for value in chosen if value not in counts)]
    values.sort(key=lambda value: value not in chosen)
    return tuple(
        _Value(label(name, value), counts.get(value), value in chosen, _toggled(filters, name, value))
        for value in values[: _VALUES_SHOWN + _VALUES_MORE]
    )


def times(filters: Filters, address: Callable[[Filters], str], today: date) -> tuple[Choice, ...]:
    """Stretches of time up to today; choosing one again takes it back."""
    choices = []
    for title, days in _TIMES_DAYS:
        since = (today - timedelta(days=days)).isoformat()
        is_chosen = filters.since == since and filters.until is None
        other = replace(filters, since=None if is_chosen else since, until=None)
        choices.append(Choice(title, None, is_chosen, address(other)))
    return tuple(choices)


def chosen_filters(filters: Filters, address: Callable[[Filters], str]) -> tuple[Choice, ...]:
    """Every filter that is set; each link leads to the page without it."""
    chosen = [
        Choice(label(name, value), None, True, address(_toggled(filters, name, value)), texts.FACETS[name])
        for name in _LIST_FILTERS
        for value in getattr(filters, name)
    ]
    for name, title in (("since", texts.SINCE), ("until", texts.UNTIL)):
        if value := getattr(filters, name):
            chosen.append(Choice(value, None, True, address(_with(filters, name, None)), title))
    return tuple(chosen)


def label(name: str, value: str) -> str:
    """A filter's value in plain words."""
    return {"kind": texts.KINDS, "polarity": texts.POLARITIES}.get(name, {}).get(value, value)


def _toggled(filters: Filters, name: str, value: str) -> Filters:
    chosen: tuple[str, ...] = getattr(filters, name)
    left = tuple(other for other in chosen if other != value)
    return _with(filters, name, left if len(left) < len(chosen) else (*chosen, value))


def _with(filters: Filters, name: str, value: Any) -> Filters:
    return replace(filters, **{name: value})
