"""Jupyter notebooks: prose as it stands, code and what it printed in fenced blocks."""

from __future__ import annotations

import json
from typing import Any

from ingest.readers.reading import Reading
from ingest.readers.text import decode
from retriever.errors import SourceError


def read(data: bytes, name: str) -> list[Reading]:
    """One Reading; pictures and other rich output are left out."""
    text, warnings = decode(data)
    try:
        notebook = json.loads(text)
    except ValueError as error:
        raise SourceError(f"{name!r} is not a notebook: it is no valid JSON ({error}); it may be cut off.") from error
    cells = _cells(notebook)
    if cells is None:
        raise SourceError(f"{name!r} is not a notebook that can be read: it has no list of cells.")
    metadata = notebook.get("metadata")
    facts = metadata if isinstance(metadata, dict) else {}
    language = _get(facts, "kernelspec", "language") or _get(facts, "language_info", "name")
    blocks = [block for cell in cells if isinstance(cell, dict) for block in _blocks(cell, str(language or ""))]
    fields = tuple((key, str(facts[key])) for key in ("title", "date") if isinstance(facts.get(key), str))
    authors = facts.get("authors")
    names = [str(one.get("name")) for one in authors if isinstance(one, dict)] if isinstance(authors, list) else []
    return [Reading("\n\n".join(blocks) + "\n", fields=(*fields, ("authors", ", ".join(names))), warnings=warnings)]


def _cells(notebook: object) -> list[Any] | None:
    """The cells of a notebook of format 4, or of format 3, which keeps them in worksheets."""
    if not isinstance(notebook, dict):
        return None
    if isinstance(notebook.get("cells"), list):
        return list(notebook["cells"])
    sheets = notebook.get("worksheets")
    if not isinstance(sheets, list):
        return None
    return [cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet.get("cells") or []]


def _blocks(cell: dict[str, Any], language: str) -> list[str]:
    source = _text(cell.get("source", cell.get("input"))).rstrip()
    if cell.get("cell_type") == "code":
        outputs = cell.get("outputs")
        printed = (
            [_printed(output) for output in outputs if isinstance(output, dict)] if isinstance(outputs, list) else []
        )
        return [_fenced(source, language), *(_fenced(text, "text") for text in printed if text)] if source else []
    if cell.get("cell_type") == "heading":
        return [f"{'#' * max(1, min(6, int(cell.get('level') or 1)))} {source}"]
    return [source] if source.strip() else []


def _printed(output: dict[str, Any]) -> str:
    if output.get("output_type") in ("error", "pyerr"):
        return f"{output.get('ename')}: {output.get('evalue')}"
    plain = _get(output, "data", "text/plain")
    return _text(output.get("text") or plain).rstrip()


def _fenced(text: str, language: str) -> str:
    fence = "`" * 3
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"


def _text(value: object) -> str:
    if isinstance(value, list):
        return "".join(str(line) for line in value)
    return value if isinstance(value, str) else ""


def _get(tree: dict[str, Any], *keys: str) -> Any:
    value: Any = tree
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
