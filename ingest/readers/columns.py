"""`--columns "lesson=What we noted,title=Headline"`: roles of columns that their names do not give away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LESSON = "lesson"
# What a column may be; all but lessons are also recognised by name (tables.py).
COLUMN_ROLES = (LESSON, "id", "title", "date", "severity", "team", "service", "author", "tags", "url")

# A comma within a column's name is part of it: only one before the next "role=" separates.
_SEPARATOR = re.compile(r"[,\n](?=\s*\w+\s*=)")


@dataclass(frozen=True, slots=True)
class Columns:
    """Roles that were given, as (role, column's name) pairs in their order.

    Columns given for the role of a lesson all hold lessons; for any other role they are alternatives, of which a
    table's first counts. Names are compared without case and with single spaces.
    """

    given: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """What made the text of a table, to be kept beside its checksum: "" when nothing was given."""
        return ",".join(f"{role}={_folded(name)}" for role, name in self.given)

    def places(self, names: Sequence[str]) -> list[tuple[str, int]]:
        """(role, index) of those of a table's columns that were given a role."""
        folded = [_folded(name) for name in names]
        found: list[tuple[str, int]] = []
        for role, name in self.given:
            is_open = role == LESSON or role not in dict(found)
            if is_open and _folded(name) in folded:
                found.append((role, folded.index(_folded(name))))
        return found

    def missing(self, names: Iterable[str]) -> tuple[str, ...]:
        """The given names that are not among `names`."""
        folded = {_folded(name) for name in names}
        return tuple(name for _, name in self.given if _folded(name) not in folded)


NO_COLUMNS = Columns()


def parse_columns(texts: Iterable[str]) -> Columns:
    """The roles in texts such as "lesson=What we noted,title=Headline". Raises ValueError with a finished sentence."""
    pairs = []
    for text in texts:
        for item in _SEPARATOR.split(text):
            role, equals, name = (part.strip() for part in item.partition("="))
            if not (equals and name):
                raise ValueError(f"{item.strip()!r} gives no column a role; write it as ROLE=COLUMN, lesson=Notes.")
            if role.lower() not in COLUMN_ROLES:
                raise ValueError(f"{role!r} is no role of a column; the roles are {', '.join(COLUMN_ROLES)}.")
            pairs.append((role.lower(), name))
    return Columns(tuple(dict.fromkeys(pairs)))


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
