"""The peers' interface, held by those that need nothing from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.peers import PEERS, peer
from benchmarks.peers.documents import sections
from benchmarks.quality import answers_of, report_of
from benchmarks.robustness import half_of
from retriever.evaluation import MEASURES, JudgedQuery, Outcome


@pytest.fixture
def docs(folder: Path) -> Path:
    (folder / "pump.md").write_text("# Pump\n\nThe pump ran dry.\n\n## Mend\n\nA float switch was added.\n")
    (folder / "gate.md").write_text("# Gate\n\nThe gate was left open.\n")
    return folder


@pytest.mark.parametrize("name", ["fts5", "bm25s_sections"])
def test_a_peer_finds_the_section_that_holds_the_words(name: str, docs: Path, tmp_path: Path):
    if name == "bm25s_sections":
        pytest.importorskip("bm25s")
    built = peer(name).build(docs, tmp_path / "home")
    assert built("float switch")[0] == ("pump.md", "## Mend\n\nA float switch was added.")
    assert peer(name).load(tmp_path / "home")("gate open", k=1) == built("gate open", k=1)
    assert built('"NEAR( nothing*') == []


def test_sections_begin_with_their_heading():
    assert sections("intro\n# A\nx\n\n## B\n#not a heading\n") == ["intro", "# A\nx", "## B\n#not a heading"]


def test_an_unknown_peer_is_named_with_those_there_are():
    with pytest.raises(ValueError, match=r"no peer 'nobody'; there are .*fts5"):
        peer("nobody")
    assert "ours" in PEERS


def test_quality_takes_documents_where_they_first_come_and_the_first_ten_texts():
    asked = []

    def ask(query, k=10):
        asked.append(k)
        return [("a", "one"), ("b", "two"), ("a", "three"), *(("c", str(number)) for number in range(20))][:k]

    answer = answers_of(ask)
    first = [(hit.document.path, hit.lesson.text) for hit in answer("q", k=30, per_document=1).hits]
    assert first == [("a", "one"), ("b", "two"), ("c", "0")]
    assert [hit.lesson.text for hit in answer("q").hits] == ["one", "two", "three", *map(str, range(7))]
    assert asked == [100, 10]


def test_quality_reports_every_peer_and_what_we_gain_on_the_strongest(tmp_path: Path):
    def outcomes(*ranks: int) -> list[Outcome]:
        return [
            Outcome(
                JudgedQuery(str(number), "q", "natural", {"a": 2}),
                {name: 1 / rank for name in MEASURES},
                (),
                None,
                None,
            )
            for number, rank in enumerate(ranks)
        ]

    runs = {
        "ours": {"mybinder": outcomes(1, 1), "icco": outcomes(1, 2)},
        "fts5": {"mybinder": outcomes(2, 2), "icco": outcomes(1, 4)},
        "script": {"mybinder": outcomes(4, 4), "icco": outcomes(4, 4)},
    }
    table = "\n".join(report_of(runs))
    assert "| fts5 | 0.500 | 0.625 | 0.562 |" in table
    assert "ours minus fts5" in table
    assert "| nDCG@10, mybinder | +0.500 [+0.500, +0.500] |" in table
    assert "| nDCG@10, macro | +0.312 [" in table


def test_half_of_the_lessons_are_left_out_and_the_same_ones_each_time():
    text = "# Report\n\n## Lessons learned\n\n" + "".join(f"- We should check pump {n} daily.\n" for n in range(40))
    first, again, other = (half_of(seed)(text, path="report.md").lessons for seed in (1, 1, 2))
    assert 10 <= len(first) <= 30
    assert first == again != other
