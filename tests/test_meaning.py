"""Candidates by meaning under filters, beside a comparison with everything."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from retriever import meaning as module
from retriever.follower import Waiting
from retriever.meaning import Meaning
from retriever.record.changes import UNITS

DOCUMENTS = 60
WORDS = "pump gate hinge tank alarm valve crane ferry rope buoy".split()


@pytest.fixture
def filled(folder, read, memory):
    for number in range(DOCUMENTS):
        one, two, three = (WORDS[(number // step) % 10] for step in (1, 3, 7))
        lessons = f"- Check the {one} before the {two} is opened.\n- We should label the {three} number {number}.\n"
        (folder / f"report-{number}.md").write_text(f"# The {one} and the {two}\n\n## Lessons learned\n\n{lessons}")
    read()
    return memory


@pytest.fixture
def query(filled):
    return filled.embedder.encode_query("the pump and the gate were opened before the alarm")


def brute_force(memory, unit, query, k, allowed):
    owners, rows = memory.record.changes.all_embeddings(unit, memory.fingerprint)
    documents = memory.record.candidates.documents_of(unit, owners.tolist())
    scored = [(key, documents[key], float(row @ query)) for key, row in zip(owners.tolist(), rows, strict=True)]
    kept = [item for item in scored if allowed is None or item[1] in allowed]
    return sorted(kept, key=lambda item: (-round(item[2], 5), item[0]))[:k]


def by_index(memory, waiting=()):
    """A meaning with an exact index that lacks the waiting keys."""

    class ExactIndex:
        def scored(self, unit, query, k):
            found = brute_force(memory, unit, query, None, None)
            return [(key, cosine) for key, _, cosine in found if key not in waiting][:k]

    def of(unit):
        keys = [key for key in waiting if key in memory.record.changes.owners(unit, memory.fingerprint)]
        return Waiting(memory.record.changes.embeddings(unit, memory.fingerprint, keys))

    follower = SimpleNamespace(index=ExactIndex(), pending=SimpleNamespace(of=of), note_question=lambda: None)
    meaning = Meaning(memory.record)
    meaning.use_index(follower)
    return meaning


def cosines(found):
    return pytest.approx([cosine for _, _, cosine in found], abs=1e-5)


@pytest.mark.parametrize("exact", [0, 15, 500])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.4, 0.9])
@pytest.mark.parametrize("way", ["scan", "index", "index with some waiting"])
def test_filters_give_what_comparing_everything_gives(filled, query, monkeypatch, exact, share, way):
    monkeypatch.setattr(module, "EXACT_DOCUMENTS", exact)
    monkeypatch.setattr(module, "SIFTED", (2, 4))
    monkeypatch.setattr(module, "_BATCH", 7)
    documents = sorted(filled.record.candidates.documents_of("lesson", range(10_000)).values())
    random = np.random.default_rng(3)
    allowed = frozenset(random.choice(sorted(set(documents)), max(1, int(share * DOCUMENTS)), replace=False).tolist())
    waiting = range(0, 300, 3) if way == "index with some waiting" else ()
    meaning = Meaning(filled.record) if way == "scan" else by_index(filled, waiting)
    for unit in UNITS:
        wanted = brute_force(filled, unit, query, 10, allowed)
        found = meaning.nearest((unit, filled.fingerprint), query, 10, allowed)
        assert [cosine for _, _, cosine in found] == cosines(wanted)
        assert {document for _, document, _ in found} <= allowed
        assert len({key for key, _, _ in found}) == len(found)


def test_what_waits_does_not_stand_in_for_what_the_index_was_not_asked_for(filled, query, monkeypatch):
    """The nearest are not allowed, what waits is far away, and what is right lies between them in the index."""
    monkeypatch.setattr(module, "EXACT_DOCUMENTS", 0)
    monkeypatch.setattr(module, "SIFTED", (2,))
    ranked = brute_force(filled, "lesson", query, None, None)
    wanted, far = ranked[40:43], ranked[-3:]
    allowed = frozenset(document for _, document, _ in (*wanted, *far))
    expected = brute_force(filled, "lesson", query, 3, allowed)
    meaning = by_index(filled, [key for key, _, _ in far])
    found = meaning.nearest(("lesson", filled.fingerprint), query, 3, allowed)
    assert [cosine for _, _, cosine in found] == cosines(expected)
