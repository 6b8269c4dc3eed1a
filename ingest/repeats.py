"""What the documents of a source have from a template or from each other, out of the digests kept of their lines.

The same as `ingest.extract.boilerplate` finds by reading every text; this reads only those that hold a line which
has become boilerplate since, so that one changed file costs a look at one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.extract import countable_lines, least_repeats, reads_as_template, template_lines
from retriever.record.draft import LineDigests

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retriever.record.lines import Lines, SourceLines
    from retriever.record.rows import Source


def lines_of(text: str, path: str) -> LineDigests:
    """The digests of a document's lines."""
    counted = countable_lines(text)
    return LineDigests(_digests(counted), _digests(template_lines(text) - counted), reads_as_template(text, path))


class Repeats:
    """The boilerplate of a source at one moment, against what was `known` of it; asks `lines` for what it needs."""

    def __init__(self, lines: Lines, source: Source, known: frozenset[str]) -> None:
        lines.add((key, lines_of(text, path)) for key, path, text in lines.missing(source))
        self._lines = lines
        self._all = lines.of(source)
        self._known = dict(zip(_each(known), known, strict=True))
        found = boilerplate_digests(self._all)
        told = np.fromiter(self._known, np.int64, len(self._known))
        self._kept = np.intersect1d(told, found)
        self._new = np.setdiff1d(found, told)
        self._changed = np.setxor1d(told, found)

    def boilerplate(self) -> frozenset[str]:
        """The lines, normalised."""
        return frozenset(self._known[digest] for digest in self._kept.tolist()) | frozenset(self._texts())

    def touched(self) -> tuple[str, ...]:
        """The paths of the files in which a line stands that is boilerplate now and was not, or no longer is."""
        holding = np.unique(self._all.owners[np.isin(self._all.digests, self._changed)])
        return self._lines.paths(holding.tolist())

    def _texts(self) -> Iterable[str]:
        """The new lines: each out of the first document that holds it."""
        wanted = set(self._new.tolist())
        holding = self._all.owners[np.isin(self._all.digests, self._new)]
        for document in np.unique(holding).tolist():
            if not wanted:
                return
            for line in template_lines(self._lines.text(document)):
                digest = _digest(line)
                if digest in wanted:
                    wanted.remove(digest)
                    yield line


def boilerplate_digests(lines: SourceLines) -> NDArray[Any]:
    """The digests of what is boilerplate: all lines of templates, and those that many documents share."""
    found, counts = np.unique(lines.digests[lines.counts], return_counts=True)
    return np.union1d(lines.digests[lines.is_template], found[counts >= least_repeats(lines.documents)])


def _digests(lines: frozenset[str]) -> NDArray[Any]:
    """Sorted, int64."""
    return np.sort(np.fromiter(_each(lines), np.int64, len(lines)))


def _each(lines: Iterable[str]) -> Iterable[int]:
    return (_digest(line) for line in lines)


def _digest(line: str) -> int:
    found = hashlib.blake2b(line.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(found.digest(), "big", signed=True)
