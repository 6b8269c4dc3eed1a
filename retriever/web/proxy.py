"""What a proxy in front changes: who asks, and the path under which the service is reached.

Nothing of it is believed unless a setting says so: `trusted_proxies` how many addresses in X-Forwarded-For are our own
proxies' word, and `public_url` the path. Scheme and host are never taken from a header.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from retriever.config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def path_prefix(public_url: str) -> str:
    """The path of `public_url` without its last slash: "" when the service has a host to itself."""
    return urlsplit(public_url).path.rstrip("/")


def register_proxy(app: Flask, settings: Settings) -> None:
    """Wrap `app` in what its settings say about proxies."""
    prefix = path_prefix(settings.public_url)
    app.config["SESSION_COOKIE_PATH"] = prefix or "/"
    if prefix:
        app.wsgi_app = _Prefixed(app.wsgi_app, prefix)  # type: ignore[method-assign]
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0, x_host=0, x_port=0, x_prefix=0
        )


class _Prefixed:
    """The service below a path; what comes without the path, as from this machine's commands, is served too.

    A proxy that takes the path away has to say so in X-Forwarded-Prefix: `/lessons` below `/lessons` would otherwise
    be taken for the path itself.
    """

    def __init__(self, inner: WSGIApplication, prefix: str) -> None:
        self._inner = inner
        self._prefix = prefix

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The answer, whose links begin with the prefix."""
        path = environ.get("PATH_INFO", "")
        is_taken_away = environ.get("HTTP_X_FORWARDED_PREFIX", "").rstrip("/") == self._prefix
        if not is_taken_away and (path == self._prefix or path.startswith(self._prefix + "/")):
            environ["PATH_INFO"] = path[len(self._prefix) :] or "/"
        environ["SCRIPT_NAME"] = self._prefix
        return self._inner(environ, start_response)
