"""The operations that write: each checked by its table, done by the memory, and answered with what now stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, g, request, url_for

from retriever import wire
from retriever.checks import fault_of
from retriever.correcting import Correcting
from retriever.share import Share
from retriever.sharing import SentFile
from retriever.web.api import json_response
from retriever.web.parameters import InvalidParameters, Values
from retriever.web.voices import voice
from retriever.web.writing_operations import IDEMPOTENCY_KEY, REMARKS

if TYPE_CHECKING:
    from retriever.lesson import Lesson
    from retriever.memory import Memory
    from retriever.sharing import Sharing


_REMARKED = frozenset(parameter.name for parameter in REMARKS)


class Writing:
    """What people add and mend, over one memory."""

    def __init__(self, memory: Memory, sharing: Sharing) -> None:
        self.memory = memory
        self.sharing = sharing
        self.correcting = Correcting(memory)

    def share_lesson(self, values: Values) -> Response:
        """The lesson as it was recorded, now or when the same request came before."""
        shared = self.sharing.share(Share.of(values), by=g.holder.name, key=_idempotency_key())
        response = json_response(wire.shared_lesson_json(shared), 201)
        response.headers["Location"] = url_for("api.lesson", id=shared.lesson.id)
        return response

    def similar_lessons(self, values: Values) -> Response:
        """The lessons that are like it, the nearest first."""
        hits = self.sharing.similar(values["text"], values["k"])
        return json_response({"items": [wire.hit_json(hit) for hit in hits]})

    def change_lesson(self, values: Values, id: str) -> Response:
        """The lesson as it now stands."""
        by = g.holder.name
        retold = {name: value for name, value in values.items() if name not in _REMARKED}
        shared = self.sharing.edit(id, retold, by=by) if retold else None
        remarked = {name: value for name, value in values.items() if name in _REMARKED}
        lesson = self.correcting.remark(id, remarked, by=by) if remarked else self.correcting.lesson(id)
        document = self.memory.document(lesson.document_id)
        return json_response(
            {
                **wire.listed_lesson_json(lesson, document),
                "shared": told.as_json() if (told := self.sharing.told(id)) else None,
                "redacted": dict(shared.redacted) if shared else {},
            }
        )

    def give_feedback(self, values: Values, id: str) -> Response:
        """The lesson, counting it."""
        return self._listed(self.correcting.say(id, values["says"], voice()))

    def take_feedback_back(self, values: Values, id: str) -> Response:
        """The lesson, not counting it."""
        return self._listed(self.correcting.unsay(id, values["says"], voice()))

    def mend_document(self, values: Values, id: str) -> Response:
        """The document as it is now known."""
        return json_response(wire.document_json(self.correcting.mend(id, values, by=g.holder.name)))

    def _listed(self, lesson: Lesson) -> Response:
        return json_response(wire.listed_lesson_json(lesson, self.memory.document(lesson.document_id)))

    def send_document(self, values: Values) -> Response:
        """What came of the file."""
        request.max_content_length = int(self.memory.settings.max_file_mb * 1e6)
        sent = SentFile(content=request.get_data(), **values)
        row = self.sharing.upload(sent)
        documents = [{**item, "link": wire.document_link(item["id"])} for item in row["documents"]]
        return json_response({**row, "documents": documents})

    def sent_files(self, values: Values) -> Response:
        """The files of a source, page by page."""
        return json_response(self.sharing.files(**values))

    def finish_files(self, values: Values) -> Response:
        """What changed when all had come."""
        return json_response(self.sharing.finish(**values))

    def forget_document(self, _values: Values, id: str) -> Response:
        """Nothing: the document is gone."""
        self.memory.forget(self.memory.document(id).id)
        return Response(status=204)

    def withdraw_lesson(self, _values: Values, id: str) -> Response:
        """Nothing: the lesson is gone, or hidden."""
        if self.sharing.told(id):
            self.sharing.withdraw(id)
        else:
            self.correcting.remark(id, {"hidden": True}, by=g.holder.name)
        return Response(status=204)


def _idempotency_key() -> str:
    key = request.headers.get(IDEMPOTENCY_KEY.name, "")
    fault = fault_of(key, IDEMPOTENCY_KEY.schema) if key else None
    if fault:
        raise InvalidParameters([(IDEMPOTENCY_KEY.name, f"The header {IDEMPOTENCY_KEY.name} {fault}.")])
    return key
