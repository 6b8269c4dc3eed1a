"""The example memory: where its documents are, and a question they answer."""

from __future__ import annotations

from pathlib import Path

from retriever.errors import SourceError

EXAMPLE_QUESTION = "has a certificate expired without anybody noticing?"


def examples_folder() -> Path:
    """The documents of the invented company. Raises SourceError when they were not installed."""
    # In a checkout they stand beside this package; in an installed wheel they are part of it.
    for folder in (Path(__file__).parent.parent / "examples", Path(__file__).parent / "examples"):
        if (folder / "docs").is_dir():
            return folder / "docs"
    raise SourceError("The example documents are not installed. Run it in a checkout of the project.")
