"""Questions that people submit, what nobody has recorded yet among them, and word to the asker once somebody has.

Only a question that was submitted is recorded, without secrets, for 90 days, and not at all where the setting
`record_questions` is off. Nothing else of the asker is kept: the address of the private feed is theirs to keep.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retriever.errors import InvalidQuery, NotFound, StoreError
from retriever.lesson import Answer, Page
from retriever.record.questions import AskedQuestion
from retriever.record.rows import moment
from retriever.scopes import token_digest

if TYPE_CHECKING:
    from retriever.embedder import Embeddings
    from retriever.memory import Memory

logger = logging.getLogger(__name__)

# Questions whose embeddings have at least this cosine ask the same: docs/sharing.md has what it was chosen by.
SAME_MEANING = 0.6

# The same words from the same voice within this are somebody who reloads.
RELOAD_S = 600.0

# Characters of a question that are kept, and questions that one listing groups.
MAX_KEPT_CHARS = 2_000
MAX_GROUPED = 2_000

# How long one listing asks anew whether somebody has learned about a gap by now; those it does not come to stay open.
LOOKING_S = 0.5


@dataclass(frozen=True, slots=True)
class Gap:
    """What nobody has recorded: its newest question and the others that ask the same, and how often it was asked."""

    id: str
    question: str
    count: int
    first_asked_at: str
    last_asked_at: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Followed:
    """A question whose asker wants to hear of it; `answer` is there once somebody has learned about it."""

    question: str
    asked_at: str
    learned_at: str | None = None
    answer: Answer | None = None


class Questions:
    """The questions asked of one memory, by several threads; `redact` takes secrets and addresses out of a text."""

    def __init__(self, memory: Memory, redact: Callable[[str], str]) -> None:
        self._memory = memory
        self._redact = redact
        self._store = memory.record.questions
        self._guard = threading.Lock()
        self._looked_for: tuple[int, set[int]] = (-1, set())
        self._recent: dict[tuple[str, str], tuple[float, str | None]] = {}

    def note(self, answer: Answer, *, is_filtered: bool = False, voice: str = "") -> str | None:
        """The secret of the asker's private feed, where nobody has recorded anything; None for any other question.

        Nothing is recorded where `record_questions` is off. With filters nothing found is no gap: it may be elsewhere.
        Asked again at once by the same `voice`, if it is known, a question counts once and keeps its feed. None too
        where the record cannot be written: the answer is what was asked for.
        """
        if not self._memory.settings.record_questions:
            return None
        now = time.monotonic()
        with self._guard:
            self._recent = {key: entry for key, entry in self._recent.items() if now - entry[0] < RELOAD_S}
            if voice and (voice, answer.query) in self._recent:
                return self._recent[voice, answer.query][1]
        try:
            feed = self._record(answer, is_filtered)
        except StoreError as error:
            _say_not_recorded(error)
            return None
        if voice:
            with self._guard:
                self._recent[voice, answer.query] = (now, feed)
        return feed

    def _record(self, answer: Answer, is_filtered: bool) -> str | None:
        is_gap = not is_filtered and _is_unanswered(answer)
        feed = _new_secret() if is_gap else None
        text = self._redact(answer.query[:MAX_KEPT_CHARS]).strip()
        self._store.add(text, is_gap=is_gap, feed=token_digest(feed) if feed else None)
        return feed

    def gaps(self, *, limit: int, after: str | None = None) -> Page[Gap]:
        """What nobody has recorded, grouped by meaning, what is asked most first; `after` is a page's `next`.

        What somebody has learned by now is left out, and is no gap from then on.
        """
        until = time.monotonic() + LOOKING_S
        _quietly(self._store.expire)
        groups = sorted(self._groups(), key=lambda group: (-len(group), -group[0].key))
        if after is not None:
            groups = [group for group in groups if (-len(group), -group[0].key) > _place(after)]
        open_groups: list[list[AskedQuestion]] = []
        for group in groups:
            if len(open_groups) > limit:
                break
            if time.monotonic() > until or not self._is_learned(group):
                open_groups.append(group)
        gaps = tuple(_gap(group) for group in open_groups[:limit])
        return Page(gaps, f"{gaps[-1].count}-{gaps[-1].id}" if len(open_groups) > limit else None)

    def dismiss(self, gap_id: str) -> None:
        """The questions of this gap are forgotten. Raises NotFound."""
        groups = self._groups()
        group = next((group for group in groups if any(str(question.key) == gap_id for question in group)), None)
        if group is None:
            raise NotFound(f"There is no gap with the id {gap_id!r}; `GET /api/v1/gaps` lists them.")
        self._store.remove(question.key for question in group)

    def followed(self, secret: str) -> Followed:
        """The question of a private feed, with the answer once there is one. Raises NotFound when it is old."""
        question = self._store.by_feed(token_digest(secret))
        if question is None:
            raise NotFound("There is no such feed, or its question was asked more than 90 days ago.")
        if question.learned_at is None and not self._is_learned([question]):
            return Followed(question.text, question.asked_at)
        known = self._store.by_feed(token_digest(secret)) or question
        learned_at = known.learned_at or moment()
        return Followed(question.text, question.asked_at, learned_at, self._memory.ask(question.text, k=3))

    def news(self, secret: str) -> Followed | None:
        """What somebody has learned about the question of a private feed, the first time it is asked for; else None."""
        question = self._store.by_feed(token_digest(secret))
        if question is None or question.told_at is not None:
            return None
        found = self.followed(secret)
        return found if found.answer is not None and self._is_news(question.key) else None

    def _is_news(self, key: int) -> bool:
        """Whether the asker has not been told before; where that cannot be recorded, they may be told again."""
        try:
            return self._store.tell(key)
        except StoreError as error:
            _say_not_recorded(error)
            return True

    def _groups(self) -> list[list[AskedQuestion]]:
        """The open questions, newest first, each with those that ask the same."""
        questions = self._store.gaps()[:MAX_GROUPED]
        rows = self._embeddings(questions)
        groups: list[list[AskedQuestion]] = []
        heads: list[tuple[Embeddings, list[AskedQuestion]]] = []
        by_text: dict[str, list[AskedQuestion]] = {}
        for question, row in zip(questions, rows, strict=True):
            group = by_text.get(question.text.casefold())
            if group is None and row is not None and heads:
                near = np.stack([head for head, _ in heads]) @ row
                group = heads[int(np.argmax(near))][1] if float(near.max()) >= SAME_MEANING else None
            if group is None:
                group = []
                groups.append(group)
                if row is not None:
                    heads.append((row, group))
            group.append(question)
            by_text.setdefault(question.text.casefold(), group)
        return groups

    def _embeddings(self, questions: Sequence[AskedQuestion]) -> list[Embeddings | None]:
        """An embedding of each by the model in use, None for all without one; those made now are remembered."""
        embedder = self._memory.model_or_none() if questions else None
        if embedder is None:
            return [None] * len(questions)
        made = {
            question.key: embedder.encode_query(question.text)
            for question in questions
            if question.embedding is None or question.fingerprint != embedder.fingerprint
        }
        if made:
            _quietly(lambda: self._store.embed(embedder.fingerprint, made))
        return [made.get(question.key, question.embedding) for question in questions]

    def _is_learned(self, group: Sequence[AskedQuestion]) -> bool:
        """Whether its newest question has an answer by now; looked at once for each state of the memory."""
        newest, state = group[0], self._memory.record.changes.last_seq()
        with self._guard:
            if self._looked_for[0] != state:
                self._looked_for = (state, set())
            looked_for = self._looked_for[1]
            if newest.key in looked_for:
                return False
        answer = self._memory.ask(newest.text)
        if answer.degraded:
            # No verdict: it is looked for again, once there is a model.
            return False
        if _is_unanswered(answer):
            looked_for.add(newest.key)
            return False
        _quietly(lambda: self._store.learned(question.key for question in group))
        return True


def _quietly(write: Callable[[], None]) -> None:
    """What cannot be written now is left, and written another time: nobody asked for it."""
    try:
        write()
    except StoreError as error:
        _say_not_recorded(error)


def _say_not_recorded(error: StoreError) -> None:
    logger.warning("What is asked could not be recorded: %s", error)


def _new_secret() -> str:
    # Only for a gap: it brings much of the standard library with it.
    import secrets

    return secrets.token_urlsafe(24)


def _is_unanswered(answer: Answer) -> bool:
    """Whether nobody has recorded it; an answer without a verdict says so only when it is empty."""
    if answer.degraded:
        return False
    return answer.answered is False or not answer.hits


def _place(cursor: str) -> tuple[int, int]:
    """Where in the order of gaps a page ended."""
    found = re.fullmatch(r"(\d{1,9})-(\d{1,18})", cursor)
    if found is None:
        raise InvalidQuery(f"{cursor[:80]!r} is no cursor of ours; take `next` from the page before.", "after")
    return -int(found[1]), -int(found[2])


def _gap(group: Sequence[AskedQuestion]) -> Gap:
    texts = dict.fromkeys(question.text for question in group)
    newest, oldest = group[0], group[-1]
    return Gap(
        id=str(newest.key),
        question=newest.text,
        count=len(group),
        first_asked_at=oldest.asked_at,
        last_asked_at=newest.asked_at,
        others=tuple(text for text in texts if text != newest.text)[:5],
    )
