"""Short notes whose title is the lesson: "today I learned", a tip, a recipe."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath

from ingest.extract.units import Outline
from ingest.syntax import plain
from retriever.lesson import Finding

SHORTEST_TITLE = 4
REPORT_ROLES = frozenset({"timeline", "impact", "went_wrong", "went_well", "lucky", "decision", "consequences"})
_INCIDENT = re.compile(
    r"\b(?:incident|outage|post-?mortem|retrospective|downtime|root cause|severity|decision|status: |meeting"
    r"|release notes)",
    re.I,
)
_FOLDERS = re.compile(r"\b(?:til|tils|today[- ]i[- ]learned|tips?|snippets?|notes|recipes|gotchas)\b", re.I)


def title_lesson(found: Outline, path: str) -> Finding | None:
    """The title of a note as its lesson, None for documents whose title only names them.

    A note opens with its title, has no sections that reports have, and shows code or lies in a folder of notes.
    """
    first = next((block for block in found.blocks if block.kind != "front_matter"), None)
    if first is None or first.kind != "heading" or first.level != 1 or not found.title:
        return None
    is_note = any(block.kind == "code" for block in found.blocks) or _FOLDERS.search(str(PurePosixPath(path).parent))
    roles = {unit.role for unit in found.units}
    if not is_note or roles & REPORT_ROLES or _INCIDENT.search(_opening(found)):
        return None
    if len(found.title.split()) < SHORTEST_TITLE or re.search(r"\b(?:19|20)\d\d-\d\d", found.title):
        return None
    return Finding(first.start, first.end, "insight", "neutral", None, None, "title of a note")


def as_in_note(finding: Finding) -> Finding:
    """`finding` as a note means it: what causes what is plain knowledge there, not a failure's cause."""
    if finding.kind not in ("cause", "went_wrong"):
        return finding
    return replace(finding, kind="insight", polarity="neutral")


def _opening(found: Outline) -> str:
    return " ".join([found.title or "", *(plain(unit.words) for unit in found.units[:6])])
