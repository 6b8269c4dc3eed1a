"""The terminal: `lessons`. Each command parses, builds, calls one function and prints.

Nothing heavy is imported at the top: `lessons --help` must answer at once.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from ingest.eval_commands import evaluate
from ingest.ingest_commands import ingest
from ingest.share_commands import gaps, share
from retriever.config import ENVIRONMENT_PREFIX, unknown_variables
from retriever.keeping_commands import backup, export, forget, import_, restore
from retriever.options import filter_options, give_variables, number_of, option_variables
from retriever.shell import (
    EXIT_COULD_NOT,
    EXIT_NOTHING_RECORDED,
    Finished,
    Group,
    has_colour,
    json_option,
    memory_of,
    print_json,
    progress,
    run_apart,
    set_up_process,
    settings_of,
)
from retriever.terminal import clean
from retriever.token_commands import token

if TYPE_CHECKING:
    from ingest.scribe import Scribe


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--home", metavar="DIR", help="Folder that holds the memory.  [default: the platform's data folder]")
@click.option("--model", metavar="DIR", help="Folder of another sentence-transformers model.")
@click.option("--models", metavar="DIR", help="Folder for exported models.", hidden=True)
@click.option("-v", "--verbose", count=True, help="Say more on stderr; twice for everything.")
@click.version_option(package_name="lesson-retriever", prog_name="lessons")
@click.pass_context
def main(context: click.Context, home: str | None, model: str | None, models: str | None, verbose: int) -> None:
    """The memory of an organization of learners: has anyone learned something about it?"""
    set_up_process(verbose)
    for name in unknown_variables(os.environ, option_variables(main)):
        click.echo(f"Warning: {clean(name)} sets nothing; `lessons settings` lists the variables.", err=True)
    context.obj = {"home": home, "model": model, "models": models}


@main.command()
@click.argument("query", metavar="QUESTION")
@click.option("-k", type=number_of("k"), help="How many lessons.  [default: 10]")
@click.option(
    "--per-document", type=number_of("per_document"), help="How many of them from one document.  [default: 2]"
)
@click.option("--explain", is_flag=True, help="Show what each score is made of.")
@filter_options
@json_option
@click.pass_context
def ask(
    context: click.Context,
    /,
    query: str,
    k: int | None,
    per_document: int | None,
    explain: bool,
    as_json: bool,
    **filters: Any,
) -> None:
    """Show the best lessons about a question."""
    from retriever.asking import ask_anywhere, filters_from
    from retriever.terminal import answer_text

    settings = settings_of(context, k=k, per_document=per_document)
    answer = ask_anywhere(settings, query, filters_from(filters), _without_secrets, explain=explain)
    if as_json:
        print_json(answer)
    else:
        click.echo(answer_text(answer, colour=has_colour()))
    is_answered = answer["answered"] is not False and answer["hits"]
    raise Finished(0 if is_answered else EXIT_NOTHING_RECORDED)


def _without_secrets(text: str) -> str:
    from ingest.redact import redact

    return redact(text).text


@main.command()
@click.argument("reference", metavar="ID|PATH")
@json_option
@click.pass_context
def show(context: click.Context, reference: str, as_json: bool) -> None:
    """Show a lesson in its source, or a document with all its lessons."""
    from retriever.terminal import shown_text
    from retriever.wire import shown_json

    with memory_of(context) as memory:
        document, lessons, asked = memory.show(reference)
    if as_json:
        print_json(shown_json(document, lessons))
    else:
        click.echo(shown_text(document, lessons, asked, colour=has_colour()))


@main.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=number_of("port"), help="Port to listen on.  [default: 8080]")
@click.pass_context
def serve(context: click.Context, host: str | None, port: int | None) -> None:
    """Serve the web page and the HTTP API."""
    from retriever.logs import set_up_server_logs
    from retriever.memory import Memory
    from retriever.web.server import serve as run

    settings = settings_of(context, host=host, port=port)
    set_up_server_logs(settings)
    Memory.open(settings, create=True).close()

    def say(url: str) -> None:
        click.echo(f"Lessons is at {url} (Ctrl-C stops it).", err=True)

    level = logging.getLevelName(logging.getLogger().getEffectiveLevel()).lower()

    def make_scribe() -> Scribe:
        from ingest.scribe import Scribe

        return Scribe()

    run(settings, lambda: Memory.open(settings), say, make_scribe=make_scribe, log_level=level)


@main.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=number_of("port"), help="Port to listen on.  [default: 8080]")
@click.option("--no-serve", is_flag=True, help="Ask the question, and do not serve the page.")
@click.pass_context
def demo(context: click.Context, host: str | None, port: int | None, no_serve: bool) -> None:
    """Fill an example memory in a temporary folder, ask it a question, serve its page."""
    import tempfile

    from retriever.demo import EXAMPLE_QUESTION, examples_folder

    with tempfile.TemporaryDirectory(prefix="lessons-demo-") as folder:
        context.obj["home"] = folder
        click.echo("Filling an example memory; the first time, the model is prepared, which takes some 20 seconds.")
        run_apart(context, "ingest", str(examples_folder()), "--source", "examples")
        click.echo(f'\n$ lessons ask -k 3 "{EXAMPLE_QUESTION}"\n')
        run_apart(context, "ask", "-k", "3", EXAMPLE_QUESTION)
        if not no_serve:
            click.echo("")
            context.invoke(serve, host=host, port=port)


@main.command()
@json_option
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Show what is in the memory, and what went wrong at the last ingest."""
    from retriever.terminal import status_text

    with memory_of(context) as memory:
        value = memory.status()
    if as_json:
        print_json(value)
    else:
        click.echo(status_text(value))


@main.command()
@json_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Check every part of the memory; say what is wrong and the mend."""
    from retriever.doctor import examine
    from retriever.terminal import checks_text

    checks = examine(settings_of(context))
    if as_json:
        print_json({"checks": [check.as_json() for check in checks], "ok": all(check.is_well for check in checks)})
    else:
        click.echo(checks_text(checks))
    if not all(check.is_well for check in checks):
        sys.exit(EXIT_COULD_NOT)


@main.command()
@click.option("--embed", is_flag=True, help="Embed every text again as well, as for another model.")
@click.pass_context
def reindex(context: click.Context, embed: bool) -> None:
    """Build the vector index anew from the record."""
    from ingest.reembed import embed_missing

    embedded: list[int] = []
    # One bar for both: rich shows no bar inside another.
    with memory_of(context) as memory, progress("Embedding and indexing") as tell:
        memory.reindex(
            lambda: embedded.append(embed_missing(memory, tell, everything=embed and not embedded, first=not embedded)),
            tell,
        )
        counts = memory.counts()
    click.echo(
        f"Indexed {counts['passages']} passages and {counts['lessons']} lessons; "
        f"embedded {sum(embedded)} documents again."
    )


@main.command()
def settings() -> None:
    """List the settings, their variables and defaults."""
    from retriever.config import settings_help

    for name, default, text in settings_help():
        click.echo(f"{name:20} {ENVIRONMENT_PREFIX}{name.upper():20} {default or '(empty)':22} {text}")
    click.echo(f"\nOptions that are no settings have variables too: {', '.join(sorted(option_variables(main)))}.")


for command in (ingest, share, gaps, evaluate, forget, backup, restore, export, import_, token):
    main.add_command(command)
give_variables(main)


if __name__ == "__main__":
    main()
