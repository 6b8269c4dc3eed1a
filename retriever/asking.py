"""A question from the terminal: answered by the running server when there is one, else by the memory itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from retriever.checks import FILTER_SCHEMAS, QUERY_SCHEMA, fault_of
from retriever.config import Settings
from retriever.errors import InvalidQuery, StoreError
from retriever.lesson import Filters
from retriever.locks import SERVER_LOCK, SharedLock

SERVER_FILE = "server.json"
_TIMEOUT_S = 20.0
_ANSWER_KEYS = frozenset({"hits", "answered", "degraded"})


def filters_from(values: Mapping[str, Any]) -> Filters:
    """Filters out of options. Raises InvalidQuery for a value that no lesson can have."""
    given: dict[str, Any] = {}
    for name, schema in FILTER_SCHEMAS.items():
        value = values.get(name)
        if value is None or value == () or value == []:
            continue
        fault = fault_of(list(value) if isinstance(value, tuple) else value, schema)
        if fault:
            raise InvalidQuery(f"--{name} {fault}.", name)
        given[name] = tuple(value) if isinstance(value, list) else value
    return Filters(**given)


def ask_anywhere(
    settings: Settings, query: str, filters: Filters, redact: Callable[[str], str], *, explain: bool = False
) -> dict[str, Any]:
    """The answer as JSON. Raises InvalidQuery, and StoreError when there is no memory.

    The question is recorded, if the settings have it so, after `redact` took secrets and addresses out of it.
    """
    fault = fault_of(query, QUERY_SCHEMA)
    if fault:
        raise InvalidQuery(f"The question {fault}.")
    answer = None if explain else _ask_server(settings, query, filters)
    return answer or _ask_here(settings, query, filters, redact, explain)


def _ask_here(
    settings: Settings, query: str, filters: Filters, redact: Callable[[str], str], explain: bool
) -> dict[str, Any]:
    # Only for being there, by itself and first, which takes 15 ms off a cold question: as deep as other modules would
    # import it, a piece of Python 3.11's stack ends within numpy's imports, and is taken and given back 1,800 times.
    import numpy  # noqa: F401

    from retriever.memory import Memory
    from retriever.questions import Questions
    from retriever.wire import answer_json

    with Memory.open(settings) as memory:
        answer = memory.ask(query, filters=filters)
        Questions(memory, redact).note(answer, is_filtered=bool(filters))
    value = answer_json(answer)
    if explain:
        for hit, shown in zip(answer.hits, value["hits"], strict=True):
            shown["signals"] = {name: round(share, 4) for name, share in hit.signals}
    return value


def _ask_server(settings: Settings, query: str, filters: Filters) -> dict[str, Any] | None:
    """The running server's answer, or None when there is none to be had."""
    known = running_server(settings)
    if known is None:
        return None
    body = {"q": query, "k": settings.k, "per_document": settings.per_document}
    if settings.record_questions:
        body["record"] = True
    body |= {name: value for name in Filters.__slots__ if (value := _plain(getattr(filters, name)))}
    # Imported only here: it brings the mail and TLS modules, and mostly no server is running.
    import http.client

    try:
        status, value = _post(known, body)
    except (OSError, ValueError, http.client.HTTPException):
        return None
    if not isinstance(value, dict):
        return None
    if status == 400:
        raise InvalidQuery(str(value.get("detail", "The server refused the question.")))
    if status != 200 or not value.keys() >= _ANSWER_KEYS:
        return None
    # For whoever follows the question with a feed reader; not part of the answer.
    value.pop("feed", None)
    return value


def running_server(settings: Settings) -> dict[str, str] | None:
    """What this home's server left word of, None when none is running.

    The file outlives a server that was killed, and another memory's server may have its port by now. The lock does
    not; and a server that has the lock but is still starting has not written the file, which is older then.
    """
    file, lock_file = settings.home / SERVER_FILE, settings.home / SERVER_LOCK
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        lock = SharedLock(lock_file)
        if lock.acquire():
            lock.release()
            return None
        is_stale = file.stat().st_mtime_ns < lock_file.stat().st_mtime_ns
    except (OSError, ValueError, StoreError):
        return None
    is_known = isinstance(known, dict) and isinstance(known.get("url"), str)
    return known if is_known and not is_stale else None


def _post(known: Mapping[str, str], body: Mapping[str, Any]) -> tuple[int, Any]:
    """(status, JSON) of the lookup that the server answers."""
    import http.client

    address = urlsplit(known["url"])
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if known.get("token"):
        headers["Authorization"] = f"Bearer {known['token']}"
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=_TIMEOUT_S)
    try:
        connection.request("POST", f"{address.path.rstrip('/')}/api/v1/lookup", json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def _plain(value: Sequence[str] | str | None) -> list[str] | str | None:
    return value if value is None or isinstance(value, str) else list(value)
