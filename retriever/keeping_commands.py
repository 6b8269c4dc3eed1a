"""`lessons backup`, `restore`, `export`, `import` and `forget`: what is kept of a memory, and what is not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from retriever.shell import memory_of, settings_of
from retriever.terminal import clean

if TYPE_CHECKING:
    from retriever.keeping import Replaced
    from retriever.record.copies import CopyFacts

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("file", metavar="FILE", type=_FILE)
@click.pass_context
def backup(context: click.Context, file: Path) -> None:
    """Write the whole record to one file, checked; a server may run and an ingest too."""
    from retriever.keeping import back_up

    facts = back_up(settings_of(context), file)
    click.echo(clean(f"Backed up {facts.documents} documents and {facts.lessons} lessons to {file}, and checked it."))
    _warn_of_damage(facts)


@click.command()
@click.argument("file", metavar="FILE", type=_FILE)
@click.option("--replace", is_flag=True, help="Put it in place of the memory that is there, which is kept aside.")
@click.pass_context
def restore(context: click.Context, file: Path, replace: bool) -> None:
    """Make a backup the memory again; nothing else may use the home meanwhile."""
    from retriever.keeping import restore as run

    facts, replaced = run(settings_of(context), file, replace=replace)
    click.echo(clean(f"Restored {facts.documents} documents and {facts.lessons} lessons from {file}."))
    _say_what_was_replaced(replaced)
    _warn_of_damage(facts)


@click.command()
@click.argument("file", metavar="FILE.jsonl", type=_FILE)
@click.option("--no-embeddings", is_flag=True, help="Leave them out; after an import `lessons reindex` makes them.")
@click.pass_context
def export(context: click.Context, file: Path, no_embeddings: bool) -> None:
    """Write everything but the vector index as lines of JSON."""
    from retriever.keeping import export as run

    count = run(settings_of(context), file, embeddings=not no_embeddings)
    click.echo(clean(f"Exported {count} lines to {file}."))


@click.command("import")
@click.argument("file", metavar="FILE.jsonl", type=_FILE)
@click.pass_context
def import_(context: click.Context, file: Path) -> None:
    """Fill an empty home with what an export holds."""
    from retriever.keeping import import_from

    imported, replaced = import_from(settings_of(context), file)
    click.echo(
        clean(f"Imported {imported.documents} documents and {imported.lessons} lessons, {imported.rows} rows in all.")
    )
    if imported.has_embeddings:
        _say_what_was_replaced(replaced)
    else:
        click.echo("The export has no embeddings: words answer until `lessons reindex` has made them.", err=True)


def _say_what_was_replaced(replaced: Replaced) -> None:
    if replaced.aside is not None:
        click.echo(clean(f"The record that was there is kept as {replaced.aside}."))
    if not replaced.is_indexed:
        click.echo(
            "The vector index is not built yet; the next ingest or server with the memory's model does.", err=True
        )


def _warn_of_damage(facts: CopyFacts) -> None:
    if facts.damaged:
        click.echo(
            f"Warning: {facts.damaged} documents in it fail their checksums, as in the memory it was made from; "
            "`lessons doctor` names the mend.",
            err=True,
        )


@click.command()
@click.argument("document", metavar="DOCUMENT", required=False)
@click.option("--leftovers", is_flag=True, help="Instead: take from the disk what was removed or edited out before.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def forget(context: click.Context, document: str | None, leftovers: bool, yes: bool) -> None:
    """Remove a document and its lessons from the memory for good."""
    if leftovers == (document is not None):
        raise click.UsageError("Give either DOCUMENT or --leftovers.")
    with memory_of(context) as memory:
        if document is None:
            question = "Copies of the record in the home (in backups/, and exports) are removed too. Go on?"
            if not yes:
                click.confirm(question, abort=True)
            memory.forget_leftovers()
            click.echo("What was removed or edited out before is no longer on this memory's disk.")
        else:
            found = memory.document(document)
            name = clean(found.path)
            if not yes:
                click.confirm(f"Forget {clean(found.title)!r} ({name}) and its lessons for good?", abort=True)
            outcome = memory.forget(found.id)
            click.echo(f"Forgot {name} and {outcome.lessons_gone} lessons. Its file, if still there, stays forgotten.")
    _warn_of_backups(context)


def _warn_of_backups(context: click.Context) -> None:
    """Says where the last backup is, when it lies where nothing of ours is taken out of it."""
    from retriever.record.backups import last_backup

    home = settings_of(context).home
    last = last_backup(home)
    if last is not None and not last.is_relative_to(home.absolute()):
        click.echo(clean(f"Backups outside the home keep it; the last one is {last}."), err=True)
