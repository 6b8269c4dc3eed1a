"""The HTTP API as one table: its routes, its check of what is sent, and its OpenAPI document come from it."""

from __future__ import annotations

from dataclasses import dataclass

from retriever.config import Settings
from retriever.web.parameters import MARKED, RECORD, Parameter, list_parameters, lookup_parameters

API_PREFIX = "/api/v1"
# A question of the greatest length, in characters of four bytes each, written as JSON, fits twice.
MAX_BODY_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class Operation:
    """One request that the API answers; `returns` names a schema, `example` is a request that works.

    `scope` is what a token must allow, as `web/access.py` sees to; what changes anything asks for more than `read`.
    `status` is that of a request that succeeded; with 204 there is nothing to return. `headers` may come with it.
    With `takes_file` the body is a file of any kind, and the parameters are in the address.
    """

    name: str
    method: str
    path: str
    summary: str
    returns: str
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[int, ...] = (400,)
    example: str = ""
    scope: str = "read"
    status: int = 200
    headers: tuple[Parameter, ...] = ()
    takes_file: bool = False

    @property
    def sends_body(self) -> bool:
        """Whether the parameters come as a JSON body, not in the address."""
        return self.method in ("POST", "PATCH") and not self.takes_file

    @property
    def is_partial(self) -> bool:
        """Whether the body names only what is to change."""
        return self.method == "PATCH"

    @property
    def is_by_id(self) -> bool:
        """Whether the address holds an id."""
        return "{id}" in self.path


# Reading one or listing many: the same on every server.
_READING = (
    Operation(
        "lessons",
        "GET",
        "/lessons",
        "Lessons with their documents, those of the newest document first.",
        "LessonList",
        (*list_parameters(), MARKED),
        example="/lessons?polarity=success&limit=5",
    ),
    Operation(
        "lesson",
        "GET",
        "/lessons/{id}",
        "One lesson with its document.",
        "ListedLesson",
        errors=(400, 404),
    ),
    Operation(
        "documents",
        "GET",
        "/documents",
        "Documents without their text, newest first.",
        "DocumentList",
        list_parameters(),
        example="/documents?limit=5",
    ),
    Operation(
        "document",
        "GET",
        "/documents/{id}",
        "One document with its text and all its lessons.",
        "ShownDocument",
        errors=(400, 404),
    ),
)


def operations(settings: Settings, *, records: bool = False) -> tuple[Operation, ...]:
    """Every operation that reads, in the order in which they are documented; `records` lets questions be kept."""
    lookup = (*lookup_parameters(settings.k, settings.per_document), *((RECORD,) if records else ()))
    return (
        Operation(
            "lookup",
            "GET",
            "/lookup",
            "Has anyone learned something about this? The best lessons, and an honest verdict over them.",
            "Answer",
            lookup,
            (400, 503),
            "/lookup?q=expired+certificate&k=3",
        ),
        Operation(
            "lookup_by_post",
            "POST",
            "/lookup",
            "The same with a JSON body, for questions too long for an address.",
            "Answer",
            lookup,
            (400, 413, 415, 503),
        ),
        *_READING,
    )
