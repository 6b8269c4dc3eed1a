"""The application: every part of the web service put together over one memory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from jinja2 import StrictUndefined

from retriever.config import Settings
from retriever.questions import Questions
from retriever.sharing import Scribe, Sharing
from retriever.web import texts, writing_texts
from retriever.web.access import Access, register_access
from retriever.web.addresses import endpoint_address, lesson_address
from retriever.web.api import Reading, api_blueprint, json_response
from retriever.web.feeds import feeds_blueprint
from retriever.web.gaps import GAPS, GapsResource
from retriever.web.journal import register_journal
from retriever.web.operations import MAX_BODY_BYTES, operations
from retriever.web.pages import pages_blueprint
from retriever.web.problems import register_problems
from retriever.web.proxy import register_proxy
from retriever.web.security import register_security
from retriever.web.view import TEMPLATE_FILTERS
from retriever.web.visitor import register_visitor
from retriever.web.writing import Writing
from retriever.web.writing_operations import WRITING

if TYPE_CHECKING:
    from retriever.memory import Memory

# What every template may use.
_TEMPLATE_NAMES = {
    "t": texts,
    "w": writing_texts,
    "url_for": endpoint_address,
    "lesson_address": lesson_address,
}


def create_app(
    memory: Memory, settings: Settings, *, scribe: Scribe | None = None, local_token: str | None = None
) -> Flask:
    """The web service over `memory`; `local_token`, if given, opens it to this machine's own commands.

    `scribe` makes documents of what people add; without one the service only reads.
    `settings.host` and `settings.port` are where it will listen: they decide whether reading needs a token,
    and under which host names it may be asked.
    """
    app = Flask(__name__, static_folder="static", template_folder="templates")
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(TEMPLATE_FILTERS)

    sharing = Sharing(memory, scribe) if scribe else None
    questions = Questions(memory, scribe.redact) if scribe else None
    table = (*operations(settings, records=questions is not None), *((*GAPS, *WRITING) if scribe else ()))
    access = Access(memory, settings, local_token, {f"api.{operation.name}": operation.scope for operation in table})
    app.jinja_env.globals.update(_TEMPLATE_NAMES, asset=_asset_addresses(app))
    app.jinja_env.globals.update(needs_token=access.needs_token, can_write=sharing is not None)
    register_journal(app, memory, settings)
    register_security(app, settings)
    register_problems(app)
    register_visitor(app)
    protection = register_access(app, access, settings)
    resources: list[object] = [Reading(memory, questions)]
    if sharing and questions:
        resources += [GapsResource(questions), Writing(memory, sharing)]
    api = api_blueprint(table, resources, needs_token=access.needs_token, server_url=settings.public_url)
    # The API knows no cookie, so no other site can act through it in a reader's name.
    protection.exempt(api)
    app.register_blueprint(api)
    app.register_blueprint(pages_blueprint(memory, settings, table, sharing, questions))
    app.register_blueprint(feeds_blueprint(memory, settings, questions))
    _register_health(app, memory)
    register_proxy(app, settings)
    return app


def _register_health(app: Flask, memory: Memory) -> None:
    def healthz() -> Response:
        return json_response({"status": "alive"})

    def readyz() -> Response:
        is_ready, reasons = memory.readiness()
        return json_response({"ready": is_ready, "reasons": list(reasons)}, 200 if is_ready else 503)

    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)


def _asset_addresses(app: Flask) -> object:
    """A function from a static file's name to its address, which changes with the content: it may be kept."""
    folder = Path(app.static_folder or "")
    versions = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in folder.iterdir()}

    def asset(name: str) -> str:
        return endpoint_address("static", filename=name, v=versions[name])

    @app.after_request
    def keep(response: Response) -> Response:
        # The font's name holds its version, because the style sheet names it without our help.
        is_named_by_content = request.args.get("v") in versions.values() or request.path.endswith(".woff2")
        if request.endpoint == "static" and is_named_by_content:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    return asset
