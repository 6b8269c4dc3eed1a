"""The peers' interface, held by those that need nothing from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.peers import PEERS, peer
from benchmarks.peers.documents import sections


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
