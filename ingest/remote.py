"""A memory on another machine, reached through its HTTP API with a token: what sending a folder needs of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import httpx

from retriever.errors import ServerRefused, SourceError, StoreError

_TIMEOUT = httpx.Timeout(connect=10.0, read=300.0, write=60.0, pool=10.0)
# Tries of one request, and the longest pause between two: a server that restarts is back by then.
_TRIES = 6
_LONGEST_PAUSE_S = 60.0
_COME_AGAIN = frozenset([408, 429, 502, 503, 504])
# Paths of files that are gone go in bodies well below what a server takes, as they are written there.
_BODY_BYTES = 60_000
_GONE_AT_ONCE = 1000
_LOOPBACK = frozenset(["localhost", "127.0.0.1", "::1"])


@dataclass(frozen=True, slots=True)
class Destination:
    """Where files go: a source by its name, and how its tables and links are read."""

    source: str
    columns: str = ""
    url_template: str | None = None


class RemoteMemory:
    """A context manager around one server's API. Raises StoreError when it cannot be had, ServerRefused if it says no.

    Requests that meet a busy or restarting server are sent again: every one of them may be.
    """

    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise SourceError(f"{url!r} is no address of a server: give one such as https://lessons.example.")
        self.url = url.rstrip("/")
        self.is_clear_text = address.scheme == "http" and address.hostname not in _LOOPBACK
        # A redirect could lead the token elsewhere, so none is followed.
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=_TIMEOUT,
            transport=transport,
        )

    def __enter__(self) -> RemoteMemory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def files(self, destination: Destination) -> Iterator[Mapping[str, Any]]:
        """Every file of the source, as the server knows it."""
        asked = {"source": destination.source, **({"columns": destination.columns} if destination.columns else {})}
        after: str | None = ""
        while after is not None:
            page = self._ask("GET", "files", asked | ({"after": after} if after else {}))
            yield from page["items"]
            after = page["next"]

    def send(
        self, destination: Destination, path: str, content: bytes, moved_from: str | None = None
    ) -> dict[str, Any]:
        """The server's row of the report about this file."""
        given = {
            "source": destination.source,
            "path": path,
            "more": "true",
            "url_template": destination.url_template,
            "columns": destination.columns,
            "moved_from": moved_from,
        }
        headers = {"Content-Type": "application/octet-stream"}
        asked = {name: value for name, value in given.items() if value}
        return self._ask("POST", "documents", asked, content=content, headers=headers)

    def remove(self, destination: Destination, gone: Sequence[str]) -> Iterator[dict[str, Any]]:
        """What changed as these files went, part by part."""
        part: list[str] = []
        size = 0
        for path in gone:
            part.append(path)
            size += len(json.dumps(path))
            if len(part) == _GONE_AT_ONCE or size > _BODY_BYTES:
                yield self._finish({"source": destination.source, "gone": part, "more": True})
                part, size = [], 0
        if part:
            yield self._finish({"source": destination.source, "gone": part, "more": True})

    def finish(self, destination: Destination) -> dict[str, Any]:
        """What changed when all files had come."""
        return self._finish({"source": destination.source})

    def _finish(self, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        return self._ask("POST", "files", {}, content=json.dumps(body).encode(), headers=headers)

    def _ask(self, method: str, path: str, asked: Mapping[str, Any], **body: Any) -> dict[str, Any]:
        why, pause = "", 0.0
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(min(_LONGEST_PAUSE_S, pause))
            pause = 2.0**attempt
            try:
                response = self._client.request(method, f"{self.url}/api/v1/{path}", params=asked, **body)
            except httpx.TransportError as error:
                why = str(error) or type(error).__name__
                continue
            if response.status_code not in _COME_AGAIN:
                return self._read(response)
            why = _detail(response)
            pause = max(pause, _seconds(response.headers.get("Retry-After", "")))
        raise StoreError(f"The server at {self.url} could not be reached, after {_TRIES} tries: {why}")

    def _read(self, response: httpx.Response) -> dict[str, Any]:
        if response.is_redirect:
            elsewhere = response.headers.get("Location", "")
            raise StoreError(f"The server at {self.url} leads to {elsewhere!r}. If that is right, give that address.")
        if not response.is_success:
            raise ServerRefused(f"{self.url} answers: {_detail(response)}", response.status_code)
        try:
            value = response.json()
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise StoreError(f"What answers at {self.url} is no Lessons server. Give the address of its page.")
        return value


def _detail(response: httpx.Response) -> str:
    try:
        problem = response.json()
        return str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code} {response.reason_phrase}"


def _seconds(header: str) -> float:
    return float(header) if header.isdigit() else 0.0
