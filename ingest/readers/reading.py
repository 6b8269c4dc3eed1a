"""What a reader hands on: Markdown, and what the format itself says about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

# Everything below the space but tab and newline; form feeds and their kin end up as spaces, NUL as nothing.
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Reading:
    r"""One document out of a file: Markdown with "\n" newlines, without NUL and lone surrogates.

    `part` names the row, message or incident in a file that holds several, else None. `fields` are what the
    format itself carries (front matter, core properties, `<meta>`, columns, mail headers), as (lower-case
    name, value); a list is one value joined by ", ", and a name may come twice. `columns` are the names of
    the columns of the table that it is from.
    """

    text: str
    part: str | None = None
    fields: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def field(self, *names: str) -> str | None:
        """The first value that is not blank under any of `names`, earlier names first."""
        for name in names:
            for key, value in self.fields:
                if key == name and value.strip():
                    return value.strip()
        return None


def normalise_newlines(text: str) -> str:
    r"""`text` with "\n" for every "\r\n" and "\r"."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def clean(reading: Reading) -> Reading:
    """`reading` as the rest of the program may rely on it: storable in UTF-8, free of control characters."""
    return replace(
        reading,
        text=_storable(reading.text),
        part=None if reading.part is None else _storable(reading.part).strip() or None,
        fields=tuple((_storable(key).strip().lower(), _storable(value)) for key, value in reading.fields),
        warnings=tuple(_storable(warning) for warning in reading.warnings),
    )


def _storable(text: str) -> str:
    text = normalise_newlines(text).replace("\x00", "").removeprefix("\ufeff")
    text = _CONTROL.sub(" ", text)
    # JSON may spell lone surrogates, which SQLite refuses.
    return text.encode("utf-8", "replace").decode("utf-8")
