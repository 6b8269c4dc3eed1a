"""What every request passes and every response carries: known hosts, a request id, closing headers."""

from __future__ import annotations

import ipaddress
import re
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from retriever.config import Settings
from retriever.web.problems import Misdirected

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LOOPBACK_NAMES = frozenset(["localhost", "127.0.0.1", "::1"])
WILDCARDS = frozenset(["", "0.0.0.0", "::"])

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
}
# Answers change with every ingest and may be for one reader only; asking again must ask again.
_CACHE_CONTROL = "private, no-cache"


def register_security(app: Flask, settings: Settings) -> None:
    """Give `app` its checks before a request and its headers after."""
    hosts = KnownHosts(settings)

    def enter() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        if not hosts.know(request.headers.get("Host", "")):
            raise Misdirected

    app.before_request(enter)
    app.after_request(_seal)


def _seal(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", _CACHE_CONTROL)
    response.headers["X-Request-Id"] = g.get("request_id", "")
    return response


class KnownHosts:
    """The names under which this server may be asked.

    A page elsewhere can point its own name at this address and so read what the reader's browser may read
    (DNS rebinding); the browser then still names that page's host.
    """

    def __init__(self, settings: Settings) -> None:
        given = [settings.host, *settings.allowed_hosts.split(",")]
        self.names = {name.strip().casefold().strip("[]") for name in given if name.strip()} | _LOOPBACK_NAMES
        if settings.public_url:
            # Without its port: browsers leave out the usual one, and a proxy may pass on none.
            self.names.add((urlsplit(settings.public_url).hostname or "").casefold())
        self.is_open_to_addresses = settings.host in WILDCARDS

    def know(self, host: str) -> bool:
        """Whether a request with this Host header is meant for us."""
        host = host.casefold()
        name = _without_port(host)
        if host in self.names or name in self.names:
            return True
        # An address in digits cannot be made to point elsewhere.
        return self.is_open_to_addresses and _is_address(name)


def is_loopback(host: str) -> bool:
    """Whether a server bound to `host` is reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if re.search(r":\d+\Z", host) else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
