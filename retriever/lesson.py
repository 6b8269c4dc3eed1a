"""The values that flow through the pipe: what is read, what is found in it, and what an answer is made of.

Nothing here does I/O or imports more than the standard library. All offsets are Unicode code points into a
document's stored text, half open: `text[start:end]` is the evidence, verbatim.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

KINDS = ("insight", "cause", "went_well", "went_wrong", "got_lucky", "recommendation", "action")
POLARITIES = ("success", "failure", "neutral")
SHARED_SOURCE = "shared"

# What people may mend about a document, and the origin of a value that they did.
MENDABLE = ("date", "severity", "team", "owner")
MENDED = "mended"

# What people may find a lesson to be, besides that it happened to them too.
VERDICTS = ("helped", "outdated", "wrong")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known about a document besides its text; None and () where nothing is known.

    `date` is when it happened, ISO 8601 `YYYY-MM-DD`, `YYYY-MM` or `YYYY`; `url` is the document's link home.
    `origins` says where each value came from, as (field, origin) pairs such as ("date", "file name"); `owner` is
    whoever people say looks after the document.
    """

    title: str | None = None
    date: str | None = None
    severity: str | None = None
    team: str | None = None
    owner: str | None = None
    service: str | None = None
    language: str | None = None
    url: str | None = None
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A contiguous span of a document; the passages of a document together cover all of its visible text."""

    start: int
    end: int
    section: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A lesson as the extractor found it, before it has an identity.

    `section` is the heading path, `"Lessons learnt > What went wrong"`; `context` says what a terse lesson is
    about; `rule` names what made the extractor take it, for people who ask why.
    """

    start: int
    end: int
    kind: str
    polarity: str
    section: str | None = None
    context: str | None = None
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One postmortem or note, whole, as the memory keeps it."""

    id: str
    source: str
    path: str
    part: str | None
    text: str
    meta: Metadata = field(default_factory=Metadata)

    @property
    def title(self) -> str:
        """The title to show: the document's own, else its part, else the last name in its path."""
        return self.meta.title or self.part or self.path.rsplit("/", 1)[-1]

    def line_of(self, offset: int) -> int:
        """The 1-based line of the stored text on which the character at `offset` stands."""
        return self.text.count("\n", 0, offset) + 1


@dataclass(frozen=True, slots=True)
class Remarks:
    """What people say about a lesson; `review_on` is the ISO date on which somebody should look at it again.

    The numbers count people: those to whom it happened too, and those who found it helped, is outdated, is wrong.
    """

    hidden: bool = False
    pinned: bool = False
    owner: str | None = None
    review_on: str | None = None
    me_too: int = 0
    helped: int = 0
    outdated: int = 0
    wrong: int = 0


NO_REMARKS = Remarks()


@dataclass(frozen=True, slots=True)
class Lesson:
    """A statement others can learn from, with the span it rests on: `text == document.text[start:end]`.

    `stated` is False for a passage or sentence shown as evidence that was not extracted as a lesson; its kind and
    polarity are then None. In an answer a short lesson may be shown with the sentences that follow it: then
    `stated_end` is where the extracted lesson ends in the document, else it equals `end`.
    """

    id: str
    document_id: str
    text: str
    start: int
    end: int
    kind: str | None = None
    polarity: str | None = None
    section: str | None = None
    context: str | None = None
    stated: bool = True
    stated_end: int | None = None
    remarks: Remarks = NO_REMARKS


@dataclass(frozen=True, slots=True)
class Filters:
    """What a hit must satisfy. Values of one field are alternatives, fields are conditions; () means any.

    `since` and `until` are inclusive ISO dates; a document without a date satisfies neither.
    """

    tag: tuple[str, ...] = ()
    team: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    polarity: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None

    def __bool__(self) -> bool:
        return self != NO_FILTERS


NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class AlsoIn:
    """Another document that tells the same, and the 1-based number of its passage that does.

    `same` is "lesson" where it states the same as the hit, then `lesson_id` names the lesson if it is one; "incident"
    where it tells of the same incident.
    """

    document: Document
    passage: int = 1
    lesson_id: str | None = None
    same: str = "lesson"


@dataclass(frozen=True, slots=True)
class Hit:
    """A lesson with its score (higher is better) and 1-based rank; `highlights` are (start, end) in its text.

    `passage` is the 1-based number of the document's passage in which the lesson starts, `line` the 1-based line of
    its stored text; `signals` are the named shares that add up to the score, for people who ask why. `also_in` names
    other documents that tell the same, each once; those that state the same lesson have no hit for it.
    """

    rank: int
    score: float
    lesson: Lesson
    document: Document
    passage: int = 1
    line: int = 1
    highlights: tuple[tuple[int, int], ...] = ()
    signals: tuple[tuple[str, float], ...] = ()
    also_in: tuple[AlsoIn, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits by (-score, id), and the verdict over them.

    `answered` and `confidence` (calibrated, in [0, 1]) are None while there is no calibration for the model in
    use; `degraded` names what was missing when it was made, such as "meaning".
    """

    query: str
    answered: bool | None
    confidence: float | None
    hits: tuple[Hit, ...]
    degraded: tuple[str, ...] = ()
    took_ms: float = 0.0

    def timed(self, took_ms: float) -> Answer:
        """The same answer, knowing how long it took."""
        return replace(self, took_ms=took_ms)


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Part of a list; `next` is the cursor of what follows, None at the end."""

    items: tuple[Item, ...]
    next: str | None


def normalised(text: str) -> str:
    """`text` in lower case with everything but letters and digits as single spaces: what identity compares."""
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def digest(*parts: str) -> str:
    """16 hexadecimal digits that identify `parts`; the parts cannot run into each other."""
    joined = "\x00".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:16]


def lesson_id(document_id: str, text: str, occurrence: int) -> str:
    """The id of the `occurrence`-th (from 0) lesson of a document that reads like `text`; offsets play no part."""
    return digest("lesson", document_id, normalised(text), str(occurrence))
