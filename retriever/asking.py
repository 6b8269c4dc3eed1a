"""A question from the terminal: answered by the running server when there is one, else by the memory itself."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from retriever.config import Settings
from retriever.errors import InvalidQuery
from retriever.lesson import KINDS, POLARITIES, Filters

SERVER_FILE = "server.json"
_TIMEOUT_S = 20.0
_CHOICES = {"kind": KINDS, "polarity": POLARITIES}
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def filters_from(values: Mapping[str, Any]) -> Filters:
    """Filters out of options. Raises InvalidQuery for a value that no lesson can have."""
    for name, allowed in _CHOICES.items():
        for value in values.get(name) or ():
            if value not in allowed:
                raise InvalidQuery(f"There is no {name} {value!r}; choose from {', '.join(allowed)}.", name)
    for name in ("since", "until"):
        value = values.get(name)
        if value is not None and not _DATE.fullmatch(value):
            raise InvalidQuery(f"--{name} takes a date such as 2024-03-31 or 2024-03, not {value!r}.", name)
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, (list, tuple)) else value for name, value in values.items()
    }
    return Filters(**given)


def ask_anywhere(settings: Settings, query: str, filters: Filters, *, explain: bool = False) -> dict[str, Any]:
    """The answer as JSON. Raises InvalidQuery, and StoreError when there is no memory."""
    answer = None if explain else _ask_server(settings, query, filters)
    return _ask_here(settings, query, filters, explain) if answer is None else answer


def _ask_here(settings: Settings, query: str, filters: Filters, explain: bool) -> dict[str, Any]:
    from retriever.memory import Memory
    from retriever.wire import answer_json

    with Memory.open(settings) as memory:
        answer = memory.ask(query, filters=filters)
    value = answer_json(answer)
    if explain:
        for hit, shown in zip(answer.hits, value["hits"], strict=True):
            shown["signals"] = {name: round(share, 4) for name, share in hit.signals}
    return value


def _ask_server(settings: Settings, query: str, filters: Filters) -> dict[str, Any] | None:
    """The running server's answer, or None when there is none to be had."""
    try:
        known = json.loads((settings.home / SERVER_FILE).read_text(encoding="utf-8"))
        address = urlsplit(known["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    body = {"q": query, "k": settings.k, "per_document": settings.per_document}
    body |= {name: value for name in Filters.__slots__ if (value := _plain(getattr(filters, name)))}
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if known.get("token"):
        headers["Authorization"] = f"Bearer {known['token']}"
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=_TIMEOUT_S)
    try:
        connection.request("POST", f"{address.path.rstrip('/')}/api/v1/lookup", json.dumps(body), headers)
        response = connection.getresponse()
        value = json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if response.status == 400:
        raise InvalidQuery(str(value.get("detail", "The server refused the question.")))
    return value if response.status == 200 and isinstance(value, dict) else None


def _plain(value: Sequence[str] | str | None) -> list[str] | str | None:
    return value if value is None or isinstance(value, str) else list(value)
