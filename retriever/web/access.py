"""Who may do what, decided here for every request before it is answered.

What a request asks for is a scope: an operation of the API says its own in the table of operations, a page
asks for `read`, and what a page sends for `contribute`. On loopback everybody reads, and the page writes, since
its forms are protected; programs write with a token. Elsewhere nothing goes without one.

Programs send the token as a bearer token with each request. People give it once, in a form; the page then
keeps its digest in a signed cookie that scripts cannot read and other sites cannot send. The token is looked up
at each request, so one that is revoked is of no use at once. Forms are protected against forgery by Flask-WTF;
the API needs no such protection, because it never looks at the cookie.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response, g, redirect, render_template, request, session, url_for
from flask_wtf import CSRFProtect
from werkzeug.wrappers import Response as Redirect

from retriever.config import Settings
from retriever.errors import StoreError
from retriever.scopes import Holder, token_digest
from retriever.web import texts
from retriever.web.addresses import own_path, rooted
from retriever.web.limits import register_limits
from retriever.web.problems import ScopeTooSmall, TokenNeeded, TokenUnknown, wants_machine_answer
from retriever.web.security import is_loopback

if TYPE_CHECKING:
    from retriever.memory import Memory

_PROBES = frozenset(["static", "healthz", "readyz"])
# A question's own feed is open to whoever knows its address.
_OPEN_ENDPOINTS = _PROBES | {"enter", "leave", "feeds.question"}
_SAFE_METHODS = frozenset(["GET", "HEAD", "OPTIONS"])
_THIS_MACHINE = Holder("this machine", "admin")
_SECRET_BYTES = 32


class Access:
    """Decides about each request; `local_token` is what this machine's own commands send.

    `scopes` is {endpoint: scope} where it is not what the method says.
    """

    def __init__(self, memory: Memory, settings: Settings, local_token: str | None, scopes: Mapping[str, str]) -> None:
        self.memory = memory
        self.needs_token = settings.require_token or not is_loopback(settings.host)
        self.scopes = scopes
        self._local_digest = token_digest(local_token) if local_token else ""

    def identify(self) -> None:
        """Find out who asks: `g.holder`, None for somebody unknown."""
        g.holder = None
        if request.endpoint not in _PROBES:
            g.holder = self._program() if _is_program() else self._person()

    def check(self) -> Response | None:
        """Let the request pass, or answer it: raises 401 or 403 for programs, shows the form to people."""
        if request.endpoint in _OPEN_ENDPOINTS:
            return None
        needed = self._needed()
        holder: Holder | None = g.holder
        if holder is not None and holder.may(needed):
            return None
        if holder is not None and holder.name:
            raise ScopeTooSmall(needed, holder.scope)
        if _bearer_token():
            raise TokenUnknown
        if _is_program():
            raise TokenNeeded(needed)
        return _form(_asked_for() if request.method == "GET" else url_for("pages.start"))

    def _needed(self) -> str:
        if request.endpoint is None or request.method == "OPTIONS":
            return "read"
        by_method = "read" if request.method in _SAFE_METHODS else "contribute"
        return self.scopes.get(request.endpoint, by_method)

    def _program(self) -> Holder | None:
        token = _bearer_token()
        if not token:
            return None if self.needs_token else Holder("", "read")
        return self._holder(token_digest(token))

    def _person(self) -> Holder | None:
        holder = self._holder(str(session.get("token", "")))
        return holder or (None if self.needs_token else Holder("", "contribute"))

    def _holder(self, digest: str) -> Holder | None:
        if self._local_digest and hmac.compare_digest(digest.encode("utf-8", "replace"), self._local_digest.encode()):
            return _THIS_MACHINE
        return self.memory.token_holder(digest) if digest else None

    def enter(self) -> Response | Redirect:
        """Take the token from the form and go on to the page that was asked for; without a form, show it."""
        if request.method == "GET":
            return _form(url_for("pages.start"))
        token = request.form.get("token", "").strip()
        target = own_path(request.form.get("next", ""), url_for("pages.start"))
        digest = token_digest(token)
        if self._holder(digest) is None:
            return _form(target, texts.TOKEN_UNKNOWN)
        session.clear()
        session["token"] = digest
        return redirect(target, 303)

    def leave(self) -> Redirect:
        """Forget the token."""
        session.clear()
        return redirect(url_for("pages.start"), 303)


def register_access(app: Flask, access: Access, settings: Settings) -> CSRFProtect:
    """Give `app` its sessions, its forms' protection and its check before each request."""
    app.config.update(
        SECRET_KEY=secret_key(settings.home),
        SESSION_COOKIE_NAME="lessons_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.before_request(access.identify)
    register_limits(app, settings)
    protection = CSRFProtect(app)
    app.before_request(access.check)
    app.add_url_rule("/enter", "enter", access.enter, methods=["GET", "POST"])
    app.add_url_rule("/leave", "leave", access.leave, methods=["POST"])
    app.jinja_env.globals["may"] = may
    return protection


def may(scope: str) -> bool:
    """Whether whoever sent this request is let in where `scope` is asked for; for templates."""
    holder: Holder | None = g.get("holder")
    return holder is not None and holder.may(scope)


def secret_key(home: Path) -> bytes:
    """The key that signs this memory's cookies, made once and readable by its owner only."""
    path = home / "secret"
    try:
        key = path.read_bytes()
        if len(key) == _SECRET_BYTES:
            return key
        key = secrets.token_bytes(_SECRET_BYTES)
        write_private(path, key)
    except FileNotFoundError:
        key = secrets.token_bytes(_SECRET_BYTES)
        write_private(path, key)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}. Mend its permissions or remove it.") from error
    return key


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}. Make room, or mend its folder.") from error


def _is_program() -> bool:
    return wants_machine_answer() or bool(_bearer_token())


def _bearer_token() -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.casefold() == "bearer" else ""


def _form(target: str, fault: str = "") -> Response:
    # A Strict cookie stays at home when a link elsewhere leads here; our own page asking again brings it
    # along.
    came_from_elsewhere = request.headers.get("Sec-Fetch-Site") == "cross-site" and request.method == "GET"
    page = render_template("enter.html", target=target, fault=fault, ask_again=came_from_elsewhere)
    return Response(page, 401 if not came_from_elsewhere else 200)


def _asked_for() -> str:
    arguments = request.query_string.decode("ascii", "replace")
    return rooted(request.path) + (f"?{arguments}" if arguments else "")
