from __future__ import annotations

import json
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest

from retriever.embedder import export_folder, find_model, open_embedder, read_json, write_json_atomically
from retriever.errors import ModelError
from retriever.graph import MANY_TEXTS
from retriever.transformer import SentenceTransformerEmbedder

TEXTS = ["The pump failed.", "", "A certificate ran out on a Sunday and nobody was told. " * 40, "ERR_PUMP_7"]


@pytest.fixture(params=["graph", "sentence-transformers", "static"])
def any_embedder(request, embedder, models, tmp_path_factory):
    if request.param == "graph":
        return embedder
    if request.param == "sentence-transformers":
        return SentenceTransformerEmbedder(find_model("", models).path, "default")
    return open_embedder(str(request.getfixturevalue("static_model")), tmp_path_factory.mktemp("models"))


@pytest.fixture
def small_transformer(tmp_path):
    """Saves a transformer of a few kilobytes in a precision, and gives its folder."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    def save(precision: torch.dtype) -> Path:
        names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "pump", "failed", "the", "gate", "froze"]
        words = Tokenizer(models.WordLevel({word: at for at, word in enumerate(names)}, unk_token="[UNK]"))
        words.pre_tokenizer = pre_tokenizers.Whitespace()
        words.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
        torch.manual_seed(7)
        config = BertConfig(
            vocab_size=len(names), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
        )
        BertModel(config).to(precision).save_pretrained(tmp_path / "bert")
        special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
        PreTrainedTokenizerFast(tokenizer_object=words, **special).save_pretrained(tmp_path / "bert")
        module = Transformer(str(tmp_path / "bert"))
        model = SentenceTransformer(modules=[module, Pooling(16, "mean")], device="cpu")
        model.save(str(tmp_path / "small"))
        return tmp_path / "small"

    return save


class TestContract:
    """What both implementers promise."""

    def test_rows_are_float32_of_unit_length_in_input_order(self, any_embedder):
        rows = any_embedder.encode_documents(TEXTS[:1] + TEXTS[2:])
        assert rows.dtype == np.float32
        assert rows.shape == (3, any_embedder.dim)
        assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
        backwards = any_embedder.encode_documents((TEXTS[:1] + TEXTS[2:])[::-1])
        assert rows == pytest.approx(backwards[::-1], abs=1e-5)

    def test_no_texts_give_no_rows(self, any_embedder):
        assert any_embedder.encode_documents([]).shape == (0, any_embedder.dim)

    def test_an_empty_text_gives_finite_numbers(self, any_embedder):
        assert np.isfinite(any_embedder.encode_documents([""])).all()

    def test_a_query_is_one_row(self, any_embedder):
        assert any_embedder.encode_query("pump").shape == (any_embedder.dim,)

    def test_several_queries_are_each_embedded_as_one_is(self, any_embedder):
        rows = any_embedder.encode_queries(["pump", "the gate froze"])
        assert rows == pytest.approx(
            np.stack([any_embedder.encode_query(text) for text in ("pump", "the gate froze")]), abs=1e-5
        )
        assert any_embedder.encode_queries([]).shape == (0, any_embedder.dim)

    def test_pieces_are_one_array_a_text(self, any_embedder):
        pieces = any_embedder.piece_ids(["pump failed", "gate"])
        assert [piece.dtype for piece in pieces] == [np.int32, np.int32]

    def test_a_text_is_read_with_the_tokens_that_its_embedding_is_made_of(self, any_embedder):
        texts = ["pump failed", "the gate froze at night"]
        for read, row, pieces in zip(
            any_embedder.read_documents(texts),
            any_embedder.encode_documents(texts),
            any_embedder.piece_ids(texts),
            strict=True,
        ):
            assert read.embedding == pytest.approx(row, abs=1e-5)
            assert read.tokens.shape == (len(read.pieces), any_embedder.dim)
            assert read.pieces[read.pieces >= 0].tolist() == pieces.tolist()
            if len(read.tokens):
                mean = read.tokens.mean(axis=0)
                assert mean / np.linalg.norm(mean) == pytest.approx(row, abs=1e-5)

    def test_a_query_is_read_as_it_is_encoded(self, any_embedder):
        assert any_embedder.read_query("pump").embedding == pytest.approx(any_embedder.encode_query("pump"), abs=1e-6)


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_model_in_half_precision_is_exported_like_any_other(tmp_path, small_transformer, precision):
    import torch

    folder = small_transformer(getattr(torch, precision))
    rows = open_embedder(str(folder), tmp_path / "models").encode_documents(["pump failed", "the gate froze"])
    expected = SentenceTransformerEmbedder(folder, "small").encode_documents(["pump failed", "the gate froze"])
    assert rows == pytest.approx(expected, abs=2e-2 if precision == "float16" else 1e-3)


def test_the_exported_graph_gives_the_vectors_of_sentence_transformers(embedder, models):
    reference = SentenceTransformerEmbedder(find_model("", models).path, "default")
    cosines = (embedder.encode_documents(TEXTS) * reference.encode_documents(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.9999
    assert embedder.encode_query(TEXTS[0]) @ reference.encode_query(TEXTS[0]) > 0.9999


def test_attention_is_exported_as_one_node_a_layer(embedder, models):
    graph = onnx.load(export_folder(models, embedder.fingerprint) / "graph.onnx", load_external_data=False).graph
    assert Counter(node.op_type for node in graph.node)["Attention"] == 6


def test_a_few_texts_in_several_batches_are_each_what_they_are_alone(embedder):
    texts = [f"pump {'failed again ' * (number % 5)}{number}" for number in range(MANY_TEXTS - 1)]
    together = embedder.encode_documents(texts)
    assert (together * np.stack([embedder.encode_documents([text])[0] for text in texts])).sum(axis=1).min() > 0.99999


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"no sentence-transformers model at .*empty"):
        find_model(str(tmp_path / "empty"), tmp_path / "models")


def test_weights_that_can_run_code_are_refused(tmp_path, static_model):
    copy = shutil.copytree(static_model, tmp_path / "pickled")
    for weights in copy.rglob("*.safetensors"):
        weights.rename(weights.with_name("pytorch_model.bin"))
    with pytest.raises(ModelError, match="has no weights as safetensors"):
        find_model(str(copy), tmp_path / "models")


def test_a_changed_default_model_is_refused(tmp_path, monkeypatch, static_model):
    import retriever.embedder

    monkeypatch.setattr(retriever.embedder, "_default_folder", lambda: static_model)
    with pytest.raises(ModelError, match="are not the published ones"):
        find_model("", tmp_path / "models")


def test_the_fingerprint_follows_weights_and_prompts_and_not_the_place(tmp_path, static_model):
    first = find_model(str(static_model), tmp_path / "models").fingerprint
    copy = shutil.copytree(static_model, tmp_path / "elsewhere")
    assert find_model(str(copy), tmp_path / "models").fingerprint == first
    config = copy / "config_sentence_transformers.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"prompts": {"query": "about: "}}))
    assert find_model(str(copy), tmp_path / "models").fingerprint != first


def test_a_damaged_export_says_what_to_remove(tmp_path, embedder, models):
    copy = shutil.copytree(export_folder(models, embedder.fingerprint), export_folder(tmp_path, embedder.fingerprint))
    (copy / "graph.onnx").write_bytes(b"not a graph")
    with pytest.raises(ModelError, match="Remove that folder"):
        open_embedder("", tmp_path)


def test_two_threads_may_write_the_same_file(tmp_path: Path):
    path = tmp_path / "checked.json"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write_json_atomically(path, {"number": number}), range(400)))
    assert read_json(path)["number"] in range(400)
    assert [file.name for file in tmp_path.iterdir()] == ["checked.json"]
