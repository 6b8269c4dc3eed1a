"""What a request may say: one table of parameters, read by the check here and by the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from retriever.errors import InvalidQuery
from retriever.lesson import KINDS, POLARITIES, Filters

MAX_QUERY_CHARS = 16_384
MAX_FILTER_CHARS = 200
MAX_FILTER_VALUES = 50
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a request; `schema` is its JSON Schema, which the check obeys as well."""

    name: str
    schema: Mapping[str, Any]
    description: str
    required: bool = False
    default: object = None

    @property
    def is_list(self) -> bool:
        """Whether the parameter may be repeated."""
        return bool(self.schema["type"] == "array")


class InvalidParameters(InvalidQuery):
    """Parameters that cannot be used; `faults` holds one (name, sentence) for each."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__(" ".join(sentence for _, sentence in faults), field=faults[0][0])
        self.faults = tuple(faults)


def _text(max_length: int, **more: object) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": max_length, **more}


def _integer(low: int, high: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high}


def _several(choices: Sequence[str] = ()) -> dict[str, Any]:
    item = {"type": "string", "enum": list(choices)} if choices else _text(MAX_FILTER_CHARS)
    return {"type": "array", "items": item, "maxItems": MAX_FILTER_VALUES}


# What passes it is a date but for the ends of some months.
_DAY = {
    "type": "string",
    "format": "partial-date",
    "pattern": r"^(?!0000)[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$",
}

QUERY = Parameter(
    "q", _text(MAX_QUERY_CHARS, pattern=r"\S"), "What you want to know, in your own words.", required=True
)
FILTERS = (
    Parameter("tag", _several(), "Only documents with this tag."),
    Parameter("team", _several(), "Only documents of this team."),
    Parameter("kind", _several(KINDS), "Only lessons of this kind."),
    Parameter("polarity", _several(POLARITIES), "Only successes, failures, or neutral lessons."),
    Parameter("severity", _several(), "Only documents of this severity."),
    Parameter("since", _DAY, "Only documents dated on or after this day, month or year."),
    Parameter("until", _DAY, "Only documents dated on or before this day, month or year."),
)
LIMIT = Parameter("limit", _integer(1, 100), "How many to list.", default=20)
AFTER = Parameter("after", _text(500), "Where to go on: the `next` of the list before.")


def lookup_parameters(k: int, per_document: int) -> tuple[Parameter, ...]:
    """The parameters of a lookup, with this server's defaults."""
    return (
        QUERY,
        Parameter("k", _integer(1, 100), "How many hits to return.", default=k),
        Parameter(
            "per_document",
            _integer(1, 100),
            "How many of them may be from one document.",
            default=per_document,
        ),
        *FILTERS,
    )


def list_parameters() -> tuple[Parameter, ...]:
    """The parameters of a list."""
    return (LIMIT, AFTER, *FILTERS)


def read_arguments(known: Sequence[Parameter], given: Mapping[str, list[str]], *, strict: bool = True) -> Values:
    """The values of a query string by name, defaults filled in; raises InvalidParameters.

    Without `strict`, as on the pages, unknown names and empty values are passed over: a form sends its empty
    fields, and links get decorated on their way.
    """
    named = {parameter.name: parameter for parameter in known}
    if not strict:
        given = {name: kept for name in named if (kept := [v for v in given.get(name, ()) if v.strip()])}
    faults = _unknown(named, given)
    raw: Values = {}
    for name, values in given.items():
        parameter = named.get(name)
        if parameter is None:
            continue
        if len(values) > 1 and not parameter.is_list:
            faults.append((name, f"Parameter {name!r} may be given once, not {len(values)} times."))
        elif parameter.schema["type"] == "integer":
            raw[name] = int(values[0]) if re.fullmatch(r"[+-]?\d{1,18}", values[0].strip()) else values[0]
        else:
            raw[name] = list(values) if parameter.is_list else values[0]
    return _checked(named, raw, faults)


