"""Browsing: all lessons and all documents, newest first, narrowed and page by page; and the API, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import render_template, request

from retriever.web.addresses import page_address, page_addresses
from retriever.web.cards import lesson_card
from retriever.web.facets import narrowing
from retriever.web.operations import API_PREFIX, Operation
from retriever.web.parameters import AFTER, FILTERS, Values, filters_of, read_arguments
from retriever.web.schemas import SCHEMAS

if TYPE_CHECKING:
    from retriever.memory import Memory

_LISTED = 20


class BrowsingPages:
    """The lists, over one memory."""

    def __init__(self, memory: Memory, table: Sequence[Operation]) -> None:
        self.memory = memory
        self.table = table

    def lessons(self) -> str:
        """All lessons, those of the newest document first."""
        values = _arguments()
        page = self.memory.browse_lessons(filters_of(values), limit=_LISTED, after=values["after"])
        cards = [lesson_card(lesson, document) for lesson, document in page.items]
        filters = filters_of(values)
        feed = page_address("/feed.atom", filters) if filters else None
        return self._list("lessons.html", values, page.next, cards=cards, feed=feed)

    def documents(self) -> str:
        """All documents, newest first."""
        values = _arguments()
        page = self.memory.browse_documents(filters_of(values), limit=_LISTED, after=values["after"])
        return self._list("documents.html", values, page.next, documents=page.items)

    def api(self) -> str:
        """The API for people who read before they call."""
        return render_template("api.html", query="", operations=self.table, prefix=API_PREFIX, schemas=SCHEMAS)

    def _list(self, template: str, values: Values, following: str | None, **items: object) -> str:
        filters = filters_of(values)
        return render_template(
            template,
            query="",
            is_first=values["after"] is None,
            first=page_address(request.path, filters),
            following=page_address(request.path, filters, after=following) if following else None,
            **items,
            **narrowing(self.memory, filters, page_addresses(request.path)),
        )


def _arguments() -> Values:
    return read_arguments([AFTER, *FILTERS], request.args.to_dict(flat=False), strict=False)
