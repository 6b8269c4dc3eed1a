"""What went wrong, said once: RFC 9457 problem details under `/api/`, a page elsewhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus

from flask import Flask, Response, g, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from retriever.errors import InvalidQuery, KeyReused, ModelError, NotFound, RetrieverError, StoreError
from retriever.web import texts

logger = logging.getLogger(__name__)

# The first class that fits; what an error of the memory says is for the operator's log, not for a stranger.
_STATUS_OF: tuple[tuple[type[RetrieverError], int, str | None], ...] = (
    (InvalidQuery, 400, None),
    (NotFound, 404, None),
    (KeyReused, 422, None),
    (StoreError, 503, texts.MEMORY_UNAVAILABLE),
    (ModelError, 503, texts.MEMORY_UNAVAILABLE),
    (RetrieverError, 500, texts.UNEXPECTED),
)
_MACHINE_PATHS = ("/api/", "/openapi.json", "/healthz", "/readyz", "/metrics", "/feed")
_KEPT_HEADERS = frozenset(["Allow", "WWW-Authenticate", "Retry-After"])


class Misdirected(HTTPException):
    """The request names a host under which this server is not known."""

    code = 421
    description = texts.MISDIRECTED


class AccessRefused(HTTPException):
    """The request is not let in; says by which challenge it may come again, as RFC 6750 words it."""

    challenge = "Bearer"

    def get_headers(self, *args: object, **kwargs: object) -> list[tuple[str, str]]:
        """The challenge, which RFC 9110 wants beside a 401."""
        return [("WWW-Authenticate", self.challenge)]


class TokenNeeded(AccessRefused):
    """The request came without a token, and asks for `scope`."""

    code = 401

    def __init__(self, scope: str) -> None:
        super().__init__(texts.TOKEN_NEEDED.format(scope=scope))


class TokenUnknown(AccessRefused):
    """The token is nobody's, or was revoked."""

    code = 401
    description = texts.TOKEN_UNKNOWN
    challenge = 'Bearer error="invalid_token"'


class ScopeTooSmall(AccessRefused):
    """The token allows `held`, and `scope` was asked for."""

    code = 403

    def __init__(self, scope: str, held: str) -> None:
        super().__init__(texts.SCOPE_TOO_SMALL.format(scope=scope, held=held))
        self.challenge = f'Bearer error="insufficient_scope", scope="{scope}"'


def wants_machine_answer() -> bool:
    """Whether the request is for a program and not for a person."""
    return request.path.startswith(_MACHINE_PATHS)


def register_problems(app: Flask) -> None:
    """Give `app` its error handlers."""
    app.register_error_handler(RetrieverError, _answer_domain_error)
    app.register_error_handler(CSRFError, _answer_forged_form)
    app.register_error_handler(HTTPException, _answer_http_error)


def _answer_domain_error(error: RetrieverError) -> Response:
    status, shown = next((status, shown) for kind, status, shown in _STATUS_OF if isinstance(error, kind))
    if shown is not None:
        logger.error("Request %s failed: %s", g.get("request_id"), error, exc_info=error)
    return _answer(status, shown or str(error), faults=getattr(error, "faults", ()) or _fault_of(error))


def _fault_of(error: RetrieverError) -> tuple[tuple[str, str], ...]:
    return ((error.field, str(error)),) if isinstance(error, InvalidQuery) else ()


def _answer_forged_form(error: CSRFError) -> Response:
    return _answer(400, texts.FORM_EXPIRED)


def _answer_http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if isinstance(error, InternalServerError):
        return _answer(500, texts.UNEXPECTED)
    kept = {name: value for name, value in error.get_headers() if name in _KEPT_HEADERS}
    return _answer(status, texts.HTTP_ERRORS.get(status) or error.description or "", kept)


def _answer(
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    faults: tuple[tuple[str, str], ...] = (),
) -> Response:
    title = HTTPStatus(status).phrase
    request_id = g.get("request_id", "")
    if wants_machine_answer():
        problem: dict[str, object] = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": detail,
        }
        problem["request_id"] = request_id
        if faults:
            problem["errors"] = [{"parameter": name, "message": sentence} for name, sentence in faults]
        body, media_type = json.dumps(problem, ensure_ascii=False), "application/problem+json"
    else:
        body = render_template("problem.html", status=status, title=title, detail=detail, request_id=request_id)
        media_type = "text/html"
    return Response(body, status, dict(headers or {}), mimetype=media_type)
