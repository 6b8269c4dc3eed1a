"""The web service: the page for people, the HTTP API for programs, over one Memory.

app         its parts put together
server      gunicorn around it: one process, eight threads
worker      its threads, which slow callers cannot occupy
security    known hosts, request ids, headers
access      tokens, scopes, sessions, forms
limits      how often somebody may ask
journal     each request in the log and at /metrics
operations  the table of the API
parameters  what a request may say, checked
api         the API's answers
writing_operations, writing   the same for what people add and mend
gaps        what nobody has recorded
feeds       Atom feeds, OpenSearch
voices      whose say a request is
openapi     the API's OpenAPI document
schemas     the shapes of its answers
pages       the pages, each in a module of its own: asking_pages, reading_pages, browsing_pages, sharing_pages,
            uploading_pages, correcting_pages, gaps_pages
visitor     the browser that says or asks something
addresses   where each page is
cards       a lesson as it is shown
facets      filters with counts
share_form  the form in which a lesson is told
view        the verdict in words, a document's marks
rendering   Markdown as safe HTML
plain       the same for text without markup
inline_html the HTML in that Markdown
alignment   rendered text back to its source
marks       marked spans and anchors in it
proxy       what a proxy in front changes
problems    errors, for programs and for people
texts, writing_texts   the interface's English
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from retriever.config import Settings
    from retriever.memory import Memory
    from retriever.sharing import Scribe

__all__ = ["create_app"]


def create_app(
    memory: Memory, settings: Settings, *, scribe: Scribe | None = None, local_token: str | None = None
) -> Flask:
    """The web service over `memory` (retriever/web/app.py).

    Imported when it is called: the master of a server, which only watches over its worker, then does without Flask.
    """
    from retriever.web import app

    return app.create_app(memory, settings, scribe=scribe, local_token=local_token)
