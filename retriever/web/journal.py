"""What is written down about each request: a line in the log, and numbers for Prometheus at `/metrics`.

Never a token, an address, a header or a body; the words of a question only when the operator wants them.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from werkzeug.exceptions import HTTPException

from retriever.config import Settings
from retriever.logs import REQUESTS
from retriever.scopes import Holder

if TYPE_CHECKING:
    from retriever.memory import Memory

logger = logging.getLogger(REQUESTS)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# What has no address of ours, and is counted under one name however it was spelled.
_NOWHERE = "none"


class Journal:
    """The log and the numbers of one server."""

    def __init__(self, memory: Memory, settings: Settings) -> None:
        self._memory = memory
        self._logs_questions = settings.log_questions
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "lessons_requests", "Requests answered.", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "lessons_request_seconds", "Time to answer.", ("route",), buckets=_SECONDS, registry=self._registry
        )
        self._holds = Gauge("lessons_held", "What is in the memory.", ("what",), registry=self._registry)
        self._ready = Gauge("lessons_ready", "1 when answers can be given in full.", registry=self._registry)
        ProcessCollector(registry=self._registry)

    def begin(self) -> None:
        """A request has come in."""
        g.began = time.perf_counter()

    def note(self, response: Response) -> Response:
        """The request is answered: write it down."""
        seconds = time.perf_counter() - g.began
        method = request.method if request.url_rule else "other"
        route = request.url_rule.rule if request.url_rule else _NOWHERE
        self._requests.labels(method, route, response.status_code).inc()
        self._seconds.labels(route).observe(seconds)
        if logger.isEnabledFor(logging.INFO):
            self._log(response, route, seconds)
        return response

    def _log(self, response: Response, route: str, seconds: float) -> None:
        holder: Holder | None = g.get("holder")
        line: dict[str, object] = {
            "request_id": g.get("request_id", ""),
            "method": request.method,
            "route": route,
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
            "client": (holder.name or "anyone") if holder else "nobody",
            "scope": holder.scope if holder else None,
        }
        if self._logs_questions and (question := _question()):
            line["question"] = question
        logger.info(" ".join(f"{name}=%({name})r" for name in line), line, extra=line)

    def metrics(self) -> Response:
        """The numbers, in Prometheus' text format."""
        for what, count in self._memory.counts().items():
            self._holds.labels(what).set(count)
        self._ready.set(self._memory.readiness()[0])
        return Response(generate_latest(self._registry), content_type=CONTENT_TYPE_LATEST)


def register_journal(app: Flask, memory: Memory, settings: Settings) -> None:
    """Give `app` its journal; to be called first, so that it sees each request first and each answer last."""
    journal = Journal(memory, settings)
    app.before_request(journal.begin)
    app.after_request(journal.note)
    app.add_url_rule("/metrics", "metrics", journal.metrics)


def _question() -> str:
    """The words that were asked about, "" when none were."""
    if "q" in request.args:
        return request.args["q"]
    try:
        body = request.get_json(silent=True) if request.is_json else None
    except (HTTPException, RecursionError):
        # A body that was refused, for its size or its depth, asks nothing.
        return ""
    return str(body.get("q", "")) if isinstance(body, dict) else ""
