"""For feed readers and browsers: Atom feeds of what was learned, and the description of the search box.

The feeds follow RFC 4287, `/opensearch.xml` OpenSearch 1.1. A question's own feed is private: whoever has its address
may read it, and nobody else can find it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from xml.etree import ElementTree

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from retriever.config import Settings
from retriever.lesson import Document, Filters, Lesson
from retriever.web import texts
from retriever.web.addresses import document_address, filter_arguments, lesson_anchor, page_address, question_feed
from retriever.web.parameters import FILTERS, filters_of, read_arguments

if TYPE_CHECKING:
    from retriever.memory import Memory
    from retriever.questions import Questions

ENTRIES = 50
_ATOM = "http://www.w3.org/2005/Atom"
_OPENSEARCH = "http://a9.com/-/spec/opensearch/1.1/"
# What XML 1.0 has no way to write.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A feed without an entry has to say when it changed, too.
_LONG_AGO = "1970-01-01T00:00:00Z"

ElementTree.register_namespace("", _ATOM)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed."""

    id: str
    title: str
    text: str
    updated: str
    address: str
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, lesson: Lesson, document: Document, updated: str) -> Entry:
        """The entry of a lesson; it keeps its id for as long as the lesson does."""
        address = document_address(document, {"lesson": lesson.id}, lesson_anchor(lesson))
        meta = document.meta
        return cls(_urn("lesson", lesson.id), document.title, lesson.text, updated, address, meta.authors, meta.tags)


class Feeds:
    """The feeds over one memory."""

    def __init__(self, memory: Memory, settings: Settings, questions: Questions | None) -> None:
        self.memory = memory
        self.settings = settings
        self.questions = questions

    def newest(self) -> Response:
        """What was learned lately; with the filters of a list, of what they leave."""
        filters = filters_of(read_arguments(FILTERS, request.args.to_dict(flat=False)))
        news = self.memory.record.news.newest(filters, ENTRIES)
        entries = [Entry.of(lesson, document, at) for lesson, document, at in news]
        arguments = filter_arguments(filters)
        id = _urn("feed", urlencode(arguments, doseq=True))
        named = ", ".join(value if isinstance(value, str) else " or ".join(value) for value in arguments.values())
        title = f"{texts.NAME}: {named}" if named else f"{texts.NAME}: {texts.FEED_ALL}"
        return self._feed(id, title, page_address("/lessons", filters), entries)

    def question(self, secret: str) -> Response:
        """Whether somebody has learned about one person's question, and what."""
        if self.questions is None:
            raise NotFound
        followed = self.questions.followed(secret)
        entries = []
        if followed.answer is not None and followed.learned_at is not None:
            entries = [Entry.of(hit.lesson, hit.document, followed.learned_at) for hit in followed.answer.hits]
        address = page_address("/", Filters(), q=followed.question)
        title = f"{texts.NAME}: {followed.question[:80]}"
        response = self._feed(_urn("question", secret), title, address, entries, updated=followed.asked_at)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def search_box(self) -> Response:
        """How a browser asks here from its own search box."""
        root = ElementTree.Element("OpenSearchDescription", {"xmlns": _OPENSEARCH})
        for name, text in (
            ("ShortName", texts.NAME),
            ("Description", texts.OPENSEARCH_DESCRIPTION),
            ("InputEncoding", "UTF-8"),
        ):
            ElementTree.SubElement(root, name).text = text
        template = self._absolute(page_address("/ask", Filters())) + "?q={searchTerms}"
        ElementTree.SubElement(root, "Url", {"type": "text/html", "method": "get", "template": template})
        return _xml(root, "application/opensearchdescription+xml")

    def _feed(
        self, id: str, title: str, address: str, entries: Iterable[Entry], *, updated: str = _LONG_AGO
    ) -> Response:
        root = ElementTree.Element(f"{{{_ATOM}}}feed")
        listed = list(entries)
        _add(root, "id", id)
        _add(root, "title", title)
        _add(root, "updated", max([updated, *(entry.updated for entry in listed)]))
        _add(root, "link", rel="self", type="application/atom+xml", href=self._absolute(request.full_path.rstrip("?")))
        _add(root, "link", rel="alternate", type="text/html", href=self._absolute(address))
        _add(_add(root, "author"), "name", texts.NAME)
        for entry in listed:
            self._add_entry(root, entry)
        return _xml(root, "application/atom+xml")

    def _add_entry(self, root: ElementTree.Element, entry: Entry) -> None:
        element = _add(root, "entry")
        _add(element, "id", entry.id)
        _add(element, "title", entry.title)
        _add(element, "updated", entry.updated)
        _add(element, "link", rel="alternate", type="text/html", href=self._absolute(entry.address))
        for author in entry.authors:
            _add(_add(element, "author"), "name", author)
        for tag in entry.tags:
            _add(element, "category", term=tag)
        _add(element, "content", entry.text, type="text")

    def _absolute(self, address: str) -> str:
        """An address on this server as feed readers elsewhere need it; its Host was checked."""
        if not self.settings.public_url:
            return request.host_url.rstrip("/") + address
        return self.settings.public_url.rstrip("/") + address.removeprefix(request.script_root)


def feeds_blueprint(memory: Memory, settings: Settings, questions: Questions | None) -> Blueprint:
    """The feeds at their addresses."""
    blueprint = Blueprint("feeds", __name__)
    feeds = Feeds(memory, settings, questions)
    blueprint.add_url_rule("/feed.atom", "newest", feeds.newest)
    blueprint.add_url_rule("/opensearch.xml", "search_box", feeds.search_box)
    blueprint.add_url_rule(question_feed("<secret>"), "question", feeds.question)
    return blueprint


def _add(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
    clean = {key: _NOT_XML.sub("\ufffd", value) for key, value in attributes.items()}
    element = ElementTree.SubElement(parent, f"{{{_ATOM}}}{name}", clean)
    if text:
        element.text = _NOT_XML.sub("\ufffd", text)
    return element


def _urn(kind: str, name: str) -> str:
    """An address that names it and stays, wherever it is served."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"lessons:{kind}:{name}").urn


def _xml(root: ElementTree.Element, media_type: str) -> Response:
    body = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    response = Response(body, mimetype=media_type)
    response.add_etag()
    response.make_conditional(request)
    return response
