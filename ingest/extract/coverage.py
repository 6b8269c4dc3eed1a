"""Extraction checked over whole folders: every span verbatim, and how many judged sentences lie in a lesson."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.extract.extractor import Extraction, extract
from ingest.extract.places import Places, covered
from ingest.extract.templates import boilerplate
from ingest.readers import read
from ingest.readers.reading import Reading
from retriever.errors import SourceError

LIES_IN = 0.6


@dataclass(frozen=True, slots=True)
class FolderCheck:
    """`documents` read, `sources` among them, `lessons` found; `broken` says which spans are not what they claim."""

    documents: int
    sources: int
    lessons: int
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JudgedCoverage:
    """How many of the sentences that answer judged queries lie in a lesson; `missed` are (query id, sentence)."""

    sentences: int
    found: int
    missed: tuple[tuple[str, str], ...]

    @property
    def share(self) -> float:
        """The share found, in [0, 1]."""
        return self.found / self.sentences if self.sentences else 0.0


def check_folder(folder: Path) -> FolderCheck:
    """Extract from every readable file in a folder and look at each span again."""
    documents = sources = lessons = 0
    broken: list[str] = []
    for path, reading, found in _extracted(folder):
        documents += 1
        sources += found.is_source
        lessons += len(found.lessons)
        broken += [f"{path}: {fault}" for fault in _faults(reading.text, found)]
    return FolderCheck(documents, sources, lessons, tuple(broken))


def _faults(text: str, found: Extraction) -> Iterator[str]:
    for lesson in found.lessons:
        span = text[lesson.start : lesson.end]
        if not 0 <= lesson.start < lesson.end <= len(text) or span != span.strip():
            yield f"({lesson.start}, {lesson.end}) is not a trimmed span of {len(text)} characters"
    starts = [lesson.start for lesson in found.lessons]
    if starts != sorted(starts):
        yield "the lessons are not in document order"


def judged_coverage(queries: Path, folder: Path) -> JudgedCoverage:
    """How much of the `lesson` sentences in a judged query set lies in the lessons of their `lesson_file`."""
    rows = [json.loads(line) for line in queries.read_text("utf-8").splitlines() if line.strip()]
    wanted = [
        (row["id"], row["lesson"], row["lesson_file"]) for row in rows if row.get("lesson") and row.get("lesson_file")
    ]
    files = {file for _, _, file in wanted}
    texts = {path: (reading.text, found) for path, reading, found in _extracted(folder) if path in files}
    missed = tuple((name, lesson) for name, lesson, file in wanted if not _lies_in(lesson, texts.get(file)))
    return JudgedCoverage(len(wanted), len(wanted) - len(missed), missed)


def _lies_in(sentence: str, document: tuple[str, Extraction] | None) -> bool:
    if document is None:
        return False
    text, found = document
    places = Places(text)
    spans = [places.span(lesson.start, lesson.end) for lesson in found.lessons]
    return any(covered(place, spans) >= LIES_IN for place in places.find(sentence))


def _extracted(folder: Path) -> Iterator[tuple[str, Reading, Extraction]]:
    """Every readable document of a folder with what was extracted from it, as a pipeline would."""
    readings = list(_readings(folder))
    known = boilerplate((path, reading.text) for path, reading in readings)
    for path, reading in readings:
        yield path, reading, extract(reading.text, path=path, boilerplate=known)


def _readings(folder: Path) -> Iterator[tuple[str, Reading]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            try:
                found = read(path.read_bytes(), path.name)
            except SourceError:
                continue
            for reading in found:
                yield path.relative_to(folder).as_posix(), reading
