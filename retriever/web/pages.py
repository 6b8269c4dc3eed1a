"""Every page at its address. Each works without script; what it does stands in the module named after what one does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import Blueprint

from retriever.config import Settings
from retriever.web.asking_pages import AskingPages
from retriever.web.browsing_pages import BrowsingPages
from retriever.web.operations import Operation
from retriever.web.reading_pages import ReadingPages

if TYPE_CHECKING:
    from retriever.memory import Memory


def pages_blueprint(memory: Memory, settings: Settings, table: Sequence[Operation]) -> Blueprint:
    """The pages over one memory."""
    blueprint = Blueprint("pages", __name__)
    asking = AskingPages(memory, settings)
    browsing = BrowsingPages(memory, table)
    reading = ReadingPages(memory, settings)
    for address, view_function in (
        ("/", asking.start),
        ("/near", asking.near),
        ("/lessons", browsing.lessons),
        ("/lessons/<id>/markdown", reading.lesson_markdown),
        ("/documents", browsing.documents),
        ("/documents/<id>", reading.document),
        ("/documents/<id>/text", reading.document_text),
        ("/api", browsing.api),
    ):
        blueprint.add_url_rule(address, view_function.__name__, view_function)
    return blueprint
