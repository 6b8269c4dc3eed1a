"""A lesson as a person tells it: its fields, what each may hold, and the document that is made of them.

Pure, standard library only. `parse_share` reads what `share_text` wrote, so a lesson can be told as a file too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from retriever.checks import DAY_SCHEMA, Schema, fault_of, list_schema, text_schema
from retriever.lesson import POLARITIES

# Together they fit a request of the greatest size, also as JSON that spells every letter in six bytes.
MAX_STORY_CHARS = 12_000
MAX_LESSON_CHARS = 4_000
_MAX_NAME_CHARS = 200

HAPPENED, LEARNED, NEXT = "What happened", "What we learned", "What to do next time"

# What each field may hold; only `learned` must be there.
SHARE_SCHEMAS: Mapping[str, Schema] = {
    "learned": text_schema(MAX_LESSON_CHARS),
    "happened": text_schema(MAX_STORY_CHARS),
    "next": text_schema(MAX_LESSON_CHARS),
    "polarity": {"type": "string", "enum": list(POLARITIES)},
    "title": text_schema(_MAX_NAME_CHARS),
    "date": DAY_SCHEMA,
    "team": text_schema(_MAX_NAME_CHARS),
    "author": text_schema(_MAX_NAME_CHARS),
    "tags": list_schema(),
    "link": text_schema(2_000, format="uri"),
}
# Every lesson has these: no edit clears them.
ALWAYS_TOLD = ("learned", "polarity")
SHARE_HELP: Mapping[str, str] = {
    "learned": "What was learned; the lesson itself.",
    "happened": "What happened.",
    "next": "What to do next time; a recommendation of its own.",
    "polarity": "Whether it went well (success), went wrong (failure), or neither (neutral).",
    "title": "A title; by default the first sentence of what happened or was learned.",
    "date": "When it happened; by default the day on which it is shared.",
    "team": "Whose lesson it is.",
    "author": "Who tells it; without a name it is anonymous.",
    "tags": "Words under which it belongs.",
    "link": "Where more about it can be read.",
}

_HEADINGS = {
    "happened": re.compile(r"what (?:has )?happened|context|situation", re.IGNORECASE),
    "learned": re.compile(r"(?:what (?:i|we)(?: have|'ve)? )?learn(?:ed|t)|lessons?(?: learn(?:ed|t))?", re.IGNORECASE),
    "next": re.compile(r"(?:what to do )?next time|next|recommendations?", re.IGNORECASE),
}
_HEADING_LINE = re.compile(r"^#{1,6}[ \t]++(.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Share:
    """What a person tells; "" and None where nothing was said. Without an author it is anonymous."""

    learned: str
    happened: str = ""
    next: str = ""
    polarity: str = "neutral"
    title: str | None = None
    date: str | None = None
    team: str | None = None
    author: str | None = None
    tags: tuple[str, ...] = ()
    link: str | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Share:
        """The share with these values, which must have passed SHARE_SCHEMAS; None counts as not given."""
        known = {item.name for item in fields(cls)}
        given = {name: value for name, value in values.items() if name in known and value is not None}
        return cls(**{name: _tidied(value) for name, value in given.items()})

    def as_json(self) -> dict[str, Any]:
        """Its fields for programs and for the record, null where nothing was told; `Share.of` reads them back."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value or None for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class ShareText:
    """A share as Markdown; `spans` says where in it each of them stands, as (start, end)."""

    text: str
    spans: Mapping[str, tuple[int, int]]


def faults_of(values: Mapping[str, Any]) -> dict[str, str]:
    """{field: what is wrong with it, as the end of a sentence} of values by name, and of `learned` if it is missing."""
    found = {
        name: fault
        for name, value in values.items()
        if (fault := fault_of(value, SHARE_SCHEMAS[name]) if name in SHARE_SCHEMAS else "is no field of a lesson")
    }
    return found if "learned" in values else {**found, "learned": "must say what was learned"}


def share_text(share: Share) -> ShareText:
    """The document that a share makes: what was learned, what to do, what happened, each under its heading.

    The lesson comes first: an answer shows a text from where it is likeliest to help on, and a story told before would
    stand in its way.
    """
    text = f"# {share.title}\n\n" if share.title else ""
    spans = {}
    for name, heading in (("learned", LEARNED), ("next", NEXT), ("happened", HAPPENED)):
        told = getattr(share, name)
        if told:
            text += f"## {heading}\n\n"
            spans[name] = (len(text), len(text) + len(told))
            text += f"{told}\n\n"
    return ShareText(text.rstrip("\n") + "\n", spans)


def parse_share(text: str) -> dict[str, str]:
    """The fields that a Markdown text tells under such headings; without any of them, all of it was learned."""
    text = "\n".join(text.splitlines())
    told: dict[str, list[str]] = {}
    name, at, title = "", 0, ""
    for line in _HEADING_LINE.finditer(text):
        heading = line[1].rstrip("#").rstrip(" \t")
        found = next((field for field, pattern in _HEADINGS.items() if pattern.fullmatch(heading)), None)
        if found is None and line.start() == at == 0 and line[0].startswith("# "):
            title, at = heading, line.end()
        if found is not None:
            told.setdefault(name, []).append(text[at : line.start()])
            name, at = found, line.end()
    told.setdefault(name, []).append(text[at:])
    fields_told = {field: "\n\n".join(part.strip() for part in parts).strip() for field, parts in told.items()}
    before = fields_told.pop("", "")
    if before:
        into = "happened" if "learned" in fields_told else "learned"
        fields_told[into] = f"{before}\n\n{fields_told.get(into, '')}".strip()
    return {field: value for field, value in {"title": title, **fields_told}.items() if value}


def _tidied(value: Any) -> Any:
    """A text in lines that end as ours do, without blanks around it; a list of such, each once."""
    if isinstance(value, list | tuple):
        return tuple(dict.fromkeys(str(_tidied(item)) for item in value))
    return "\n".join(str(value).splitlines()).strip()
