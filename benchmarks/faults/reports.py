"""Invented reports, no two alike: each has a word of its own by which it can be found, and missed."""

from __future__ import annotations

import random
from pathlib import Path

_THINGS = (
    "anchor barrel candle dredger engine furnace gantry hatch jetty kettle lantern mast needle oar pulley quay".split()
)
_DOINGS = "check label oil paint rotate seal test weigh".split()
_TIMES = "before every tide|after the second bell|on the first cold night|whenever the crew changes|at noon".split("|")
_WHYS = "it froze|nobody owned it|two people read the same gauge|the spare had been lent|the list was old".split("|")


def word_of(number: int) -> str:
    """A word that only the report of this number has: letters, so that it stays whole wherever words are cut."""
    letters = ""
    rest = number + 1
    while rest:
        rest, digit = divmod(rest, 20)
        letters += "bcdfghjklmnpqrstvwxz"[digit]
    return f"qua{letters}zorn"


def report(number: int, revision: int = 0) -> str:
    """The text of the report of this number; each revision says something else."""
    chance = random.Random(f"{number}/{revision}")
    thing, other = chance.sample(_THINGS, 2)
    word = word_of(number)
    lessons = [
        f"- {chance.choice(_DOINGS).capitalize()} the {word} {thing} {chance.choice(_TIMES)}, because "
        f"{chance.choice(_WHYS)} (revision {revision}).",
        f"- We should {chance.choice(_DOINGS)} the {other} of the {word} crew {chance.choice(_TIMES)}.",
    ]
    story = f"The {thing} of the {word} crew failed: {chance.choice(_WHYS)}, and {chance.choice(_WHYS)}."
    return f"# The {word} {thing}\n\n{story}\n\n## Lessons learned\n\n" + "\n".join(lessons) + "\n"


def write_report(folder: Path, number: int, revision: int = 0) -> Path:
    """The report is a file in the folder."""
    path = folder / f"report-{number}.md"
    path.write_text(report(number, revision), encoding="utf-8")
    return path
