"""The server's log as lines of JSON, for what gathers logs: one object a line, nothing else.

A record's own fields, given as `extra`, stand beside `at`, `level`, `logger` and `message`.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from retriever.config import Settings

# The logger that has one line for each request.
REQUESTS = "retriever.web.requests"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON; times are UTC, RFC 3339."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "at": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)


def set_up_server_logs(settings: Settings) -> None:
    """The process logs as a server is asked to: in JSON if so set, and with a line for each request if so set."""
    if settings.log_format == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonFormatter())
    if settings.log_requests:
        logging.getLogger(REQUESTS).setLevel(logging.INFO)
