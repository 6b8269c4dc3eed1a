"""Gaps: what people asked and nobody has recorded yet, with a way to say "I know this"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response as Redirect

from retriever.lesson import NO_FILTERS
from retriever.web import writing_texts
from retriever.web.addresses import page_address, rooted
from retriever.web.parameters import AFTER, read_arguments

if TYPE_CHECKING:
    from retriever.questions import Questions

_LISTED = 20


class GapsPages:
    """The page of open questions, over one memory."""

    def __init__(self, questions: Questions) -> None:
        self.questions = questions

    def gaps(self) -> str:
        """What nobody has recorded, by meaning, what is asked most first."""
        after = read_arguments([AFTER], request.args.to_dict(flat=False), strict=False)["after"]
        page = self.questions.gaps(limit=_LISTED, after=after)
        return render_template(
            "gaps.html",
            query="",
            gaps=page.items,
            is_first=after is None,
            first=page_address(request.path, NO_FILTERS),
            following=page_address(request.path, NO_FILTERS, after=page.next) if page.next else None,
        )

    def dismiss_gap(self, id: str) -> Redirect:
        """The questions of that gap are forgotten."""
        self.questions.dismiss(id)
        flash(writing_texts.GAP_DISMISSED)
        return redirect(rooted("/gaps"), 303)
