"""Whose say a request is: each token, and each browser without one, has one voice; and whether it was meant."""

from __future__ import annotations

import secrets

from flask import g, request, session


def voice() -> str:
    """The voice of a program: that of its token, "" without one."""
    return f"token:{g.holder.name}" if g.holder.name else ""


def browser_voice() -> str:
    """The voice of a page's reader: that of their token, else of their browser, which keeps it in its cookie."""
    known = voice()
    if known:
        return known
    if "voice" not in session:
        session["voice"] = secrets.token_urlsafe(12)
        session.permanent = True
    return f"browser:{session['voice']}"


def is_meant() -> bool:
    """Whether a person or program of ours sent the request, and no page elsewhere that merely names our address."""
    return request.headers.get("Sec-Fetch-Site") != "cross-site"
