"""The system of record: everything that must never be lost, in one SQLite file, and all SQL of the program.

`Record` opens it and hands out its aspects, each a class in a module of this name: `files` (what was read,
and the documents and lessons that came out), `library` (what there is to read), `candidates` (what might answer),
`changes` (what the vector index has to follow), `embeddings` (the move to another model), `senses` (what words mean
here), `tokens` (who may come in), `news` (what is new), `questions` (what people asked), `shares` (what they told by
hand), `remarks` and `mends` (what they say and mend), `soundness` (whether it is what was written), `erasure` (what was
forgotten).

A question needs four of them: the others are imported when they are first used, since who asks in a terminal waits for
every module.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from retriever.record.candidates import Candidates
from retriever.record.changes import Changes
from retriever.record.database import FILE_NAME, Database
from retriever.record.questions import QuestionStore
from retriever.record.senses import SenseStore

if TYPE_CHECKING:
    from retriever.record.copies import CopyFacts
    from retriever.record.embeddings import EmbeddingStore
    from retriever.record.erasure import Erasure
    from retriever.record.files import Files
    from retriever.record.library import Library
    from retriever.record.lines import Lines
    from retriever.record.mends import Mends
    from retriever.record.news import News
    from retriever.record.remarks import RemarkStore
    from retriever.record.shares import Shares
    from retriever.record.soundness import Soundness
    from retriever.record.tokens import Tokens

__all__ = ["FILE_NAME", "Record"]


class Record:
    """The record in `home`, made when it is not there yet."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home / FILE_NAME)
        self.candidates = Candidates(self._database)
        self.changes = Changes(self._database)
        self.senses = SenseStore(self._database)
        self.questions = QuestionStore(self._database)

    @cached_property
    def files(self) -> Files:
        """What was read, and the documents and lessons that came out of it."""
        from retriever.record.files import Files

        return Files(self._database)

    @cached_property
    def library(self) -> Library:
        """What there is to read."""
        from retriever.record.library import Library

        return Library(self._database)

    @cached_property
    def lines(self) -> Lines:
        """Digests of the documents' lines."""
        from retriever.record.lines import Lines

        return Lines(self._database)

    @cached_property
    def embeddings(self) -> EmbeddingStore:
        """Which model the memory belongs to, and the move to another."""
        from retriever.record.embeddings import EmbeddingStore

        return EmbeddingStore(self._database)

    @cached_property
    def tokens(self) -> Tokens:
        """Who may come in."""
        from retriever.record.tokens import Tokens

        return Tokens(self._database)

    @cached_property
    def shares(self) -> Shares:
        """What people told by hand."""
        from retriever.record.shares import Shares

        return Shares(self._database)

    @cached_property
    def news(self) -> News:
        """What is new."""
        from retriever.record.news import News

        return News(self._database)

    @cached_property
    def remarks(self) -> RemarkStore:
        """What people say about lessons."""
        from retriever.record.remarks import RemarkStore

        return RemarkStore(self._database)

    @cached_property
    def mends(self) -> Mends:
        """What people mended."""
        from retriever.record.mends import Mends

        return Mends(self._database)

    @cached_property
    def soundness(self) -> Soundness:
        """Whether it is what was written."""
        from retriever.record.soundness import Soundness

        return Soundness(self._database)

    @cached_property
    def erasure(self) -> Erasure:
        """What was forgotten."""
        from retriever.record.erasure import Erasure

        return Erasure(self._database)

    def copy_to(self, path: Path) -> CopyFacts:
        """`path` is a checked copy of the record as it is at one moment, beside whoever reads or writes it."""
        from retriever.record.copies import copy_out

        with self._database.explained():
            return copy_out(self._database.connection(), path)

    def export(self, *, embeddings: bool) -> Iterator[str]:
        """The lines of an export of the record as it is at one moment."""
        from retriever.record.portable import export_lines

        with self._database.read() as connection:
            yield from export_lines(connection, embeddings=embeddings)

    def close(self) -> None:
        """Every connection is closed; the object is not used again."""
        self._database.close()
