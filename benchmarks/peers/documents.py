"""What every peer starts from: the documents of a folder as text, and the default model as sentence-transformers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.readers import read
from ingest.sources import Limits, SourceFile, walk
from retriever.config import load_settings
from retriever.embedder import find_model
from retriever.errors import SourceError

_SECTION = re.compile(r"\n(?=#{1,6} )")


def documents(docs: Path) -> Iterator[tuple[str, str]]:
    """(path below `docs`, text) of each document that can be read; those in one file are joined."""
    for entry in walk(docs, Limits()):
        if isinstance(entry, SourceFile):
            try:
                readings = read(entry.path.read_bytes(), entry.relative)
            except SourceError:
                continue
            text = "\n\n".join(reading.text for reading in readings)
            if text.strip():
                yield entry.relative, text


def sections(text: str) -> list[str]:
    """The text before each heading of Markdown, with the heading that it stands under; those that say something."""
    return [part for part in (part.strip() for part in _SECTION.split(text)) if part]


def model_path() -> str:
    """The folder of the default model."""
    settings = load_settings({})
    return str(find_model(settings.model, settings.models).path)


def load_model() -> Any:
    """The default model in sentence-transformers, with its own defaults, on the processor."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(model_path(), device="cpu")
