"""What the terminal prints: answers, documents, status, checks. Text in, text out; colours only when asked for.

Ingested text is hostile, on a terminal too: control characters are taken out before anything is printed.
"""

from __future__ import annotations

import contextlib
import logging
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retriever.lesson import SHARED_SOURCE

if TYPE_CHECKING:
    from retriever.doctor import Check
    from retriever.lesson import Document, Lesson

WIDTH = 96
ALSO_IN_SHOWN = 4
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# Stand for the bytes of a file name that is not UTF-8, and cannot be printed.
_SURROGATE = re.compile("[\ud800-\udfff]")
_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
_STYLES = {"bold": "\x1b[1m", "mark": "\x1b[1;33m", "dim": "\x1b[2m", "good": "\x1b[32m", "bad": "\x1b[31m"}
_RESET = "\x1b[0m"

# Stand for the ends of a highlight while lines are wrapped; taken out of every text before that.
_OPEN, _CLOSE = "\ue000", "\ue001"


def answer_text(answer: dict[str, Any], *, colour: bool) -> str:
    """An answer (its JSON) for a person: the verdict, then each lesson with its source."""
    style = _styler(colour)
    lines = [_verdict(answer, style)]
    if "meaning" in answer["degraded"]:
        lines.append(style("dim", "Only words were compared: the embedding model or its index cannot be used now."))
    for hit in answer["hits"]:
        lines.append("")
        lines.extend(_hit_lines(hit, style))
    return "\n".join(lines)


def shown_text(document: Document, lessons: Sequence[Lesson], asked: Lesson | None, *, colour: bool) -> str:
    """A document with its lessons, or the lesson asked for with the lines around it."""
    style = _styler(colour)
    meta = document.meta
    facts = [meta.date, meta.severity, meta.team, ", ".join(meta.authors), ", ".join(meta.tags), meta.url]
    lines = [style("bold", clean(document.title)), style("dim", clean(" · ".join(fact for fact in facts if fact)))]
    lines.append(
        style("dim", clean(f"{document.path}{f' [{document.part}]' if document.part else ''}  id {document.id}"))
    )
    if asked is not None:
        return "\n".join([*lines, "", *_in_place(document, asked, style)])
    lines.append("")
    for lesson in lessons:
        lines.extend(_wrapped(clean(lesson.text), "  • "))
        facts = [lesson.kind, lesson.polarity, lesson.section, f"line {document.line_of(lesson.start)}", lesson.id]
        lines.append(style("dim", clean("    " + " · ".join(fact for fact in facts if fact))))
    if not lessons:
        lines.append("No lesson is stated in it; its passages are still found.")
    return "\n".join(lines)


def status_text(status: dict[str, Any]) -> str:
    """What is in the memory, by source."""
    counts = status["counts"]
    lines = [
        f"{status['home']}: {counts['documents']} documents, {counts['lessons']} lessons, "
        f"{counts['passages']} passages."
    ]
    for source in status["sources"]:
        files = (source["report"] or {}).get("files", {})
        lines.append(f"\n{clean(source['name'])}")
        if source["name"] == SHARED_SOURCE:
            lines.append("  told by hand with `lessons share`, on the page or through the API")
            continue
        if source["root"] and source["root"] != source["name"]:
            lines.append(f"  folder    {clean(source['root'])}")
        lines.append(f"  ingested  {source['ingested_at'] or 'never finished'}")
        if files:
            shown = ", ".join(
                f"{files[name]} {name}" for name in ("seen", "read", "unchanged", "skipped", "failed", "gone")
            )
            lines.append(f"  files     {shown}")
        for failure in (source["report"] or {}).get("failed", ()):
            lines.append(f"  failed    {clean(failure['path'])}: {clean(failure['reason'])}")
    if not status["sources"]:
        lines.append("Nothing has been ingested yet: `lessons ingest PATH`.")
    return "\n".join(lines)


def checks_text(checks: Sequence[Check]) -> str:
    """One line a check, with the mend where one is needed."""
    lines = []
    for check in checks:
        lines.append(f"{'ok  ' if check.is_well else 'BAD '} {check.name:12} {check.detail}")
        if check.mend:
            lines.append(f"                  → {check.mend}")
    return "\n".join(lines)


def clean(text: str) -> str:
    """`text` without what could move the cursor, change colours or turn the reading direction."""
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text)).replace(_OPEN, "").replace(_CLOSE, "")


class CleanFormatter(logging.Formatter):
    """Log lines, which name files and quote what was in them, cleaned as everything else is."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return clean(super().format(record))


@contextlib.contextmanager
def progress_bar(label: str) -> Iterator[Callable[..., None]]:
    """A bar on stderr with rate and time left; yields what to tell of each step: a Progress, or done and total."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    # A file name may look like rich's markup.
    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(clean(label), total=None, rate="")

        def tell(step: Any, total: int | None = None) -> None:
            done, total = (step, total) if isinstance(step, int) else (step.done, step.total)
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, total=total, rate=f"{speed:.0f}/s" if speed else "")

        yield tell


