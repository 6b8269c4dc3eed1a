"""What ingest hands to the record: a document with all that was found in it, before anything has an identity."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retriever.lesson import Finding, Metadata, Passage, digest
from retriever.share import Share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retriever.embedder import Embeddings
    from retriever.senses import Contexts


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """The smallest text worth showing: its span, the index of its passage, and the plain words that are embedded."""

    start: int
    end: int
    passage: int
    plain: str

    @property
    def digest(self) -> str:
        """Identifies the embedded text."""
        return digest(self.plain)


@dataclass(frozen=True, slots=True)
class DraftLesson:
    """A finding with the plain words that are embedded for it.

    `id` is the lesson's where its maker knows it, as for one that a person told and reworded; else the record finds it.
    """

    finding: Finding
    plain: str
    id: str | None = None

    @property
    def digest(self) -> str:
        """Identifies the embedded text."""
        return digest(self.plain)


@dataclass(frozen=True, slots=True)
class LineDigests:
    """Digests of a document's lines, int64, sorted, distinct: `counted` is boilerplate where many documents hold it.

    Of a template, all of them are boilerplate.
    """

    counted: NDArray[Any]
    others: NDArray[Any]
    is_template: bool


@dataclass(frozen=True)
class Draft:
    """A document as ingest prepared it; `headings` are all its headings, for the words' index.

    `lines` are None for what is in no folder, and so shares nothing with others by accident.
    """

    part: str | None
    text: str
    meta: Metadata
    headings: str
    passages: tuple[Passage, ...]
    sentences: tuple[DraftSentence, ...]
    lessons: tuple[DraftLesson, ...]
    lines: LineDigests | None = None

    @cached_property
    def plains(self) -> dict[str, str]:
        """{digest: plain text} of everything that goes through the model."""
        sentences = {item.digest: item.plain for item in self.sentences}
        return sentences | {item.digest: item.plain for item in self.lessons}

    @cached_property
    def passage_digests(self) -> tuple[str, ...]:
        """For each passage what identifies its embedding: the sentences it is pooled from."""
        inside: list[list[str]] = [[] for _ in self.passages]
        for sentence in self.sentences:
            inside[sentence.passage].append(sentence.digest)
        return tuple(digest(*digests) for digests in inside)


@dataclass(frozen=True, slots=True)
class Embedded:
    """A document's embeddings by one model.

    `passages` and `lessons` are float32 (n, dim), of unit length, `sentences` int8 (n, dim) (retriever/rounding.py).
    `pieces` are the token ids of all sentences, int32, and `piece_ends` where each sentence's end among them; both are
    empty for a model without them. `contexts` are the places of the pieces in those sentences that went through the
    model just now, None where none did.
    """

    fingerprint: str
    passages: Embeddings
    lessons: Embeddings
    sentences: NDArray[Any]
    pieces: NDArray[Any]
    piece_ends: NDArray[Any]
    contexts: Contexts | None = None


@dataclass(frozen=True, slots=True)
class PreparedShare:
    """What a person told, as it may be stored: redacted, drafted, embedded. `redacted` counts by rule."""

    share: Share
    draft: Draft
    embedded: Embedded
    redacted: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What recording one file changed, in documents and in lessons."""

    documents_new: int = 0
    documents_changed: int = 0
    documents_gone: int = 0
    lessons_new: int = 0
    lessons_changed: int = 0
    lessons_gone: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def settled(self, later: Outcome) -> Outcome:
        """This outcome after a second look at the same documents: a lesson new and then gone was neither."""
        undone = min(self.lessons_new, later.lessons_gone)
        return replace(
            self,
            lessons_new=self.lessons_new - undone + later.lessons_new,
            lessons_changed=self.lessons_changed + later.lessons_changed,
            lessons_gone=self.lessons_gone + later.lessons_gone - undone,
        )


@dataclass(frozen=True, slots=True)
class FileState:
    """What the record remembers of a file: `read_by` and `extracted_by` name the code that handled it."""

    path: str
    sha256: str | None
    read_by: str | None
    extracted_by: str | None
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class FileReading:
    """One file's bytes as they were read: where, what they hash to, and by which code."""

    path: str
    sha256: str
    read_by: str
    extracted_by: str
