"""The re-ranker: a cross-encoder so small that its weights are set by hand, so a test can say which text must win."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from retriever import reranking
from retriever.cross_encoder import CrossEncoderReranker, lazily
from retriever.errors import ModelError
from retriever.memory import Memory

WORDS = "the pump ran dry and alarm was late gate stuck open buoy drifted away".split()


@pytest.fixture(scope="module")
def crossing(tmp_path_factory) -> Path:
    """A model to which a text answers the better the more of its words are "buoy"."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {word: number for number, word in enumerate([*special, *WORDS])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=4,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=4,
        max_position_embeddings=128,
        num_labels=1,
        # Large, so that lengths are not evened out.
        layer_norm_eps=1.0,
    )
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            weights.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)
        # Attention is even over all words; what it gathers passes through to the first of them, which is judged.
        model.bert.embeddings.word_embeddings.weight[vocabulary["buoy"], 0] = 10.0
        layer = model.bert.encoder.layer[0]
        for dense in (layer.attention.self.value, layer.attention.output.dense, model.bert.pooler.dense):
            dense.weight.copy_(torch.eye(4))
        model.classifier.weight[0, 0] = 40.0
        model.classifier.bias[0] = -2.0
    folder = tmp_path_factory.mktemp("models") / "crossing"
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=128, **names).save_pretrained(folder)
    return folder


@pytest.fixture
def filled(folder, read, memory) -> Memory:
    (folder / "pump.md").write_text("# Pump\n\n## Lessons learned\n\n- The pump ran dry and the alarm was late.\n")
    (folder / "gate.md").write_text("# Gate\n\n## Lessons learned\n\n- The gate stuck open and the alarm was late.\n")
    (folder / "buoy.md").write_text("# Buoy\n\n## Lessons learned\n\n- The buoy drifted away and the alarm was late.\n")
    read()
    return memory


def test_a_text_that_holds_the_word_answers_better_and_the_order_of_texts_is_kept(crossing):
    found = CrossEncoderReranker(str(crossing)).probabilities("the alarm", ["the pump", "the buoy", "buoy buoy"])
    assert found[0] == pytest.approx(0.119, abs=0.001)
    assert 0.5 < found[1] < found[2] <= 1
    assert CrossEncoderReranker(str(crossing)).probabilities("the alarm", []) == []


def test_the_re_ranker_decides_and_its_share_is_shown(filled, open_memory, crossing):
    question = "the pump ran dry and the alarm was late"
    before = filled.ask(question)
    assert before.hits[0].document.path == "pump.md"
    assert "reranker" not in dict(before.hits[0].signals)
    filled.settings = replace(filled.settings, reranker=str(crossing))
    filled._search = None
    after = filled.ask(question)
    assert after.hits[0].document.path == "buoy.md"
    assert {hit.lesson.id for hit in after.hits} == {hit.lesson.id for hit in before.hits}
    assert (after.answered, after.confidence) == (before.answered, before.confidence)
    for hit in after.hits:
        assert sum(share for _, share in hit.signals) == pytest.approx(hit.score, abs=0.01)
    assert [hit.score for hit in after.hits] == sorted((hit.score for hit in after.hits), reverse=True)
    assert filled.ask(question, k=1).hits[0].lesson == after.hits[0].lesson


def test_what_is_behind_the_first_texts_stays_behind(filled, crossing, monkeypatch):
    monkeypatch.setattr(reranking, "RERANKED", 1)
    filled.settings = replace(filled.settings, reranker=str(crossing))
    assert filled.ask("the pump ran dry and the alarm was late").hits[0].document.path == "pump.md"


def test_explain_names_the_re_ranker(runner, filled, crossing, monkeypatch):
    monkeypatch.setattr("retriever.memory.open_embedder", lambda *arguments: filled.embedder)
    monkeypatch.setenv("LESSONS_RERANKER", str(crossing))
    answer = json.loads(runner("ask", "the alarm was late", "--explain", "--json").stdout)
    assert answer["hits"][0]["document"]["path"] == "buoy.md"
    assert answer["hits"][0]["signals"]["reranker"] > 2


def test_without_the_setting_there_is_none_and_nothing_is_imported():
    assert lazily("")() is None
    program = (
        "import sys\nfrom retriever.cross_encoder import lazily\nimport retriever.memory\n"
        "lazily('')()\nprint('sentence_transformers' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_it_is_loaded_once(crossing):
    reranker = lazily(str(crossing))
    assert reranker() is reranker()


def test_a_folder_that_cannot_be_used_is_named(filled, crossing, tmp_path):
    empty, unsafe, broken = tmp_path / "empty", tmp_path / "unsafe", tmp_path / "broken"
    for folder in (empty, unsafe, broken):
        folder.mkdir()
    (unsafe / "config.json").write_text("{}")
    (unsafe / "pytorch_model.bin").write_bytes(b"x")
    for file in crossing.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    (broken / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"no re-ranker at .*empty \(it has no config.json\)"):
        CrossEncoderReranker(str(empty))
    with pytest.raises(ModelError, match=r"re-ranker at .*unsafe has no weights as safetensors"):
        CrossEncoderReranker(str(unsafe))
    with pytest.raises(ModelError, match=r"re-ranker at .*broken cannot be loaded"):
        CrossEncoderReranker(str(broken))
    filled.settings = replace(filled.settings, reranker=str(empty))
    with pytest.raises(ModelError, match=r"no re-ranker at .*empty"):
        filled.ask("the alarm")


def test_doctor_names_a_re_ranker_that_cannot_be_used(runner, home, tmp_path, filled, monkeypatch):
    monkeypatch.setenv("LESSONS_RERANKER", str(tmp_path))
    checks = {check["name"]: check for check in json.loads(runner("doctor", "--json").stdout)["checks"]}
    assert not checks["reranker"]["ok"]
    assert str(tmp_path) in checks["reranker"]["detail"]
    assert "reranker" in checks["reranker"]["mend"]
