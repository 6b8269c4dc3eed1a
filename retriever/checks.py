"""What a question and its filters may be, said once: the HTTP API and the terminal refuse the same values.

Each rule is a JSON Schema, which the API's description shows as it is; `fault_of` is the check that obeys it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from retriever.lesson import KINDS, POLARITIES

MAX_QUERY_CHARS = 16_384
MAX_FILTER_CHARS = 200
MAX_FILTER_VALUES = 50
MAX_K = 100
Schema = Mapping[str, Any]


def text_schema(max_length: int, **more: object) -> Schema:
    """A text that is not empty."""
    return {"type": "string", "minLength": 1, "maxLength": max_length, **more}


def integer_schema(low: int, high: int) -> Schema:
    """A whole number from `low` to `high`."""
    return {"type": "integer", "minimum": low, "maximum": high}


def nullable(schema: Schema) -> Schema:
    """What `schema` allows, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def list_schema(choices: Sequence[str] = ()) -> Schema:
    """A list of texts, of `choices` if there are any."""
    item = {"type": "string", "enum": list(choices)} if choices else text_schema(MAX_FILTER_CHARS)
    return {"type": "array", "items": item, "maxItems": MAX_FILTER_VALUES}


# What passes the pattern is a date but for the ends of some months.
DAY_SCHEMA: Schema = {
    "type": "string",
    "format": "partial-date",
    "pattern": r"^(?!0000)[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$",
}

QUERY_SCHEMA = text_schema(MAX_QUERY_CHARS, pattern=r"\S")
FILTER_SCHEMAS: Mapping[str, Schema] = {
    "tag": list_schema(),
    "team": list_schema(),
    "kind": list_schema(KINDS),
    "polarity": list_schema(POLARITIES),
    "severity": list_schema(),
    "since": DAY_SCHEMA,
    "until": DAY_SCHEMA,
}


def fault_of(value: object, schema: Schema) -> str | None:
    """What is wrong with the value, as the end of a sentence about it; None when it may be."""
    if "anyOf" in schema:
        return None if value is None else fault_of(value, schema["anyOf"][0])
    return _CHECKS[schema["type"]](value, schema)


def _fault_of_text(value: object, schema: Schema) -> str | None:
    if not isinstance(value, str):
        return f"must be text, not {_shown(value)}"
    if "enum" in schema and value not in schema["enum"]:
        return f"must be one of {', '.join(schema['enum'])}, not {_shown(value)}"
    if "format" in schema:
        is_right, wanted = _FORMATS[schema["format"]]
        if not is_right(value):
            return f"must be {wanted}, not {_shown(value)}"
    if not value.strip():
        return "must not be empty"
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        return f"must have at most {schema['maxLength']:,} characters, not {len(value):,}"
    # Half a surrogate pair, which JSON can spell, has no bytes in UTF-8, and NUL ends a text in SQLite.
    if re.search("[\ud800-\udfff\x00]", value):
        return "holds a character that is no text"
    return None


def _fault_of_integer(value: object, schema: Schema) -> str | None:
    low, high = schema["minimum"], schema["maximum"]
    # JSON has one kind of number: 10.0 is the integer 10, and true is none.
    is_whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    if not is_whole or not isinstance(value, int | float) or not low <= value <= high:
        return f"must be a whole number from {low} to {high}, not {_shown(value)}"
    return None


def _fault_of_boolean(value: object, _schema: Schema) -> str | None:
    return None if isinstance(value, bool) else f"must be true or false, not {_shown(value)}"


def _fault_of_list(value: object, schema: Schema) -> str | None:
    if not isinstance(value, list):
        return f"must be text or a list of texts, not {_shown(value)}"
    if len(value) > schema["maxItems"]:
        return f"must have at most {schema['maxItems']} values, not {len(value)}"
    return next((fault for item in value if (fault := _fault_of_text(item, schema["items"]))), None)


_CHECKS: Mapping[str, Callable[[object, Schema], str | None]] = {
    "string": _fault_of_text,
    "integer": _fault_of_integer,
    "boolean": _fault_of_boolean,
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


def _is_web_address(value: str) -> bool:
    return re.fullmatch(r"https?://[^\s<>\"]+", value, re.IGNORECASE) is not None


_FORMATS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "partial-date": (_is_day, "a date such as 2024-05-31, 2024-05 or 2024"),
    "uri": (_is_web_address, "an address that begins with http:// or https://"),
}


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
