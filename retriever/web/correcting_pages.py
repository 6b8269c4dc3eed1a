"""Correcting: what a reader found of a lesson, and what is put right about it and its document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import flash, g, redirect, render_template, request
from werkzeug.wrappers import Response as Redirect

from retriever.checks import fault_of
from retriever.correcting import Correcting
from retriever.errors import InvalidQuery
from retriever.lesson import VERDICTS
from retriever.web import writing_texts
from retriever.web.addresses import own_path, rooted
from retriever.web.cards import lesson_card
from retriever.web.parameters import Parameter
from retriever.web.view import mended_fields
from retriever.web.visitor import known_visitor, visitor
from retriever.web.writing_operations import MENDS, REMARKS

if TYPE_CHECKING:
    from retriever.memory import Memory

SAYINGS = ("me_too", *VERDICTS)
_SWITCHES = {"hide": ("hidden", True), "show": ("hidden", False), "pin": ("pinned", True), "unpin": ("pinned", False)}


class CorrectingPages:
    """A lesson's own page, and the forms that put things right, over one memory."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.correcting = Correcting(memory)

    def lesson(self, id: str) -> str:
        """One lesson, hidden or not, with what is said about it and the forms that change it."""
        lesson = self.correcting.lesson(id)
        document = self.memory.document(lesson.document_id)
        who = known_visitor()
        return render_template(
            "lesson.html",
            query="",
            card=lesson_card(lesson, document),
            document=document,
            said=self.correcting.said_by(id, who) if who else (),
            mended=mended_fields(document),
        )

    def say(self, id: str) -> Redirect | str:
        """What this reader finds of the lesson counts, once; with `part`, as its script asks, the form as it now is."""
        says = request.form.get("says", "")
        takes_back = says.startswith("not:")
        says = says.removeprefix("not:")
        if says not in SAYINGS:
            raise InvalidQuery(writing_texts.SAY_UNKNOWN.format(", ".join(SAYINGS)), "says")
        change = self.correcting.unsay if takes_back else self.correcting.say
        lesson = change(id, says, visitor())
        if "part" in request.args:
            said = self.correcting.said_by(id, visitor())
            return render_template("saying.html", lesson=lesson, said=said)
        flash(writing_texts.SAID_NO_LONGER if takes_back else writing_texts.SAID)
        return self._back(f"/lessons/{id}")

    def correct(self, id: str) -> Redirect:
        """The lesson is hidden, shown, pinned, or has an owner and a day on which somebody looks at it again."""
        switch = _SWITCHES.get(request.form.get("do", ""))
        if switch is None:
            changes = _changes([item for item in REMARKS if item.name in ("owner", "review_on")])
            self.correcting.remark(id, changes, by=g.holder.name)
        else:
            self.correcting.remark(id, dict([switch]), by=g.holder.name)
        flash(writing_texts.CORRECTED.get(request.form.get("do", ""), writing_texts.CORRECTED["save"]))
        return self._back(f"/lessons/{id}")

    def mend(self, id: str) -> Redirect:
        """The document has the date, severity, team and owner that were typed; an empty field gives back its own."""
        document = self.memory.document(id)
        mended = mended_fields(document)
        changes = {
            name: value
            for name, value in _changes(MENDS).items()
            if value != getattr(document.meta, name) and (value is not None or name in mended)
        }
        if changes:
            self.correcting.mend(id, changes, by=g.holder.name)
        flash(writing_texts.MENDED)
        return self._back(f"/documents/{id}")

    def _back(self, otherwise: str) -> Redirect:
        return redirect(rooted(own_path(request.form.get("next", ""), otherwise)), 303)


def _changes(known: Sequence[Parameter]) -> dict[str, str | None]:
    """What was typed into the form's fields, None where nothing was. Raises InvalidQuery."""
    changes: dict[str, str | None] = {}
    for parameter in known:
        value = request.form.get(parameter.name, "").strip() or None
        fault = fault_of(value, parameter.schema)
        if fault:
            raise InvalidQuery(f"{writing_texts.MEND_FIELDS[parameter.name]} {fault}.", parameter.name)
        changes[parameter.name] = value
    return changes
