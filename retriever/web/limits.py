"""How often somebody may ask: so many requests a minute for each token, and for each address without one.

The generic cell rate algorithm: one moment is kept for each caller, the one at which all that was asked so far is
paid for. So a caller may spend a minute's requests at once, and then goes on at that rate; no window begins or ends.
Kept in this process, which is the only one that answers.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from retriever.config import Settings
from retriever.scopes import Holder
from retriever.web import texts
from retriever.web.security import is_loopback

PERIOD_S = 60.0
# What a server asks of each caller when its operator has not said: ten a second is more than a person or a bot needs.
DEFAULT_PER_MINUTE = 600
# Callers that are remembered before those that have nothing to pay are looked for and forgotten.
_MANY_CALLERS = 10_000
_UNLIMITED_ENDPOINTS = frozenset(["static", "healthz", "readyz"])


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to a caller; `wait_s` is 0 when the request at hand may go on, else when to come again."""

    limit: int
    remaining: int
    reset_s: int
    wait_s: int = 0


class RateLimit:
    """`per_minute` requests a minute for each caller."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = per_minute
        self._interval = PERIOD_S / per_minute
        self._clock = clock
        self._guard = threading.Lock()
        self._paid_at: dict[str, float] = {}

    def charge(self, caller: str) -> Allowance:
        """One more request by `caller`, or none if that would be too many."""
        with self._guard:
            now = self._clock()
            due = max(self._paid_at.get(caller, now), now) + self._interval
            over = due - now - PERIOD_S
            # Sums of intervals miss the minute by a hair.
            if over > self._interval / 1000:
                return Allowance(self._limit, 0, math.ceil(due - self._interval - now), max(1, math.ceil(over)))
            if len(self._paid_at) >= _MANY_CALLERS:
                self._paid_at = {name: moment for name, moment in self._paid_at.items() if moment > now}
            self._paid_at[caller] = due
            return Allowance(self._limit, int((PERIOD_S - due + now) / self._interval + 1e-6), math.ceil(due - now))


class TooManyRequests(HTTPException):
    """The caller has spent what it may ask in a minute."""

    code = 429

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(texts.TOO_MANY_REQUESTS.format(limit=allowance.limit, wait=allowance.wait_s))
        self.wait_s = allowance.wait_s

    def get_headers(self, *args: object, **kwargs: object) -> list[tuple[str, str]]:
        """When to come again."""
        return [("Retry-After", str(self.wait_s))]


def register_limits(app: Flask, settings: Settings) -> None:
    """Give `app` its limit of requests and the headers that tell of it; to be called once it knows who asks."""
    per_minute = settings.requests_per_minute or _default(settings)
    if not per_minute:
        return
    limit = RateLimit(per_minute)

    def charge() -> None:
        holder: Holder | None = g.get("holder")
        if request.endpoint in _UNLIMITED_ENDPOINTS:
            return
        caller = f"token {holder.name}" if holder and holder.name else f"address {request.remote_addr}"
        g.allowance = limit.charge(caller)
        if g.allowance.wait_s:
            raise TooManyRequests(g.allowance)

    app.before_request(charge)
    app.after_request(_tell)


def _default(settings: Settings) -> int:
    """On loopback everybody is this machine's own, so nobody is slowed down."""
    is_open = is_loopback(settings.host) and not settings.require_token
    return 0 if is_open else DEFAULT_PER_MINUTE


def _tell(response: Response) -> Response:
    allowance: Allowance | None = g.get("allowance")
    if allowance is not None:
        response.headers["RateLimit-Limit"] = str(allowance.limit)
        response.headers["RateLimit-Remaining"] = str(allowance.remaining)
        response.headers["RateLimit-Reset"] = str(allowance.reset_s)
        response.headers["RateLimit-Policy"] = f"{allowance.limit};w={PERIOD_S:.0f}"
    return response
