"""Extraction measured against gold lessons, by place: what was found, what should have been, what never.

`score_gold` is `lessons eval --gold`. A must counts as found when one lesson covers at least 60 % of it and is no
longer than 200 characters or three times the must; a lesson is right when at least half of it lies in must or may; a
never span is taken when lessons cover at least half of it. F1 is a corpus', the mean is over corpora; recall,
precision and never are pooled.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median

from ingest.extract import Extraction, boilerplate, extract
from ingest.extract.places import Places, Span, covered
from ingest.metadata import resolve
from ingest.readers import read
from ingest.readers.reading import Reading
from retriever.errors import SourceError
from retriever.lesson import Finding, Metadata, normalised

MUST_COVERED = 0.6
RIGHT_WITHIN = 0.5
NEVER_COVERED = 0.5
LONGEST_LESSON = 200
LONGEST_RATIO = 3
SAME_TITLE = 0.6
MERGED_KINDS = {"recommendation": "action", "cause": "insight"}

Extractor = Callable[..., Extraction]


@dataclass(frozen=True, slots=True)
class GoldLesson:
    """A lesson that must be found."""

    text: str
    kind: str
    polarity: str


@dataclass(frozen=True, slots=True)
class GoldDocument:
    """One line of the gold; `text_file` is relative to the corpus' folder, `path` to its docs."""

    corpus: str
    path: str
    text_file: str | None
    meta: dict[str, object]
    must: tuple[GoldLesson, ...]
    may: tuple[str, ...]
    never: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one document's lessons are worth; `missed`, `wrong` and `forbidden` hold texts, for people who mend rules.

    `kinds` and `polarities` are (expected, given) for every must that was found; `facts` are (name, was right) for
    title, date, severity and source.
    """

    corpus: str
    path: str
    musts: int
    right: int
    lengths: tuple[int, ...]
    nevers: int
    kinds: tuple[tuple[str, str], ...]
    polarities: tuple[tuple[str, str], ...]
    missed: tuple[str, ...]
    wrong: tuple[str, ...]
    forbidden: tuple[str, ...]
    facts: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class CorpusScore:
    """One corpus' shares, each in [0, 1]."""

    corpus: str
    f1: float
    recall: float
    precision: float


@dataclass(frozen=True, slots=True)
class GoldReport:
    """The figures over all documents; shares in [0, 1], `median_length` in characters, `facts` by name."""

    corpora: tuple[CorpusScore, ...]
    mean_f1: float
    recall: float
    precision: float
    never: float
    median_length: float
    kind: float
    kind_fine: float
    polarity: float
    facts: tuple[tuple[str, float], ...]
    comparisons: tuple[Comparison, ...]

    @classmethod
    def of(cls, comparisons: Sequence[Comparison]) -> GoldReport:
        """The report over documents already compared."""
        corpora = tuple(
            _corpus(name, [one for one in comparisons if one.corpus == name])
            for name in dict.fromkeys(one.corpus for one in comparisons)
        )
        whole = _corpus("all", comparisons)
        kinds = [pair for one in comparisons for pair in one.kinds]
        merged = [(MERGED_KINDS.get(a, a), MERGED_KINDS.get(b, b)) for a, b in kinds]
        facts = [fact for one in comparisons for fact in one.facts]
        return cls(
            corpora=corpora,
            mean_f1=mean([score.f1 for score in corpora]) if corpora else 0.0,
            recall=whole.recall,
            precision=whole.precision,
            never=_share(sum(len(one.forbidden) for one in comparisons), sum(one.nevers for one in comparisons)),
            median_length=median([length for one in comparisons for length in one.lengths] or [0]),
            kind=_agreement(merged),
            kind_fine=_agreement(kinds),
            polarity=_agreement([pair for one in comparisons for pair in one.polarities]),
            facts=tuple(
                (name, mean([right for fact, right in facts if fact == name]))
                for name in dict.fromkeys(name for name, _ in facts)
            ),
            comparisons=tuple(comparisons),
        )

    def as_text(self) -> str:
        """The report as lines of text."""
        rows = [f"{'corpus':<22}{'F1':>6}{'recall':>8}{'precision':>11}"]
        rows += [f"{one.corpus:<22}{one.f1:6.2f}{one.recall:8.2f}{one.precision:11.2f}" for one in self.corpora]
        shares = [
            ("mean F1", self.mean_f1),
            ("recall", self.recall),
            ("precision", self.precision),
            ("never taken", self.never),
            ("kind", self.kind),
            ("kind, fine classes", self.kind_fine),
            ("polarity", self.polarity),
            *self.facts,
        ]
        rows += ["", *(f"{name:<22}{share:6.3f}" for name, share in shares)]
        return "\n".join([*rows, f"{'median length':<22}{self.median_length:6.0f}"])

    def as_json(self) -> dict[str, object]:
        """What `--json` prints."""
        return asdict(self)


