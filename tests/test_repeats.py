"""What documents of a source share, found from digests: the same as reading all of them gives, at a look at few."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.extract import boilerplate
from ingest.pipeline import IngestReport
from ingest.repeats import Repeats, lines_of
from retriever.memory import Memory

FORM = "# {name}\n\n## Lessons\n\n- Write here what you learned today.\n- {own}\n"
TEMPLATE = (
    "# Template\n\n## Lessons\n\n- Describe <what happened> in a few words.\n"
    "- Name the <owner> of each action.\n- {{date}}\n"
)


def stored(memory: Memory) -> list[tuple[str, str]]:
    source = memory.record.files.sources()[0]
    files = memory.record.files
    return [(path, item.text) for path in files.stored_paths(source) for item in files.stored(source, path)]


@pytest.fixture
def forms(folder: Path) -> Path:
    for number in range(8):
        (folder / f"form-{number}.md").write_text(
            FORM.format(name=f"Form {number}", own=f"Oil hinge {number} of gate.")
        )
    (folder / "template.md").write_text(TEMPLATE)
    return folder


def test_digests_find_what_reading_every_text_finds(forms: Path, read: Callable[..., IngestReport], memory: Memory):
    chance = random.Random(7)
    paths = sorted(forms.iterdir())
    owns = ["Oil it.", "Write here what you learned today.", "Name the lamp before dusk each day."]
    for _ in range(6):
        read(prune=True, yes=True)
        kept = memory.record.files.boilerplate(memory.record.files.sources()[0])
        assert kept.is_settled
        assert kept.lines == boilerplate(stored(memory))
        for path in chance.sample(paths, 4):
            path.write_text(FORM.format(name=path.stem, own=chance.choice(owns)))
        chance.choice(paths).unlink(missing_ok=True)


def test_one_changed_file_costs_no_look_at_the_others(
    forms: Path, read: Callable[..., IngestReport], memory: Memory, monkeypatch: pytest.MonkeyPatch
):
    read()
    (forms / "form-3.md").write_text(FORM.format(name="Form 3", own="Grease hinge 3 of the gate instead."))
    looked: list[str] = []
    monkeypatch.setattr("ingest.repeats.template_lines", lambda text: looked.append(text) or frozenset())
    monkeypatch.setattr("ingest.repeats.lines_of", lambda text, path: looked.append(text) or lines_of(text, path))
    report = read()
    assert (report.read, report.unchanged) == (1, 8)
    assert report.outcome.documents_changed == 1
    assert len(looked) == 1, "its own lines, once"


def test_documents_from_before_digests_were_kept_are_read_once(
    forms: Path, read: Callable[..., IngestReport], memory: Memory
):
    read()
    source = memory.record.files.sources()[0]
    lines = memory.record.lines
    before = lines.of(source)
    memory.record._database.connection().execute("DELETE FROM document_lines")
    assert len(lines.missing(source)) == 9
    found = Repeats(lines, source, frozenset()).boilerplate()
    assert found == boilerplate(stored(memory))
    assert lines.missing(source) == ()
    assert lines.of(source).digests.tolist() == before.digests.tolist()
