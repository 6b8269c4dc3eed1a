"""A browser that said or asked something: the random name it is known again by, and the questions it waits for.

Both are cookies of their own, which no script reads and no other site sends, and neither leads to anybody. A reader
with a token is known by its name instead, and reading alone hands out nothing.
"""

from __future__ import annotations

import re
import secrets

from flask import Flask, Response, current_app, g, request

from retriever.lesson import digest
from retriever.web.voices import voice

NAME_COOKIE = "lessons_visitor"
QUESTIONS_COOKIE = "lessons_questions"
# The newest are kept; each is the secret of its private feed.
MAX_QUESTIONS = 8
_NAME = re.compile(r"[0-9a-f]{32}")
_SECRET = re.compile(r"[\w-]{20,64}")
_NAME_KEPT_S = 365 * 24 * 3600
_QUESTIONS_KEPT_S = 90 * 24 * 3600


def visitor() -> str:
    """The voice of this reader; a browser is given its name when this is first asked for."""
    known = known_visitor()
    if known is None:
        g.new_visitor = secrets.token_hex(16)
        known = _named(g.new_visitor)
    return known


def known_visitor() -> str | None:
    """The same for a reader who said or asked something before, else None."""
    name = g.get("new_visitor") or request.cookies.get(NAME_COOKIE, "")
    return voice() or (_named(name) if _NAME.fullmatch(name) else None)


def questions_waited_for() -> tuple[str, ...]:
    """The secrets of the questions of which this browser wants to hear, newest first."""
    if "waited_for" not in g:
        sent = request.cookies.get(QUESTIONS_COOKIE, "").split(".")
        g.waited_for = tuple(secret for secret in sent if _SECRET.fullmatch(secret))[:MAX_QUESTIONS]
    waited_for: tuple[str, ...] = g.waited_for
    return waited_for


def wait_for(secret: str) -> None:
    """This browser wants to hear of one more question."""
    others = [other for other in questions_waited_for() if other != secret]
    _wait_for([secret, *others][:MAX_QUESTIONS])


def wait_no_longer(secret: str) -> None:
    """It has heard of that one."""
    _wait_for([other for other in questions_waited_for() if other != secret])


def register_visitor(app: Flask) -> None:
    """Have `app` send what became new."""
    app.after_request(_send)


def _wait_for(waited_for: list[str]) -> None:
    g.waited_for = tuple(waited_for)
    g.waits_anew = True


def _send(response: Response) -> Response:
    if name := g.get("new_visitor"):
        _set_cookie(response, NAME_COOKIE, name, _NAME_KEPT_S)
    if g.get("waits_anew"):
        _set_cookie(response, QUESTIONS_COOKIE, ".".join(g.waited_for), _QUESTIONS_KEPT_S)
    return response


def _set_cookie(response: Response, name: str, value: str, max_age_s: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=max_age_s,
        path=current_app.config["SESSION_COOKIE_PATH"] or "/",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Strict",
    )


def _named(name: str) -> str:
    # What is kept does not give the cookie away.
    return f"browser:{digest('visitor', name)}"
