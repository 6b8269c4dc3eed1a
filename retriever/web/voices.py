"""Whose say a request is: each token has one voice; and whether it was meant. For browsers see visitor."""

from __future__ import annotations

from flask import g, request


def voice() -> str:
    """The voice of a program: that of its token, "" without one."""
    return f"token:{g.holder.name}" if g.holder.name else ""


def is_meant() -> bool:
    """Whether a person or program of ours sent the request, and no page elsewhere that merely names our address."""
    return request.headers.get("Sec-Fetch-Site") != "cross-site"
