"""`lessons share`: a lesson told by options, by a file or by answers; `lessons gaps`: what is still to be told."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retriever.lesson import POLARITIES
from retriever.share import SHARE_HELP, Share, faults_of, parse_share
from retriever.shell import json_option, memory_of, print_json
from retriever.terminal import clean

if TYPE_CHECKING:
    from retriever.sharing import Shared

# What a file's front matter may call a field.
_OTHER_NAMES = {"authors": "author", "url": "link", "tag": "tags"}
_QUESTIONS = (
    ("happened", "What happened? (Enter to leave out)"),
    ("learned", "What did you learn?"),
    ("next", "What should be done next time? (Enter to leave out)"),
    ("tags", "Tags, with commas between them (Enter for none)"),
    ("link", "A link to more about it (Enter for none)"),
    ("author", "Your name (Enter to stay anonymous)"),
)
_ONE_LINE = ("learned", "happened", "next", "title", "date", "team", "author", "link")


def _told_options(command: Any) -> Any:
    for name in reversed(_ONE_LINE):
        command = click.option(f"--{name}", metavar="TEXT", help=SHARE_HELP[name])(command)
    return command


@click.command()
@_told_options
@click.option("--polarity", type=click.Choice(POLARITIES), help=SHARE_HELP["polarity"])
@click.option("--tag", "tags", multiple=True, help="A word under which it belongs; may be repeated.")
@click.option("--file", "file", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True),
              help="Read it from a Markdown or JSON file, or from standard input (-).")  # fmt: skip
@json_option
@click.pass_context
def share(context: click.Context, /, file: Path | None, as_json: bool, **options: Any) -> None:
    """Record a lesson by hand: by options, from a file, or by answering questions."""
    given = {name: value for name, value in options.items() if value}
    told = {**(_from_file(file) if file else {}), **given}
    if file is None and not given.keys() & {"happened", "learned", "next"}:
        told = {**_asked(), **told}
        if _is_told_already(context, str(told.get("learned", ""))):
            return
    told = {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}
    for name, fault in faults_of(told).items():
        raise click.UsageError(clean(f"{name!r} {fault}."))
    shared = _record(context, Share.of(told))
    if as_json:
        from retriever.wire import shared_lesson_json

        print_json(shared_lesson_json(shared))
    else:
        click.echo(_said(shared))


@click.command()
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many to list.")
@json_option
@click.pass_context
def gaps(context: click.Context, limit: int, as_json: bool) -> None:
    """Show what people asked and nobody has recorded, what is asked most first."""
    from ingest.scribe import Scribe
    from retriever.questions import Questions
    from retriever.wire import gap_json

    with memory_of(context) as memory:
        found = Questions(memory, Scribe().redact).gaps(limit=limit).items
    if as_json:
        print_json({"items": [gap_json(gap) for gap in found]})
        return
    for gap in found:
        click.echo(clean(f"{gap.count:4} × {' '.join(gap.question.split())}  ({gap.last_asked_at[:10]})"))
        for other in gap.others:
            click.echo(clean(f"       {' '.join(other.split())}"))
    if not found:
        click.echo("Nothing was asked that nobody has recorded.")


def _record(context: click.Context, told: Share) -> Shared:
    from ingest.scribe import Scribe
    from retriever.sharing import Sharing

    with memory_of(context, create=True) as memory:
        return Sharing(memory, Scribe()).share(told)


def _is_told_already(context: click.Context, learned: str) -> bool:
    """Whether somebody has told the same, and the person only added that it happened to them too."""
    from ingest.scribe import Scribe
    from retriever.correcting import Correcting
    from retriever.sharing import Sharing

    with memory_of(context, create=True) as memory:
        alike = Sharing(memory, Scribe()).similar(learned)
        if not alike:
            return False
        click.echo("Somebody has learned something like it:", err=True)
        for number, hit in enumerate(alike, start=1):
            click.echo(clean(f" {number}. {' '.join(hit.lesson.text.split())}"), err=True)
        numbers = click.Choice(["", *map(str, range(1, len(alike) + 1))])
        question = "Enter shares yours all the same; a number says me too to that one instead"
        chosen = click.prompt(question, type=numbers, default="", show_choices=False, show_default=False, err=True)
        if chosen:
            lesson = Correcting(memory).say(alike[int(chosen) - 1].lesson.id, "me_too", f"terminal:{getpass.getuser()}")
            click.echo(f"Me too: {lesson.remarks.me_too} so far. `lessons show {lesson.id}` shows it.")
        return bool(chosen)


def _asked() -> dict[str, Any]:
    """The answers to the questions, those that were given."""
    answers = {}
    for name, question in _QUESTIONS:
        default = None if name == "learned" else ""
        answers[name] = click.prompt(question, default=default, show_default=False, err=True)
    choice = click.Choice(POLARITIES)
    answers["polarity"] = click.prompt("Was it a", type=choice, default="neutral", err=True)
    return {name: _listed(value) if name == "tags" else value for name, value in answers.items() if value.strip()}


def _from_file(path: Path) -> dict[str, Any]:
    """What a file tells: a JSON object as the API takes it, or Markdown with headings and front matter."""
    try:
        with click.open_file(str(path), encoding="utf-8-sig") as file:
            text = file.read()
        if path.suffix.lower() != ".json":
            return _from_markdown(text)
        told = json.loads(text)
    except OSError as error:
        raise click.ClickException(clean(f"{path} cannot be read: {error.strerror}.")) from error
    except UnicodeDecodeError as error:
        raise click.ClickException(clean(f"{path} is no UTF-8 text.")) from error
    except (ValueError, RecursionError) as error:
        raise click.ClickException(clean(f"{path} is no JSON: {error}.")) from error
    if not isinstance(told, dict):
        raise click.ClickException(clean(f"{path} must hold one JSON object, with the fields of a lesson."))
    return told


def _from_markdown(text: str) -> dict[str, Any]:
    from ingest.readers.frontmatter import end_of_front_matter, front_matter

    said, _ = front_matter(text)
    fields: dict[str, Any] = {_OTHER_NAMES.get(name, name): value for name, value in said if value.strip()}
    fields = {name: _listed(value) if name == "tags" else value for name, value in fields.items()}
    return {**fields, **parse_share(text[end_of_front_matter(text) :].strip())}


def _listed(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def _said(shared: Shared) -> str:
    redacted = ", ".join(f"{count} {name}" for name, count in shared.redacted)
    lines = [f"Shared {shared.document.title!r} as {shared.lesson.id}; `lessons ask` finds it from now on."]
    if redacted:
        lines.append(f"Left out of it: {redacted}.")
    return clean("\n".join(lines))
