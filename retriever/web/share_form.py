"""The form by which a lesson is told or reworded: what was typed, read with the same checks as the API's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from retriever.lesson import Lesson
from retriever.record.draft import PreparedShare
from retriever.share import SHARE_SCHEMAS, Share, faults_of
from retriever.web.rendering import render_excerpt

_TEXT_FIELDS = tuple(name for name in SHARE_SCHEMAS if name != "tags")


@dataclass(frozen=True, slots=True)
class ShareForm:
    """What stands in the form's fields, as text, and what is wrong with which."""

    typed: Mapping[str, str]
    faults: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def empty(cls, **typed: str) -> ShareForm:
        """A form to fill in."""
        return cls({**dict.fromkeys(SHARE_SCHEMAS, ""), "polarity": "neutral", **typed})

    @classmethod
    def of(cls, share: Share) -> ShareForm:
        """A form that holds what was told."""
        told = {name: getattr(share, name) or "" for name in _TEXT_FIELDS}
        return cls({**told, "tags": ", ".join(share.tags)})

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> ShareForm:
        """The form as it was sent."""
        form = cls.empty(**{name: sent.get(name, "").strip() for name in SHARE_SCHEMAS if name in sent})
        faults = faults_of(form.values())
        return cls(form.typed, {name: f"This {fault}." for name, fault in faults.items()})

    def values(self) -> dict[str, Any]:
        """What was typed, by field; nothing where nothing was."""
        typed: dict[str, Any] = {name: self.typed[name] for name in _TEXT_FIELDS if self.typed[name]}
        tags = [tag.strip(" #") for tag in self.typed["tags"].split(",")]
        return {**typed, "tags": [tag for tag in tags if tag]} if any(tags) else typed

    def changes(self) -> dict[str, Any]:
        """What was typed as changes to a share: an empty field clears its own."""
        return {**dict.fromkeys(SHARE_SCHEMAS), **self.values()}

    @property
    def share(self) -> Share:
        """The lesson that was typed; to be asked only when nothing is wrong."""
        return Share.of(self.values())


@dataclass(frozen=True, slots=True)
class Preview:
    """A lesson as it will be shown, and how many secrets were taken out of it."""

    title: str
    told: Sequence[tuple[Lesson, Markup]]
    happened: Markup
    redacted: int

    @classmethod
    def of(cls, prepared: PreparedShare) -> Preview:
        """How `prepared` will look."""
        draft = prepared.draft
        told = []
        for item in draft.lessons:
            found = item.finding
            text = draft.text[found.start : found.end]
            lesson = Lesson("", "", text, found.start, found.end, found.kind, found.polarity)
            told.append((lesson, render_excerpt(text)))
        count = sum(number for _, number in prepared.redacted)
        return cls(draft.meta.title or "", told, render_excerpt(prepared.share.happened), count)
