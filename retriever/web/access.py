"""Who may read: everybody on loopback, holders of a token elsewhere.

Programs send the token as a bearer token with each request. People give it once, in a form; the page then
keeps it in a signed cookie that scripts cannot read and other sites cannot send. The token is looked up at
each request, so one that is revoked is of no use at once. Forms are protected against forgery by Flask-WTF;
the API needs no such protection, because it never looks at the cookie.
"""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response, redirect, render_template, request, session, url_for
from flask_wtf import CSRFProtect
from werkzeug.wrappers import Response as Redirect

from retriever.config import Settings
from retriever.errors import StoreError
from retriever.web import texts
from retriever.web.problems import TokenNeeded, wants_machine_answer
from retriever.web.security import is_loopback

if TYPE_CHECKING:
    from retriever.memory import Memory

_OPEN_ENDPOINTS = frozenset(["static", "healthz", "readyz", "enter"])
_SECRET_BYTES = 32


class Access:
    """Decides about each request; `local_token` is what this machine's own commands send."""

    def __init__(self, memory: Memory, settings: Settings, local_token: str | None) -> None:
        self.memory = memory
        self.needs_token = not is_loopback(settings.host)
        self.local_token = local_token

    def scope(self, token: str) -> str | None:
        """What `token` allows: "read", "contribute" or "admin"; None if it is not one of ours."""
        if not token:
            return None
        if self.local_token and hmac.compare_digest(token.encode("utf-8", "replace"), self.local_token.encode()):
            return "admin"
        return self.memory.token_scope(token)

    def check(self) -> Response | None:
        """Let the request pass, or answer it: raises TokenNeeded for programs, shows the form to people."""
        if request.endpoint in _OPEN_ENDPOINTS:
            return None
        if wants_machine_answer():
            if self.scope(_bearer_token()) is None:
                raise TokenNeeded
            return None
        return None if self.scope(session.get("token", "")) else _form(request.full_path.rstrip("?"))

    def enter(self) -> Response | Redirect:
        """Take the token from the form and go on to the page that was asked for."""
        token = request.form.get("token", "").strip()
        target = _own_path(request.form.get("next", ""))
        if self.scope(token) is None:
            return _form(target, texts.TOKEN_UNKNOWN)
        session.clear()
        session["token"] = token
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
    protection = CSRFProtect(app)
    if access.needs_token:
        app.before_request(access.check)
        app.add_url_rule("/enter", "enter", access.enter, methods=["POST"])
        app.add_url_rule("/leave", "leave", access.leave, methods=["POST"])
    return protection


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


def _bearer_token() -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.casefold() == "bearer" else ""


def _form(target: str, fault: str = "") -> Response:
    # A Strict cookie stays at home when a link elsewhere leads here; our own page asking again brings it
    # along.
    came_from_elsewhere = request.headers.get("Sec-Fetch-Site") == "cross-site" and request.method == "GET"
    page = render_template("enter.html", target=target, fault=fault, ask_again=came_from_elsewhere)
    return Response(page, 401 if not came_from_elsewhere else 200)


def _own_path(target: str) -> str:
    """`target` if it is a path on this server, else the start page; `//host` leads elsewhere."""
    is_own = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if is_own else "/"
