"""The system of record: everything that must never be lost, in one SQLite file, and all SQL of the program.

`Record` opens it and hands out its aspects, each a class in a module of this name: `files` (what was read,
and the documents and lessons that came out), `library` (what there is to read), `candidates` (what might answer),
`changes` (what the vector index has to follow), `embeddings` (the move to another model), `tokens` (who may come in),
`news` (what is new), `questions` (what people asked), `shares` (what they told by hand), `remarks` and `mends` (what
they say and mend), `soundness` (whether it is what was written), `erasure` (what was forgotten).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from retriever.record.candidates import Candidates
from retriever.record.changes import Changes
from retriever.record.copies import CopyFacts, copy_out
from retriever.record.database import FILE_NAME, Database
from retriever.record.embeddings import EmbeddingStore
from retriever.record.erasure import Erasure
from retriever.record.files import Files
from retriever.record.library import Library
from retriever.record.lines import Lines
from retriever.record.mends import Mends
from retriever.record.news import News
from retriever.record.portable import export_lines
from retriever.record.questions import QuestionStore
from retriever.record.remarks import RemarkStore
from retriever.record.shares import Shares
from retriever.record.soundness import Soundness
from retriever.record.tokens import Tokens

__all__ = ["FILE_NAME", "Record"]


class Record:
    """The record in `home`, made when it is not there yet."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home / FILE_NAME)
        self.files = Files(self._database)
        self.library = Library(self._database)
        self.candidates = Candidates(self._database)
        self.lines = Lines(self._database)
        self.changes = Changes(self._database)
        self.embeddings = EmbeddingStore(self._database)
        self.tokens = Tokens(self._database)
        self.shares = Shares(self._database)
        self.news = News(self._database)
        self.questions = QuestionStore(self._database)
        self.remarks = RemarkStore(self._database)
        self.mends = Mends(self._database)
        self.soundness = Soundness(self._database)
        self.erasure = Erasure(self._database)

    def copy_to(self, path: Path) -> CopyFacts:
        """`path` is a checked copy of the record as it is at one moment, beside whoever reads or writes it."""
        with self._database.explained():
            return copy_out(self._database.connection(), path)

    def export(self, *, embeddings: bool) -> Iterator[str]:
        """The lines of an export of the record as it is at one moment."""
        with self._database.read() as connection:
            yield from export_lines(connection, embeddings=embeddings)

    def close(self) -> None:
        """Every connection is closed; the object is not used again."""
        self._database.close()