def _styler(colour: bool) -> Callable[[str, str], str]:
    def style(name: str, text: str) -> str:
        return f"{_STYLES[name]}{text}{_RESET}" if colour and text else text

    return style


def _verdict(answer: dict[str, Any], style: Callable[[str, str], str]) -> str:
    hits = len(answer["hits"])
    if not hits:
        return style("bad", "Nobody has recorded this: nothing in the memory comes near it.")
    if answer["answered"] is None:
        return f"The {hits} nearest lessons (no verdict: the model in use has no calibration)."
    sure = f"{answer['confidence']:.0%} sure"
    if answer["answered"]:
        return style("good", f"Somebody has learned about this ({sure}).")
    return style("bad", f"Nobody has recorded this ({sure} that it is here). The nearest that was found:")


def _hit_lines(hit: dict[str, Any], style: Callable[[str, str], str]) -> Iterator[str]:
    lesson, document = hit["lesson"], hit["document"]
    title = clean(document["title"]) + (f" [{clean(document['part'])}]" if document["part"] else "")
    facts = [document["date"], document["severity"], document["team"]]
    yield f"{hit['rank']:>2}. {style('bold', title)}  {style('dim', clean(' · '.join(fact for fact in facts if fact)))}"
    is_coloured = style("bold", "x") != "x"
    text = _to_next_heading(lesson)
    highlights = [(start, min(end, len(text))) for start, end in lesson["highlights"] if start < len(text)]
    for line in _marked(text, highlights).splitlines():
        for shown in _wrapped(line, "    ") if line.strip() else ():
            yield _coloured(shown) if is_coloured else shown.replace(_OPEN, "").replace(_CLOSE, "")
    if lesson["context"]:
        yield from (style("dim", line) for line in _wrapped("about: " + clean(lesson["context"]), "    "))
    what = (
        f"{lesson['kind'].replace('_', ' ')}, {lesson['polarity']}"
        if lesson["stated"]
        else "passage, not a stated lesson"
    )
    where = f"{clean(document['path'])}:{lesson['line']}"
    yield style("dim", f"    {what} · {where} · {lesson['id']}")
    yield from (style("dim", line) for line in _also_in_lines(hit.get("also_in") or ()))
    for name, share in (hit.get("signals") or {}).items():
        yield style("dim", f"      {share:+.3f}  {name}")


def _to_next_heading(lesson: dict[str, Any]) -> str:
    """The text without what stands under further headings, which a terminal cannot set apart; the lesson whole."""
    text = str(lesson["text"])
    end = lesson.get("stated_end")
    stated = end - lesson["start"] if end is not None else 0
    heading = _HEADING.search(text, stated)
    return text[: heading.start()].rstrip() if heading else text


def _also_in_lines(also_in: Sequence[dict[str, Any]]) -> Iterator[str]:
    for same, label in (("lesson", "also in: "), ("incident", "same incident: ")):
        named = [_named(item["document"]) for item in also_in if item["same"] == same]
        if named:
            more = f"; and {len(named) - ALSO_IN_SHOWN} more" if len(named) > ALSO_IN_SHOWN else ""
            yield from _wrapped(label + "; ".join(named[:ALSO_IN_SHOWN]) + more, "    ")


def _named(document: dict[str, Any]) -> str:
    """A document's title, date and file on a line."""
    part = f" [{document['part']}]" if document["part"] else ""
    where = ", ".join(fact for fact in (document["date"], document["path"] + part) if fact)
    return clean(f"{document['title']} ({where})")


def _coloured(line: str) -> str:
    """The line with its highlights in colour; one that began on an earlier line or goes on is closed at the edges."""
    if line.count(_OPEN) < line.count(_CLOSE):
        line = _OPEN + line
    closed = line if line.count(_OPEN) == line.count(_CLOSE) else line + _CLOSE
    return closed.replace(_OPEN, _STYLES["mark"]).replace(_CLOSE, _RESET)


def _marked(text: str, highlights: Sequence[Sequence[int]]) -> str:
    """`text` cleaned, with the highlights' ends as private characters."""
    pieces, at = [], 0
    for start, end in highlights:
        pieces += [clean(text[at:start]), _OPEN, clean(text[start:end]), _CLOSE]
        at = end
    return "".join([*pieces, clean(text[at:])])


def _wrapped(text: str, indent: str) -> list[str]:
    words = " ".join(text.split())
    return textwrap.wrap(words, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent)) or [indent]


def _in_place(document: Document, lesson: Lesson, style: Callable[[str, str], str]) -> Iterator[str]:
    """The lines of the lesson with two more on each side, numbered; the lesson itself stands out."""
    first, last = document.line_of(lesson.start), document.line_of(max(lesson.start, lesson.end - 1))
    for number, line in enumerate(document.text.splitlines(), start=1):
        if first - 2 <= number <= last + 2:
            is_lesson = first <= number <= last
            shown = style("mark", clean(line)) if is_lesson else clean(line)
            yield f"{'>' if is_lesson else ' '} {number:>5}  {shown}"
    facts = [lesson.kind, lesson.polarity, lesson.section, lesson.id]
    yield ""
    yield style("dim", clean(" · ".join(fact for fact in facts if fact)))
