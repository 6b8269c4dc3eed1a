"""Writes a sentence-transformers model as a graph that onnxruntime runs: `python -m retriever.export MODEL TARGET`.

Runs once a model, in a process of its own, so that PyTorch's memory and its seconds of import are never paid by
who asks or serves. A model that is not a plain transformer with mean or first-token pooling is not exported; its
manifest then says that sentence-transformers has to run it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retriever.embedder import write_json_atomically

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_POOLINGS = {"mean": "mean", "cls": "first"}


def export(model_path: Path, target: Path) -> None:
    """`target` holds the exported model with its manifest; whole, or not there at all."""
    from retriever.transformer import load_sentence_transformer

    model = load_sentence_transformer(model_path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="export-") as scratch:
        folder = Path(scratch) / "model"
        folder.mkdir()
        pooling = _exportable_pooling(model)
        manifest: dict[str, Any] = {"format": "sentence-transformers"}
        if pooling is not None:
            _write_graph(model, folder / "graph.onnx")
            shutil.copy(model_path / "tokenizer.json", folder / "tokenizer.json")
            manifest = {"format": "graph", "pooling": pooling} | _describe(model)
        write_json_atomically(folder / "manifest.json", manifest)
        # Another process may have finished the same export first; then its work stands and ours is dropped.
        with contextlib.suppress(OSError):
            folder.rename(target)


def _describe(model: SentenceTransformer) -> dict[str, Any]:
    return {
        "dim": model.get_embedding_dimension(),
        "length": model.max_seq_length,
        "prompts": {name: text for name, text in model.prompts.items() if text},
        "pad": model.tokenizer.pad_token_id or 0,
    }


def _exportable_pooling(model: SentenceTransformer) -> str | None:
    """How token vectors become one, or None for a model that the graph cannot stand for."""
    names = [type(module).__name__ for module in model]
    if names not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return None
    pooling: Any = model[1]
    mode = pooling.get_config_dict().get("pooling_mode")
    is_fast = getattr(model.tokenizer, "is_fast", False)
    return _POOLINGS.get(str(mode)) if is_fast and pooling.include_prompt else None


def _write_graph(model: SentenceTransformer, path: Path) -> None:
    import torch

    first: Any = model[0]
    transformer = first.auto_model.eval()

    class TokenVectors(torch.nn.Module):
        """The transformer with two plain inputs and one plain output."""

        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            """The last hidden state, (batch, length, dim)."""
            states = self.transformer(input_ids=input_ids, attention_mask=attention_mask)
            hidden: torch.Tensor = states.last_hidden_state
            return hidden

    class HalfTable(torch.nn.Module):
        """The vectors of a vocabulary in 16 bits a number, taken out as 32."""

        def __init__(self, vectors: torch.Tensor) -> None:
            super().__init__()
            self.vectors = torch.nn.Parameter(vectors.half(), requires_grad=False)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            """float32 (batch, length, dim)."""
            return torch.nn.functional.embedding(ids, self.vectors).float()

    # A server that has read many words has their vectors in memory: half as much, where nothing else is done with them.
    table = transformer.get_input_embeddings()
    if type(table) is torch.nn.Embedding and table.weight.dtype == torch.float32:
        transformer.set_input_embeddings(HalfTable(table.weight))
    sample = model.tokenizer(["one two three", "four"], padding=True, return_tensors="pt")
    shape = {0: torch.export.Dim("batch", min=1, max=8192), 1: torch.export.Dim("length", min=2, max=8192)}
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            TokenVectors().eval(),
            (sample["input_ids"], sample["attention_mask"]),
            dynamo=True,
            dynamic_shapes=(shape, shape),
            # The first in which attention is one node: a tenth faster, and loaded sooner.
            opset_version=23,
            input_names=["input_ids", "attention_mask"],
            # Not "embedding": that name collides inside the exporter.
            output_names=["token_vectors"],
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned nothing")
    # What the exporter notes about where each node came from is most of the file, and read at each start.
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()
    # The weights in a file of their own, which is mapped into memory and not read: a question to a memory that no
    # server serves then waits .02 s of processor time for the model, and not .2.
    program.save(str(path), external_data=True)


def main() -> None:
    """The two arguments are the model's folder and the folder to make."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    export(Path(sys.argv[1]), Path(sys.argv[2]))


if __name__ == "__main__":
    main()
