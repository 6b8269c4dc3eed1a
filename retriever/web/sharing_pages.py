"""Sharing: a lesson is told in a form, looked at, reworded, withdrawn; each form works without script."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flask import Response, flash, g, redirect, render_template, request
from werkzeug.wrappers import Response as Redirect

from retriever.sharing import Shared, Sharing
from retriever.web import writing_texts
from retriever.web.addresses import document_address, lesson_anchor, rooted
from retriever.web.cards import near_card
from retriever.web.share_form import Preview, ShareForm

if TYPE_CHECKING:
    from retriever.memory import Memory


class SharingPages:
    """The pages by which people share, over one memory."""

    def __init__(self, memory: Memory, sharing: Sharing) -> None:
        self.memory = memory
        self.sharing = sharing

    def share(self) -> str:
        """The form; `learned` and `title` in the address begin it."""
        begun = {name: request.args[name] for name in ("learned", "title", "happened") if request.args.get(name)}
        return self._form(ShareForm.empty(**begun), "")

    def tell(self) -> Response | Redirect | str:
        """The lesson is shared; or shown as it will look; or the form says what is missing."""
        form = ShareForm.read(request.form)
        if form.faults:
            return Response(self._form(form, ""), 400)
        if request.form.get("do") == "preview":
            return self._form(form, "", Preview.of(self.sharing.preview(form.share)))
        shared = self.sharing.share(form.share, by=g.holder.name, key=request.form.get("key", "")[:64])
        return self._done(shared, writing_texts.SHARED)

    def edit(self, id: str) -> str:
        """The form with what was told."""
        shared = self.sharing.shared(id)
        return self._form(ShareForm.of(shared.share), shared.lesson.id)

    def reword(self, id: str) -> Response | Redirect | str:
        """The lesson reads as the form says."""
        form = ShareForm.read(request.form)
        if form.faults:
            return Response(self._form(form, id), 400)
        if request.form.get("do") == "preview":
            return self._form(form, id, Preview.of(self.sharing.preview(form.share)))
        return self._done(self.sharing.edit(id, form.changes(), by=g.holder.name), writing_texts.REWORDED)

    def withdraw(self, id: str) -> Redirect:
        """The lesson is gone."""
        self.sharing.withdraw(id)
        flash(writing_texts.WITHDRAWN)
        return redirect(rooted("/"), 303)

    def alike(self) -> str:
        """What somebody has learned that is like what is being typed: a fragment, never recorded."""
        told = request.args.get("learned", "").strip() or request.args.get("happened", "").strip()
        return render_template("alike.html", **self._alike(told))

    def _alike(self, told: str) -> dict[str, object]:
        return {"alike": [near_card(hit, "") for hit in self.sharing.similar(told)], "is_told": bool(told)}

    def _form(self, form: ShareForm, id: str, preview: Preview | None = None) -> str:
        return render_template(
            "share.html",
            query="",
            form=form,
            id=id,
            key=request.form.get("key", "") or secrets.token_hex(16),
            preview=preview,
            **self._alike(form.typed["learned"] if preview and not id else ""),
        )

    def _done(self, shared: Shared, said: str) -> Redirect:
        flash(said)
        count = sum(number for _, number in shared.redacted)
        if count:
            flash(writing_texts.REDACTED.format(count))
        lesson = shared.lesson
        return redirect(document_address(shared.document, {"lesson": lesson.id}, lesson_anchor(lesson)), 303)
