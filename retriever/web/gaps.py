"""What nobody has recorded yet, over HTTP: the operations and their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response

from retriever import wire
from retriever.web.api import list_response
from retriever.web.operations import Operation
from retriever.web.parameters import AFTER, LIMIT, Values

if TYPE_CHECKING:
    from retriever.questions import Questions

GAPS = (
    Operation(
        "gaps",
        "GET",
        "/gaps",
        "What people asked and nobody has recorded: by meaning, what is asked most first.",
        "GapList",
        (LIMIT, AFTER),
        errors=(400, 503),
        example="/gaps?limit=5",
    ),
    Operation(
        "dismiss_gap",
        "DELETE",
        "/gaps/{id}",
        "Forget the questions of a gap.",
        "",
        errors=(400, 404, 503),
        scope="contribute",
        status=204,
    ),
)


class GapsResource:
    """The gaps of one memory."""

    def __init__(self, questions: Questions) -> None:
        self.questions = questions

    def gaps(self, values: Values) -> Response:
        """The gaps, page by page."""
        page = self.questions.gaps(limit=values["limit"], after=values["after"])
        return list_response([wire.gap_json(gap) for gap in page.items], page)

    def dismiss_gap(self, _values: Values, id: str) -> Response:
        """Nothing: the questions are forgotten."""
        self.questions.dismiss(id)
        return Response(status=204)
