"""Random sequences of add, change, move, delete, restart and reindex, compared with a model in memory."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from benchmarks.faults.figures import Figures
from benchmarks.faults.reports import report
from benchmarks.recall import recall
from ingest.pipeline import IngestOptions, ingest
from retriever.config import load_settings
from retriever.embedder import Embedder, open_embedder
from retriever.lesson import NO_FILTERS
from retriever.memory import Memory

RECALL = 0.995
_NAMES = st.sampled_from([f"{folder}{name}.md" for folder in ("", "north/", "south/") for name in "abcdefgh"])
_NUMBERS = st.integers(0, 400)


class MemoryMachine(RuleBasedStateMachine):
    """The memory must say what the model says: {path: text}, with ids that stay through edits and moves."""

    figures = Figures("random sequences of add, change, move, delete, restart, reindex")
    embedder: Embedder
    least_recall = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="lessons-machine-"))
        self.docs = self.folder / "docs"
        self.docs.mkdir()
        self.model: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.revision = 0
        self.memory = self._open()

    @rule(path=_NAMES, number=_NUMBERS)
    def add_or_change(self, path: str, number: int) -> None:
        """A file is written, new or over an old one."""
        self.revision += 1
        self._write(path, report(number, self.revision))
        self._ingest()

    @precondition(lambda self: self.model)
    @rule(data=st.data(), path=_NAMES)
    def move(self, data: st.DataObject, path: str) -> None:
        """A file is somewhere else, with the same bytes; what was there is gone."""
        old = data.draw(st.sampled_from(sorted(self.model)))
        if old == path:
            return
        (self.docs / path).parent.mkdir(exist_ok=True)
        shutil.move(self.docs / old, self.docs / path)
        was_there = self.ids.pop(path, None)
        self.model[path] = self.model.pop(old)
        identity = self.ids.pop(old)
        # A file that takes the place of another is a change of that one, and keeps its id.
        self.ids[path] = was_there or identity
        self._ingest()

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """A file is gone, and its document with it."""
        path = data.draw(st.sampled_from(sorted(self.model)))
        (self.docs / path).unlink()
        del self.model[path], self.ids[path]
        self._ingest()

    @rule()
    def restart(self) -> None:
        """The process is another one."""
        self.memory.close()
        self.memory = self._open()

    @rule()
    def reindex(self) -> None:
        """The index is built anew."""
        self.memory.reindex()

    @invariant()
    def says_what_the_model_says(self) -> None:
        """Documents, ids, lessons, answers and the index."""
        documents = {item.path: item for item in self.memory.browse_documents(NO_FILTERS, limit=100, after=None).items}
        assert set(documents) == set(self.model)
        for path, text in self.model.items():
            stored = self.memory.document(documents[path].id)
            assert stored.text == text
            assert self.ids.setdefault(path, stored.id) == stored.id
            for lesson in self.memory.lessons_of(stored.id):
                assert text[lesson.start : lesson.end] == lesson.text
        for path in sorted(self.model)[:1]:
            word = self.model[path].split()[2]
            hits = self.memory.ask(f"the {word} crew").hits
            assert word in hits[0].lesson.text + self.model[hits[0].document.path]
        self.figures.checked += 1

    def teardown(self) -> None:
        """The index finds what brute force finds."""
        self.figures.made += 1
        keeper = self.memory.keeper()
        if self.model and keeper.open("the fault suite"):
            keeper.drain()
            assert keeper.index is not None
            for asked, unit in (("lesson", "passage"), ("passage", "lesson")):
                share, questions, _ = recall(self.memory.record, keeper.index, self.memory.fingerprint, asked, unit)
                assert share >= RECALL or not questions
                type(self).least_recall = min(self.least_recall, share)
            keeper.close()
        self.memory.close()
        shutil.rmtree(self.folder)

    def _open(self) -> Memory:
        memory = Memory.open(load_settings({"home": str(self.folder / "home")}), create=True)
        memory.__dict__["embedder"] = self.embedder
        return memory

    def _write(self, path: str, text: str) -> None:
        (self.docs / path).parent.mkdir(exist_ok=True)
        (self.docs / path).write_text(text, encoding="utf-8")
        self.model[path] = text

    def _ingest(self) -> None:
        done = ingest(self.memory, self.docs, IngestOptions(source="reports", prune=True, yes=True))
        assert not done.failed


def sequences(examples: int, steps: int) -> Figures:
    """So many sequences of at most so many steps; raises what hypothesis found, shrunk to the shortest."""
    settings = load_settings({})
    MemoryMachine.embedder = open_embedder(settings.model, settings.models, settings.threads)
    MemoryMachine.figures = Figures(MemoryMachine.figures.fault)
    chosen = profile(max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True, database=None)
    run_state_machine_as_test(MemoryMachine, settings=chosen)
    MemoryMachine.figures.measured["recall@10 against brute force, least"] = f"{MemoryMachine.least_recall:.4f}"
    return MemoryMachine.figures
