"""What a person tells, made into a document: redacted, then drafted with its lessons where the person put them.

`Scribe` is what the web service and the terminal are given for it, so that the core needs to know nothing of ingest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ingest.drafts import draft_lesson, put_together
from ingest.embedding import embedded, read_texts
from ingest.language import language_of
from ingest.names import names_of
from ingest.redact import redact
from ingest.sent_sources import finish_sending, list_files
from ingest.titles import title_from_prose
from ingest.uploads import ingest_sent
from retriever.lesson import Finding, Metadata
from retriever.record.draft import Draft, PreparedShare
from retriever.record.shares import next_lesson_id
from retriever.share import LEARNED, NEXT, Share, share_text

if TYPE_CHECKING:
    from retriever.embedder import Embedder
    from retriever.memory import Memory
    from retriever.sharing import SentFile

_TEXTS = ("learned", "happened", "next", "title", "team", "author", "link")


class Scribe:
    """Makes documents of what people tell and send."""

    def redact(self, text: str) -> str:
        """The text without secrets and mail addresses."""
        return redact(text).text

    def prepare(self, share: Share, identity: str, embedder: Embedder) -> PreparedShare:
        """The share as it may be stored, with the document that is made of it; `identity` is its lesson's id."""
        clean, redacted = redact_share(share)
        draft = share_draft(clean, identity)
        read = read_texts(draft.plains, embedder)
        return PreparedShare(clean, draft, embedded(draft, read, embedder), redacted)

    def read(self, memory: Memory, sent: SentFile) -> dict[str, Any]:
        """What came of the file, which the memory now holds, as JSON: its row of an ingest's report."""
        return ingest_sent(memory, sent, int(memory.settings.max_file_mb * 1e6), names_of(memory.settings))

    def list_files(self, memory: Memory, source: str, *, columns: str | None, limit: int, after: str | None) -> Any:
        """The files of a source as they were last read, a page of them, as JSON."""
        return list_files(memory, source, (columns, names_of(memory.settings)), limit, after)

    def finish(self, memory: Memory, source: str, gone: Sequence[str], *, more: bool) -> dict[str, Any]:
        """What changed when those that are `gone` were removed and, without `more`, all had come, as JSON."""
        return finish_sending(memory, source, frozenset(gone), more=more)


def redact_share(share: Share) -> tuple[Share, tuple[tuple[str, int], ...]]:
    """The share without secrets and mail addresses and with a date, and how many each rule took.

    A link with a secret in it would lead nowhere without: it is left out.
    """
    counts: Counter[str] = Counter()

    def clean(text: str) -> str:
        redaction = redact(text)
        counts.update(dict(redaction.counts))
        return redaction.text

    texts: dict[str, Any] = {name: clean(value) for name in _TEXTS if (value := getattr(share, name))}
    if texts.get("link") != share.link:
        texts["link"] = None
    tags = tuple(clean(tag) for tag in share.tags)
    date = share.date or datetime.now(UTC).strftime("%Y-%m-%d")
    return replace(share, **texts, tags=tags, date=date), tuple(sorted(counts.items()))


def share_draft(share: Share, identity: str) -> Draft:
    """The document of a share: the lesson, and what to do next time as a recommendation, with ids that stay."""
    told = share_text(share)
    title = share.title or (title_from_prose(share.happened) or title_from_prose(share.learned)).rstrip(".")
    context = title if share.title or share.happened else None
    kinds = {"learned": ("insight", share.polarity, LEARNED), "next": ("recommendation", "neutral", NEXT)}
    ids = {"learned": identity, "next": next_lesson_id(identity)}
    lessons = []
    for name, (kind, polarity, section) in kinds.items():
        if name not in told.spans:
            continue
        start, end = told.spans[name]
        finding = Finding(start, end, kind, polarity, section, context, "told by a person")
        lessons.append(draft_lesson(told.text, finding, ids[name]))
    return put_together(None, told.text, _metadata(share, title, told.text), tuple(lessons))


def _metadata(share: Share, title: str, text: str) -> Metadata:
    meta = Metadata(
        title=title,
        date=share.date,
        team=share.team,
        language=language_of(text),
        url=share.link,
        authors=(share.author,) if share.author else (),
        tags=share.tags,
    )
    told = ("title", "date", "team", "url", "authors", "tags")
    origins = tuple((name, "told") for name in told if getattr(meta, name))
    return replace(meta, origins=(*origins, ("language", "text")) if meta.language else origins)
