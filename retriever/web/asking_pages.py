"""Asking: the start page, the answer, and the few lessons shown while one types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import redirect, render_template, request, session
from werkzeug.wrappers import Response as Redirect

from retriever.config import Settings
from retriever.correcting import Correcting
from retriever.lesson import NO_FILTERS, Answer, Document, Hit, Lesson, digest, normalised
from retriever.questions import Followed, Questions
from retriever.web import texts, view
from retriever.web.addresses import page_address, page_addresses, question_feed, rooted
from retriever.web.cards import hit_card, lesson_card, near_card
from retriever.web.facets import Choice, label, narrowing
from retriever.web.parameters import Values, filters_of, lookup_parameters, read_arguments
from retriever.web.visitor import known_visitor, questions_waited_for, visitor, wait_for, wait_no_longer
from retriever.web.voices import is_meant

if TYPE_CHECKING:
    from retriever.memory import Memory

_NEAR = 5
_NEWS = 6
_NEWEST_DOCUMENTS = 5
# A document without a lesson is no news; past this many of them the news is short.
_LOOKED_AT = 24
_BROWSE = (("tag", 14), ("team", 8))
# What a newsletter would print first of a document that has many lessons.
_NEWSWORTHY = ("insight", "got_lucky", "cause", "went_well", "went_wrong", "recommendation", "action")


class AskingPages:
    """The pages that answer, over one memory."""

    def __init__(self, memory: Memory, settings: Settings, questions: Questions | None) -> None:
        self.memory = memory
        self.questions = questions
        self.correcting = Correcting(memory)
        self.asked = tuple(
            parameter
            for parameter in lookup_parameters(settings.k, settings.per_document)
            if parameter.name != "per_document"
        )

    def ask(self) -> Redirect:
        """A question that somebody submits: its answer has an address of its own, under which it can be shared.

        Only what comes this way is kept; the address alone, shared or loaded again, is not.
        """
        if is_meant():
            # The question itself may be longer than a cookie.
            session["asked"] = digest("asked", request.args.get("q", "").strip())
        given = {name: values for name, values in request.args.to_dict(flat=False).items() if any(values)}
        return redirect(rooted("/") + "?" + urlencode(given, doseq=True), 303)

    def start(self) -> str:
        """The question's answer, or without a question what there is to ask about."""
        if not request.args.get("q", "").strip():
            return self._welcome()
        values = self._arguments()
        filters = filters_of(values)
        query = values["q"].strip()
        answer = self.memory.ask(query, k=values["k"], filters=filters)
        feed = self._note(answer, is_filtered=bool(filters))
        who = known_visitor()
        more = min(values["k"] * 2, 100)
        may_be_more = len(answer.hits) == values["k"] < more
        return render_template(
            "answer.html",
            query=query,
            cards=[hit_card(hit, query, self._said(hit, who)) for hit in answer.hits],
            verdict=view.verdict(answer, filters),
            feed=rooted(question_feed(feed)) if feed else None,
            learned=self._learned(),
            more=page_address(request.path, filters, q=query, k=more) if may_be_more else None,
            **narrowing(self.memory, filters, page_addresses(request.path, q=query)),
        )

    def _note(self, answer: Answer, *, is_filtered: bool) -> str | None:
        """The secret of the private feed of a question that was submitted just now and has no answer yet."""
        was_submitted = session.pop("asked", None) == digest("asked", answer.query)
        if self.questions is None or not was_submitted:
            return None
        feed = self.questions.note(answer, is_filtered=is_filtered, voice=visitor())
        if feed:
            wait_for(feed)
        return feed

    def _learned(self) -> list[Followed]:
        """The questions of this browser that somebody has learned about; each is told once."""
        if self.questions is None:
            return []
        news = {secret: self.questions.news(secret) for secret in questions_waited_for()}
        learned = {secret: told for secret, told in news.items() if told is not None}
        for secret in learned:
            wait_no_longer(secret)
        return list(learned.values())

    def _said(self, hit: Hit, who: str | None) -> tuple[str, ...]:
        return self.correcting.said_by(hit.lesson.id, who) if who and hit.lesson.stated else ()

    def near(self) -> str:
        """The few lessons nearest to what is being typed, each of another document: a fragment, never recorded."""
        values = self._arguments()
        query = values["q"].strip()
        answer = self.memory.ask(query, k=_NEAR, per_document=1, filters=filters_of(values))
        # Half a question deserves no verdict of "nobody"; a whole one gets it when it is asked.
        says = texts.ANSWERED if answer.answered else texts.NEAR_SO_FAR if answer.hits else texts.NEAR_NOTHING
        return render_template("near.html", cards=[near_card(hit, query) for hit in answer.hits], says=says)

    def _arguments(self) -> Values:
        return read_arguments(self.asked, request.args.to_dict(flat=False), strict=False)

    def _welcome(self) -> str:
        counts = self.memory.counts()
        if not counts["documents"]:
            return render_template("empty.html", query="")
        documents = self.memory.browse_documents(NO_FILTERS, limit=_LOOKED_AT, after=None).items
        return render_template(
            "start.html",
            query="",
            counts=counts,
            learned=self._learned(),
            cards=[lesson_card(lesson, document) for lesson, document in self._news(documents)],
            documents=documents[:_NEWEST_DOCUMENTS],
            browse=self._ways_to_browse(),
        )

    def _news(self, documents: Iterable[Document]) -> list[tuple[Lesson, Document]]:
        """One lesson of each of the newest documents that have any."""
        news: list[tuple[Lesson, Document]] = []
        for document in documents:
            title = normalised(document.title)
            lessons = [item for item in self.memory.lessons_of(document.id) if normalised(item.text) not in title]
            if lessons:
                news.append((min(lessons, key=_newsworthiness), document))
            if len(news) == _NEWS:
                break
        return news

    def _ways_to_browse(self) -> list[tuple[str, list[Choice]]]:
        counted = self.memory.facets()
        return [
            (texts.FACETS[name], [_way(name, value, count) for value, count in counted[name][:most]])
            for name, most in _BROWSE
            if counted[name]
        ]


def _newsworthiness(lesson: Lesson) -> tuple[int, int]:
    return _NEWSWORTHY.index(lesson.kind) if lesson.kind in _NEWSWORTHY else len(_NEWSWORTHY), lesson.start


def _way(name: str, value: str, count: int) -> Choice:
    return Choice(label(name, value), count, False, page_address("/lessons", NO_FILTERS, **{name: value}))