def score_gold(
    gold_path: Path, root: Path, *, extractor: Extractor = extract, through_readers: bool = False
) -> GoldReport:
    """Score the extraction of every document in a gold file; `root` holds one folder a corpus.

    With `through_readers` PDFs go through the PDF reader, else their `text_file` stands for it. Raises SourceError for
    a document that is not there.
    """
    return score_documents(read_gold(gold_path), root, extractor, through_readers)


def score_documents(
    gold: Sequence[GoldDocument], root: Path, extractor: Extractor = extract, through_readers: bool = False
) -> GoldReport:
    """`score_gold` over gold documents already read."""
    known = {corpus: folder_boilerplate(root / corpus / "docs") for corpus in {one.corpus for one in gold}}
    comparisons = []
    for one in gold:
        reading = _reading(root, one)
        text = reading.text if through_readers else gold_text(root, one)
        meta, _ = resolve(one.path, reading)
        found = extractor(text, title=meta.title, path=one.path, boilerplate=known[one.corpus])
        comparisons.append(compare(text, one, found, meta))
    return GoldReport.of(comparisons)


def folder_boilerplate(folder: Path) -> frozenset[str]:
    """The boilerplate of every readable text in a folder, as a pipeline computes it; PDFs are left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix.lower() in (".md", ".markdown", ".erb", ".rst", ".txt", ""):
            try:
                found += [(path.relative_to(folder).as_posix(), one.text) for one in read(path.read_bytes(), path.name)]
            except SourceError:
                continue
    return boilerplate(found)


def gold_text(root: Path, gold: GoldDocument) -> str:
    """The Markdown of a gold document: what its reader gives, but its `text_file` where there is one."""
    if gold.text_file:
        return (root / gold.corpus / gold.text_file).read_text("utf-8")
    return _reading(root, gold).text


def _reading(root: Path, gold: GoldDocument) -> Reading:
    path = root / gold.corpus / "docs" / gold.path
    if not path.is_file():
        raise SourceError(f"{path} is named in the gold but is not there; is --root the folder that holds the corpora?")
    return read(path.read_bytes(), path.name)[0]


def read_gold(path: Path) -> tuple[GoldDocument, ...]:
    """The documents of a gold file, in its order."""
    return tuple(_gold_document(json.loads(line)) for line in path.read_text("utf-8").splitlines() if line.strip())


def _gold_document(row: dict[str, object]) -> GoldDocument:
    musts: list[dict[str, str]] = row.get("must", [])  # type: ignore[assignment]
    meta: dict[str, object] = row.get("meta", {})  # type: ignore[assignment]
    text_file = row.get("text_file")
    return GoldDocument(
        corpus=str(row["corpus"]),
        path=str(row["path"]),
        text_file=str(text_file) if text_file else None,
        meta=meta,
        must=tuple(GoldLesson(one["text"], one["kind"], one["polarity"]) for one in musts),
        may=_phrases(row.get("may", [])),
        never=_phrases(row.get("never", [])),
    )


def _phrases(items: object) -> tuple[str, ...]:
    return tuple(one if isinstance(one, str) else str(one["text"]) for one in items)  # type: ignore[attr-defined]


def compare(text: str, gold: GoldDocument, found: Extraction, meta: Metadata | None = None) -> Comparison:
    """Score what was extracted from `text`; a gold span that does not stand in it counts as not found."""
    places = Places(text)
    spans = [places.span(lesson.start, lesson.end) for lesson in found.lessons]
    matches = [(must, _match(places, must, found.lessons, spans)) for must in gold.must]
    pairs = [(must, lesson) for must, lesson in matches if lesson]
    wanted = [span for phrase in (*(must.text for must in gold.must), *gold.may) for span in places.find(phrase)]
    right = [covered(span, wanted) >= RIGHT_WITHIN for span in spans]
    return Comparison(
        corpus=gold.corpus,
        path=gold.path,
        musts=len(gold.must),
        right=sum(right),
        lengths=tuple(lesson.end - lesson.start for lesson in found.lessons),
        nevers=len(gold.never),
        kinds=tuple((must.kind, lesson.kind) for must, lesson in pairs),
        polarities=tuple((must.polarity, lesson.polarity) for must, lesson in pairs),
        missed=tuple(must.text for must, lesson in matches if not lesson),
        wrong=tuple(text[one.start : one.end] for one, good in zip(found.lessons, right, strict=True) if not good),
        forbidden=tuple(phrase for phrase in gold.never if _is_taken(places, phrase, spans)),
        facts=_facts(gold.meta, meta, found.is_source),
    )


def _match(places: Places, must: GoldLesson, lessons: Sequence[Finding], spans: Sequence[Span]) -> Finding | None:
    """The lesson that covers most of the must, among those that cover enough of it and are not too long."""
    longest = max(LONGEST_LESSON, LONGEST_RATIO * len(must.text))
    shares = [
        (max((covered(place, [span]) for place in places.find(must.text)), default=0.0), lesson)
        for lesson, span in zip(lessons, spans, strict=True)
        if lesson.end - lesson.start <= longest
    ]
    best = max(shares, key=lambda pair: pair[0], default=None)
    return best[1] if best and best[0] >= MUST_COVERED else None


def _is_taken(places: Places, phrase: str, spans: Sequence[Span]) -> bool:
    # Template text may stand twice; the annotator marked the first place.
    return any(covered(place, spans) >= NEVER_COVERED for place in places.find(phrase)[:1])


def _facts(gold: dict[str, object], meta: Metadata | None, is_source: bool) -> tuple[tuple[str, bool], ...]:
    source = ("source", bool(gold.get("is_lesson_source")) == is_source)
    if meta is None:
        return (source,)
    others = gold.get("date_alt")
    dates = {gold.get("date"), *(others if isinstance(others, list) else ())}
    severity = normalised(str(gold.get("severity") or "")) == normalised(meta.severity or "")
    title = _same_title(str(gold.get("title") or ""), meta.title or "")
    return source, ("title", title), ("date", meta.date in dates), ("severity", severity)


def _same_title(expected: str, given: str) -> bool:
    """Whether two titles are the same, or one is most of the other."""
    first, second = sorted((normalised(expected), normalised(given)), key=len)
    return first == second or (first in second and len(first) >= SAME_TITLE * len(second))


def _corpus(name: str, comparisons: Iterable[Comparison]) -> CorpusScore:
    found = list(comparisons)
    recall = _share(sum(one.musts - len(one.missed) for one in found), sum(one.musts for one in found))
    precision = _share(sum(one.right for one in found), sum(len(one.lengths) for one in found))
    return CorpusScore(name, _share(2 * recall * precision, recall + precision), recall, precision)


def _agreement(pairs: Sequence[tuple[str, str]]) -> float:
    return _share(sum(expected == given for expected, given in pairs), len(pairs))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
