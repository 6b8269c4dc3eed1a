"""Which id a document or a lesson gets; ids outlive edits and moves, so feedback and links can hang on them."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retriever.lesson import digest, lesson_id, normalised

# A reworded lesson keeps its id when this share of it stays (difflib's ratio over the normalised text). Below .6
# two different bullets about the same thing pass for one; above .8 a mended half sentence already loses its id.
SAME_LESSON = 0.7
# Comparing two takes up to a millisecond, and a hostile document has thousands.
_MOST_PAIRS = 20_000


@dataclass(frozen=True, slots=True)
class KnownLesson:
    """A lesson that the record already holds for the document."""

    id: str
    text: str
    section: str | None


def mint_document_id(source: str, path: str, part: str, is_taken: Callable[[str], bool]) -> str:
    """An id that no document has; the same for the same key in every record, unless that was taken by a move."""
    candidate = digest("document", source, path, part)
    attempt = 0
    while is_taken(candidate):
        attempt += 1
        candidate = digest("document", source, path, part, str(attempt))
    return candidate


def lesson_ids(
    document_id: str, known: Sequence[KnownLesson], found: Sequence[tuple[str, str | None]]
) -> tuple[str, ...]:
    """The id for each found (text, section), in order: kept where the same or nearly the same lesson is known."""
    kept = _match_exactly(known, found)
    _match_reworded(known, found, kept)
    taken = {item.id for item in known}
    ids = []
    seen: Counter[str] = Counter()
    for index, (text, _) in enumerate(found):
        chosen = kept.get(index) or _mint_lesson_id(document_id, text, taken, seen)
        taken.add(chosen)
        ids.append(chosen)
    return tuple(ids)


def _mint_lesson_id(document_id: str, text: str, taken: set[str], seen: Counter[str]) -> str:
    """An id that is free; `seen` counts the occurrences of each text that are taken, so that none is tried twice."""
    name = normalised(text)
    while (candidate := lesson_id(document_id, text, seen[name])) in taken:
        seen[name] += 1
    return candidate


def _match_exactly(known: Sequence[KnownLesson], found: Sequence[tuple[str, str | None]]) -> dict[int, str]:
    by_text: dict[str, list[str]] = {}
    for item in known:
        by_text.setdefault(normalised(item.text), []).append(item.id)
    kept = {}
    for index, (text, _) in enumerate(found):
        ids = by_text.get(normalised(text))
        if ids:
            kept[index] = ids.pop(0)
    return kept


def _match_reworded(
    known: Sequence[KnownLesson], found: Sequence[tuple[str, str | None]], kept: dict[int, str]
) -> None:
    used = set(kept.values())
    left = [item for item in known if item.id not in used]
    new = [index for index in range(len(found)) if index not in kept]
    reach = max(1, _MOST_PAIRS // max(1, len(new)))
    pairs = []
    for number, index in enumerate(new):
        text, section = found[index]
        # In a document with very many, a lesson is sought among those that stood about where it stands.
        middle = number * len(left) // len(new)
        for item in left[max(0, middle - reach // 2) : max(0, middle - reach // 2) + reach]:
            if item.section == section:
                ratio = _similarity(normalised(item.text), normalised(text))
                if ratio >= SAME_LESSON:
                    pairs.append((-ratio, index, item.id))
    for _, index, identity in sorted(pairs):
        if index not in kept and identity not in used:
            kept[index] = identity
            used.add(identity)


def _similarity(old: str, new: str) -> float:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    if matcher.real_quick_ratio() < SAME_LESSON or matcher.quick_ratio() < SAME_LESSON:
        return 0.0
    return matcher.ratio()
