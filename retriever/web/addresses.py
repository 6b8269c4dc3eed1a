"""The page's addresses: one function each, so that templates, cards and forms all name a place the same way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import lru_cache
from urllib.parse import urlencode

from flask import has_request_context, request, url_for

from retriever.lesson import Document, Filters, Lesson


def rooted(path: str) -> str:
    """`path` as the browser knows it: behind the prefix under which a proxy serves this page, if there is one."""
    return (request.script_root if has_request_context() else "") + path


def endpoint_address(endpoint: str, **values: str) -> str:
    """Flask's `url_for` for templates; the addresses that every page has, those without values, are kept."""
    if values:
        return url_for(endpoint, _external=False, **values)
    return _endpoint_address(request.script_root, endpoint)


@lru_cache(maxsize=256)
def _endpoint_address(prefix: str, endpoint: str) -> str:
    # Never the host: that is whatever the request said, and what is kept is shown to others. The prefix is the same.
    return url_for(endpoint, _external=False)


def own_path(target: str, otherwise: str = "/") -> str:
    """`target` if it is a path on this server; `//host` leads elsewhere."""
    is_own = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if is_own else otherwise


def page_address(path: str, filters: Filters, **more: object) -> str:
    """`path` with `filters` and further arguments; those that are None are left out."""
    return page_addresses(path, **more)(filters)


def page_addresses(path: str, **more: object) -> Callable[[Filters], str]:
    """The address of `path` with further arguments, for any filters: a page has dozens, one for each choice."""
    place = rooted(path)
    told = urlencode({name: value for name, value in more.items() if value is not None})

    def address(filters: Filters) -> str:
        arguments = "&".join(part for part in (told, _written(filters)) if part)
        return f"{place}?{arguments}" if arguments else place

    return address


@lru_cache(maxsize=1024)
def _written(filters: Filters) -> str:
    return urlencode(filter_arguments(filters), doseq=True)


def filter_arguments(filters: Filters) -> dict[str, tuple[str, ...] | str]:
    """The filters that are set, as they stand in an address."""
    return {item.name: value for item in fields(filters) if (value := getattr(filters, item.name))}


def document_address(document: Document, arguments: Mapping[str, str] | None = None, fragment: str = "") -> str:
    """A document's page, at one of its places if `fragment` names one."""
    asked = f"?{urlencode(arguments)}" if arguments else ""
    return rooted(f"/documents/{document.id}{asked}") + (f"#{fragment}" if fragment else "")


def lesson_address(lesson: Lesson, what: str = "") -> str:
    """A lesson's page, or what can be done with it there."""
    return rooted(f"/lessons/{lesson.id}" + (f"/{what}" if what else ""))


def markdown_address(lesson: Lesson) -> str:
    """A lesson as Markdown; a text that is no stated lesson is named by its place."""
    return lesson_address(lesson, "markdown")


def question_feed(secret: str) -> str:
    """The private feed of a question, below this server's address."""
    return f"/feed/questions/{secret}.atom"


def lesson_anchor(lesson: Lesson) -> str:
    """The name of a lesson's place in its document."""
    return f"lesson-{lesson.id}"
