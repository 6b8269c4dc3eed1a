"""The benchmark's own arithmetic, and that its large memories are what their description says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.large.documents import LESSONS_EACH, recombined
from benchmarks.large.pool import Pool, PoolSentence, take_senses
from benchmarks.speed.growth import PANELS, plot
from benchmarks.speed.rows import Row, Sample, as_markdown
from retriever.memory import Memory
from retriever.record import Record
from retriever.rounding import rounded
from tests.bundles import sense_vectors


@pytest.fixture
def pool() -> Pool:
    chance = np.random.default_rng(3)

    def sentence(text: str, kind: str | None) -> PoolSentence:
        row = rounded(chance.standard_normal(8))
        return PoolSentence(text, row, np.asarray([1, 2], np.int32), kind, "failure" if kind else None)

    lessons = tuple(sentence(f"Pump {number} should be looked at before each shift.", "action") for number in range(9))
    prose = tuple(sentence(f"Gate {number} was opened at noon and stayed open.", None) for number in range(40))
    return Pool("fingerprint", lessons, prose)


def test_no_two_recombined_lessons_are_alike_until_the_pairs_run_out(pool: Pool):
    documents = list(recombined(pool, 0, 7))
    said = [draft.text[item.finding.start : item.finding.end] for _, draft, _ in documents for item in draft.lessons]
    assert len(said) == 7 * LESSONS_EACH == len(set(said))
    with pytest.raises(ValueError, match="9 sentences have no pair number 72"):
        list(recombined(pool, 7, 1))


def test_a_recombined_document_is_whole_and_always_the_same(pool: Pool):
    (path, draft, embedded), again = *recombined(pool, 3, 1), next(iter(recombined(pool, 3, 1)))
    assert path == "000/000003.md"
    assert draft == again[1]
    assert len(embedded.passages) == len(draft.passages)
    assert len(embedded.sentences) == len(draft.sentences)
    for item in draft.sentences:
        passage = draft.passages[item.passage]
        assert passage.start <= item.start < item.end <= passage.end
        assert draft.text[item.start : item.end] == item.plain


def test_words_mean_in_a_recombined_memory_what_they_mean_in_its_pool(example_home: Path, filled: Memory):
    with filled.record._database.write() as connection:
        pieces = np.asarray([1012, 2003, 2012], np.uint16)
        connection.execute(
            "UPDATE sentences SET pieces = ?, piece_ends = ?", (pieces.tobytes(), np.asarray([3], np.int32).tobytes())
        )
    giver = Record(example_home)
    take_senses(filled.record, example_home)
    fingerprint = giver.embeddings.model() or ""
    taken, given = (one.senses.all(fingerprint) for one in (filled.record, giver))
    assert taken is not None
    assert given is not None
    held = np.flatnonzero(taken.places >= 0)
    assert set(held.tolist()) == {1012, 2003, 2012} & set(np.flatnonzero(given.places >= 0).tolist()) != set()
    assert np.array_equal(sense_vectors(taken, held), sense_vectors(given, held))
    giver.close()


def test_the_interval_of_a_median_holds_what_order_statistics_say():
    assert Sample.of([3, 1, 2]).interval == (1, 3)
    hundred = Sample.of(range(100))
    assert hundred.median == 49.5
    assert hundred.interval == (40, 60)
    assert hundred.quantile(0.95) == 94


def test_a_row_is_judged_by_its_ratio_and_says_when_it_missed():
    row = Row("part", "this", Sample.of([3.0]), "s", "that", Sample.of([2.0]), bar=1.2)
    assert row.ratio == 1.5
    assert not row.as_json()["within"]
    about = {"processor": "p", "cores": 2, "python": "3", "libraries": {}, "load_at_start": 0.1}
    assert as_markdown([row], about).splitlines()[-1] == "| this | 3 s | that | 2 s | 1.50 | 1.2 **missed** |"


def test_the_plot_draws_a_point_for_each_size():
    rows = [
        {"what": f"{begins} {size:,} lessons".replace("p50 ", "p50, "), "median": size / 10}
        for begins, _ in PANELS.values()
        for size in (1000, 10_000, 100_000)
    ]
    drawn = plot(
        [{**row, "what": row["what"].replace("files ", "files, ").replace("server ", "server, ")} for row in rows]
    )
    assert drawn.count("<circle") == 3 * len(PANELS)
    assert "100 k" in drawn
