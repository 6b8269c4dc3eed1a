"""Whose one say it is: a token's, or that of a browser, which is given a random name to be known again by."""

from __future__ import annotations

import re
import secrets

from flask import Flask, Response, current_app, g, request

from retriever.lesson import digest

COOKIE = "lessons_visitor"
_NAME = re.compile(r"[0-9a-f]{32}")
_KEPT_S = 365 * 24 * 3600


def visitor() -> str:
    """The name under which this reader's say and questions are kept; it leads to nobody.

    A browser is given its name when it first says or asks something, and never for reading.
    """
    if g.holder.name:
        return f"token:{g.holder.name}"
    known = known_visitor()
    if known is None:
        g.new_visitor = secrets.token_hex(16)
        known = _named(g.new_visitor)
    return known


def known_visitor() -> str | None:
    """The same for a reader who said or asked something before, else None."""
    if g.holder.name:
        return f"token:{g.holder.name}"
    name = g.get("new_visitor") or request.cookies.get(COOKIE, "")
    return _named(name) if _NAME.fullmatch(name) else None


def register_visitor(app: Flask) -> None:
    """Have `app` hand new names out."""
    app.after_request(_hand_out)


def _hand_out(response: Response) -> Response:
    if name := g.get("new_visitor"):
        response.set_cookie(
            COOKIE,
            name,
            max_age=_KEPT_S,
            path=current_app.config["SESSION_COOKIE_PATH"] or "/",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Strict",
        )
    return response


def _named(name: str) -> str:
    # What is kept does not give the cookie away.
    return f"browser:{digest('visitor', name)}"
