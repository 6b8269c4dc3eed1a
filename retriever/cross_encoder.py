"""A sentence-transformers CrossEncoder, as a re-ranker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from retriever.errors import ModelError
from retriever.transformer import sentence_transformers


class CrossEncoderReranker:
    """Reads question and text together; safe to use from several threads, one of which is served at a time.

    Raises ModelError, naming the folder, when there is no such model or it cannot be used.
    """

    def __init__(self, folder: str) -> None:
        path = check_reranker(folder)
        # Seconds to import, and nobody needs it who has not set a re-ranker.
        library = sentence_transformers()
        try:
            self._model = library.CrossEncoder(
                str(path),
                device="cpu",
                trust_remote_code=False,
                local_files_only=True,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"The re-ranker at {path} cannot be loaded: {error}") from error
        if self._model.num_labels != 1:
            raise ModelError(
                f"The re-ranker at {path} gives {self._model.num_labels} numbers for a text; it must give one, "
                "how well the text answers. Set another folder, or none."
            )
        self._lock = threading.Lock()

    def probabilities(self, query: str, texts: Sequence[str]) -> list[float]:
        """For each text, in their order, a number in [0, 1]: higher answers better."""
        from torch.nn import Sigmoid

        if not texts:
            return []
        with self._lock:
            found = self._model.predict(
                [(query, text) for text in texts], activation_fn=Sigmoid(), show_progress_bar=False
            )
        return [float(value) for value in found]


def lazily(folder: str) -> Callable[[], CrossEncoderReranker | None]:
    """Gives the re-ranker, loaded when first asked for, by one thread; None where `folder` is empty."""
    guard = threading.Lock()
    loaded: list[CrossEncoderReranker] = []

    def reranker() -> CrossEncoderReranker | None:
        if not folder:
            return None
        with guard:
            if not loaded:
                loaded.append(CrossEncoderReranker(folder))
            return loaded[0]

    return reranker


def check_reranker(folder: str) -> Path:
    """The folder, looked at without loading anything. Raises ModelError where it holds no usable model."""
    path = Path(folder).expanduser()
    if not (path / "config.json").is_file():
        raise ModelError(
            f"There is no re-ranker at {path} (it has no config.json). Set `reranker` to the folder of a saved "
            "sentence-transformers CrossEncoder, or leave it empty."
        )
    if not any(path.glob("*.safetensors")):
        raise ModelError(
            f"The re-ranker at {path} has no weights as safetensors. Other formats can run code and are not loaded; "
            "save it again with safe_serialization=True."
        )
    return path
