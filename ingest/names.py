"""Names of people out of a document, if wished: those that the document itself gives as names, and those of a list.

There is no model of language behind this, so it knows a name by where it stands: in an author's field, before a mail
address, behind a label such as "Reported by:". Every other place where the same full name stands is found then, too. A
name that a document only mentions is left, unless it is on the list. docs/redaction.md has the figures.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.readers import Reading
from retriever.config import Settings
from retriever.errors import SettingError

NAMES_VERSION = 1
RULE = "name"
MARK = f"[redacted:{RULE}]"

_FIELDS = re.compile(
    r"(?:.*\.)?(?:authors?|by|owners?|reporters?|assignees?|from|to|cc|reviewers?|participants?|incident[ _-]commander"
    r"|last_?modified_?by|creator|contributors?)(?:\.name)?"
)
# Two to four words of which each begins with a capital, such as Anna-Lena O'Neill or J. R. Müller.
_WORD = r"(?:[^\W\d_a-z]\.|[^\W\d_a-z][^\W\d_]{0,30}(?:['’-][^\W\d_]{1,30}){0,3})"
_NAME = rf"(?<![\w'’-]){_WORD}(?:[ \t]{_WORD}){{1,3}}"
_WHOLE = re.compile(_NAME)
_BEFORE_MAIL = re.compile(rf"(?P<name>{_NAME})[\"*_]{{0,3}}[ \t]?[<(\[][ \t]?(?:mailto:)?[\w.+-]+@[\w-]+\.")
_MAIL_LINK = re.compile(rf"\[(?P<name>{_NAME})\]\(mailto:")
_LABELLED = re.compile(
    r"^[ \t>*_#|-]{0,8}(?:authors?|owners?|written by|reported by|reporters?|incident commander|incident lead"
    r"|on[- ]call|facilitators?|scribe|participants?|attendees|responders?|commander)"
    r"[*_ \t]{0,4}[:|][*_ \t]{0,4}(?P<list>[^\n]{3,300})$",
    re.IGNORECASE | re.MULTILINE,
)
_BETWEEN = re.compile(r"[,;&/|]|\band\b|\bund\b|\bet\b|\by\b|[<(\[][^>)\]]*[>)\]]")
# Capitalised words that stand where names do and are none.
_NO_NAMES = frozenset(
    """team teams group platform infrastructure engineering engineer operations ops sre support security data services
    service department on-call oncall the a an and of for all none unknown n/a tbd manager lead commander director
    product customer site reliability network storage database cloud web mobile api backend frontend release build
    test quality it monday tuesday wednesday thursday friday saturday sunday january february march april june july
    august september october november december""".split()
)


@dataclass(frozen=True, slots=True)
class Names:
    """Which names go: `listed` ones anywhere, and those that a document gives as names."""

    are_redacted: bool = False
    listed: tuple[str, ...] = ()

    def __str__(self) -> str:
        """What made a text, to be kept beside its checksum; "" when names stay."""
        if not self.are_redacted:
            return ""
        digest = hashlib.sha256("\n".join(self.listed).encode()).hexdigest()[:8]
        return f"names/{NAMES_VERSION}:{digest}"


NO_NAMES = Names()


def names_of(settings: Settings) -> Names:
    """Which names the settings want gone. Raises SettingError for a list that cannot be read."""
    if not settings.redact_names:
        return NO_NAMES
    if not settings.names_file:
        return Names(are_redacted=True)
    try:
        lines = Path(settings.names_file).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"The list of names {settings.names_file!r} cannot be read: {error}.") from error
    return Names(True, tuple(sorted({line.strip() for line in lines if line.strip() and line.strip()[0] != "#"})))


def without_names(reading: Reading, names: Names) -> tuple[Reading, int]:
    """The reading with every name marked, and how often; fields that held nothing but names are left out."""
    if not names.are_redacted:
        return reading, 0
    found = {name for name in _given(reading) if _is_name(name)} | set(names.listed)
    if not found:
        return reading, 0
    longest_first = "|".join(re.escape(name) for name in sorted(found, key=lambda name: (-len(name), name)))
    pattern = re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)")
    text, count = pattern.subn(MARK, reading.text)
    fields = []
    for name, value in reading.fields:
        marked, times = pattern.subn(MARK, value)
        count += times
        if not times or re.search(r"\w", marked.replace(MARK, "")):
            fields.append((name, marked))
    return replace(reading, text=text, fields=tuple(fields)), count


def _given(reading: Reading) -> Iterator[str]:
    """What the document itself gives as a name, by where it stands."""
    for field, value in reading.fields:
        if _FIELDS.fullmatch(field):
            yield from _split(value)
    for match in _BEFORE_MAIL.finditer(reading.text):
        name, before = match["name"], reading.text[max(0, match.start() - 20) : match.start()].rstrip(" \t")[-1:]
        # "Ask Ada Nightjar <ada@…": a sentence's first word has a capital too.
        begins = name.count(" ") > 1 and before in ("", "\n", ".", "!", "?", ":")
        yield name.partition(" ")[2] if begins else name
    yield from (match["name"] for match in _MAIL_LINK.finditer(reading.text))
    for match in _LABELLED.finditer(reading.text):
        yield from _split(match["list"])


def _split(value: str) -> Iterable[str]:
    return (part.strip(" \t*_\"'.:") for part in _BETWEEN.split(value))


def _is_name(text: str) -> bool:
    return bool(_WHOLE.fullmatch(text)) and not {word.casefold() for word in text.split()} & _NO_NAMES
