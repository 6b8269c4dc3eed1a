"""What a request may say: one table of parameters, read by the check here and by the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from retriever.checks import FILTER_SCHEMAS, MAX_K, QUERY_SCHEMA, fault_of, integer_schema, text_schema
from retriever.errors import InvalidQuery
from retriever.lesson import Filters

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
        return self.type == "array"

    @property
    def type(self) -> str:
        """The JSON type of its values, null aside."""
        return str(self.given["type"])

    @property
    def given(self) -> Mapping[str, Any]:
        """What its values are when they are not null."""
        found: Mapping[str, Any] = self.schema["anyOf"][0] if "anyOf" in self.schema else self.schema
        return found


class InvalidParameters(InvalidQuery):
    """Parameters that cannot be used; `faults` holds one (name, sentence) for each."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__(" ".join(sentence for _, sentence in faults), field=faults[0][0])
        self.faults = tuple(faults)


_BOOLEANS = {"true": True, "false": False}
_NO_OBJECT = 'The body must be a JSON object, such as {{"{}": "…"}}.'
QUERY = Parameter("q", QUERY_SCHEMA, "What you want to know, in your own words.", required=True)
_FILTER_DESCRIPTIONS = {
    "tag": "Only documents with this tag.",
    "team": "Only documents of this team.",
    "kind": "Only lessons of this kind.",
    "polarity": "Only successes, failures, or neutral lessons.",
    "severity": "Only documents of this severity.",
    "since": "Only documents dated on or after this day, month or year.",
    "until": "Only documents dated on or before this day, month or year.",
}
FILTERS = tuple(Parameter(name, schema, _FILTER_DESCRIPTIONS[name]) for name, schema in FILTER_SCHEMAS.items())
RECORD = Parameter(
    "record",
    {"type": "boolean"},
    "Whether somebody submitted this question: it is then kept, without secrets, for 90 days.",
    default=False,
)
MARKED = Parameter(
    "marked",
    {"type": "string", "enum": ["pinned", "hidden"]},
    "Only lessons that people marked so; hidden ones are in no other list.",
)
LIMIT = Parameter("limit", integer_schema(1, 100), "How many to list.", default=20)
AFTER = Parameter("after", text_schema(500), "Where to go on: the `next` of the list before.")


def lookup_parameters(k: int, per_document: int) -> tuple[Parameter, ...]:
    """The parameters of a lookup, with this server's defaults."""
    return (
        QUERY,
        Parameter("k", integer_schema(1, MAX_K), "How many hits to return.", default=k),
        Parameter(
            "per_document",
            integer_schema(1, MAX_K),
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
        elif parameter.type == "boolean":
            raw[name] = _BOOLEANS.get(values[0].strip().lower(), values[0])
        elif parameter.type == "integer":
            raw[name] = int(values[0]) if re.fullmatch(r"[+-]?\d{1,18}", values[0].strip()) else values[0]
        else:
            raw[name] = list(values) if parameter.is_list else values[0]
    return _checked(named, raw, faults)


def read_body(known: Sequence[Parameter], given: object, *, partial: bool = False) -> Values:
    """The values of a JSON body by name, defaults filled in; raises InvalidParameters.

    Where a list is expected, a single value is taken as a list of one. A `partial` body changes what it names, so
    it has no defaults: the values are those that were given.
    """
    named = {parameter.name: parameter for parameter in known}
    if not isinstance(given, dict):
        raise InvalidParameters([("body", _NO_OBJECT.format(known[0].name))])
    raw: Values = {}
    for name, value in given.items():
        is_single = name in named and named[name].is_list and isinstance(value, str)
        raw[name] = [value] if is_single else value
    faults = _unknown(named, raw)
    if partial:
        named = {name: parameter for name, parameter in named.items() if name in raw}
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
        fault = fault_of(raw[name], parameter.schema)
        if fault:
            faults.append((name, f"Parameter {name!r} {fault}."))
        values[name] = int(raw[name]) if not fault and parameter.type == "integer" else raw[name]
    if faults:
        raise InvalidParameters(faults)
    return values