def read_body(known: Sequence[Parameter], given: object) -> Values:
    """The values of a JSON body by name, defaults filled in; raises InvalidParameters.

    Where a list is expected, a single value is taken as a list of one.
    """
    named = {parameter.name: parameter for parameter in known}
    if not isinstance(given, dict):
        raise InvalidParameters([("body", 'The body must be a JSON object, such as {"q": "expired certificate"}.')])
    raw: Values = {}
    for name, value in given.items():
        is_single = name in named and named[name].is_list and isinstance(value, str)
        raw[name] = [value] if is_single else value
    faults = _unknown(named, raw)
    return _checked(named, {name: value for name, value in raw.items() if name in named}, faults)


def filters_of(values: Values) -> Filters:
    """The filters among `values`."""
    given: dict[str, Any] = {item.name: values.get(item.name) for item in fields(Filters)}
    chosen: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items() if value
    }
    return Filters(**chosen)


def _unknown(named: Mapping[str, Parameter], given: Mapping[str, object]) -> list[tuple[str, str]]:
    known = ", ".join(named)
    return [
        (name, f"There is no parameter {name[:80]!r}; the parameters are: {known}.")
        for name in given
        if name not in named
    ]


def _checked(named: Mapping[str, Parameter], raw: Values, faults: list[tuple[str, str]]) -> Values:
    values: Values = {}
    for name, parameter in named.items():
        if name not in raw:
            if parameter.required:
                faults.append((name, f"Parameter {name!r} is required: {parameter.description}"))
            values[name] = parameter.default
            continue
        fault = _CHECKS[parameter.schema["type"]](raw[name], parameter.schema)
        if fault:
            faults.append((name, f"Parameter {name!r} {fault}."))
        values[name] = int(raw[name]) if not fault and parameter.schema["type"] == "integer" else raw[name]
    if faults:
        raise InvalidParameters(faults)
    return values


def _fault_of_text(value: object, schema: Mapping[str, Any]) -> str | None:
    if not isinstance(value, str):
        return f"must be text, not {_shown(value)}"
    if "enum" in schema and value not in schema["enum"]:
        return f"must be one of {', '.join(schema['enum'])}, not {_shown(value)}"
    if "format" in schema:
        return None if _is_day(value) else f"must be a date such as 2024-05-31, 2024-05 or 2024, not {_shown(value)}"
    if not value.strip():
        return "must not be empty"
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        return f"must have at most {schema['maxLength']:,} characters, not {len(value):,}"
    # Half a surrogate pair, which JSON can spell, has no bytes in UTF-8, and NUL ends a text in SQLite.
    if re.search("[\ud800-\udfff\x00]", value):
        return "holds a character that is no text"
    return None


def _fault_of_integer(value: object, schema: Mapping[str, Any]) -> str | None:
    low, high = schema["minimum"], schema["maximum"]
    # JSON has one kind of number: 10.0 is the integer 10, and true is none.
    is_whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    if not is_whole or not isinstance(value, int | float) or not low <= value <= high:
        return f"must be a whole number from {low} to {high}, not {_shown(value)}"
    return None


def _fault_of_list(value: object, schema: Mapping[str, Any]) -> str | None:
    if not isinstance(value, list):
        return f"must be text or a list of texts, not {_shown(value)}"
    if len(value) > schema["maxItems"]:
        return f"must have at most {schema['maxItems']} values, not {len(value)}"
    return next((fault for item in value if (fault := _fault_of_text(item, schema["items"]))), None)


_CHECKS: Mapping[str, Callable[[object, Mapping[str, Any]], str | None]] = {
    "string": _fault_of_text,
    "integer": _fault_of_integer,
    "array": _fault_of_list,
}


def _is_day(value: str) -> bool:
    if not re.fullmatch(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?", value):
        return False
    try:
        date.fromisoformat(value + "-01-01"[len(value) - 4 :] if len(value) < 10 else value)
    except ValueError:
        return False
    return True


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
