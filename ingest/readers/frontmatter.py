"""Front matter: YAML between `---` lines, or TOML between `+++` lines, at the top of a Markdown file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import yaml

_BLOCKS = (
    ("yaml", re.compile(r"\A\s*---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*$", re.DOTALL | re.MULTILINE)),
    ("toml", re.compile(r"\A\s*\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*$", re.DOTALL | re.MULTILINE)),
)
_PLAIN_LINE = re.compile(r"^([A-Za-z][\w .-]{0,60}):[ \t]+(\S.*)$", re.MULTILINE)
_MAX_CHARS = 65536
_MAX_DEPTH = 12

Fields = tuple[tuple[str, str], ...]


def front_matter(text: str) -> tuple[Fields, tuple[str, ...]]:
    """The fields a Markdown text opens with, nested names joined by ".", and what to warn about."""
    for language, pattern in _BLOCKS:
        match = pattern.match(text[: _MAX_CHARS + 8])
        if match:
            return _parse(match[1], language)
    return (), ()


def end_of_front_matter(text: str) -> int:
    """The offset at which the text proper begins; 0 without front matter."""
    for _, pattern in _BLOCKS:
        match = pattern.match(text[: _MAX_CHARS + 8])
        if match:
            return match.end()
    return 0


def _parse(block: str, language: str) -> tuple[Fields, tuple[str, ...]]:
    try:
        tree = tomllib.loads(block) if language == "toml" else _load_yaml(block)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, RecursionError, ValueError):
        fields = tuple((key.lower(), value.strip().strip("'\"")) for key, value in _PLAIN_LINE.findall(block))
        return fields, (f"The front matter is not valid {language.upper()}; its plain lines were used.",)
    if not isinstance(tree, dict):
        return (), ()
    return tuple(_flatten("", tree, 0)), ()


def _load_yaml(block: str) -> object:
    """YAML as strings, lists and dicts only: no objects, no surprises with dates, versions or `no`."""
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    depth = 0
    for event in yaml.parse(block, Loader=loader):
        # An alias is how a few lines become a billion values; no front matter needs one.
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("aliases are not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        # The C composer recurses on the C stack, where too deep is a crash and not a RecursionError.
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
    return yaml.load(block, Loader=loader)  # BaseLoader builds strings, lists and dicts only


def _flatten(prefix: str, value: object, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            name = str(key).strip().lower()
            yield from _flatten(f"{prefix}.{name}" if prefix else name, inner, depth + 1)
    elif isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        yield prefix, ", ".join(str(item) for item in value)
    elif isinstance(value, list):
        for item in value:
            yield from _flatten(prefix, item, depth + 1)
    else:
        yield prefix, str(value)
