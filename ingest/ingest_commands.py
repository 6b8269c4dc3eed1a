"""`lessons ingest`: folders and files read into the memory here, or sent to a memory elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retriever.config import TOKEN_VARIABLE
from retriever.errors import SettingError
from retriever.shell import EXIT_SOME_FAILED, json_option, memory_of, print_json, progress, settings_of
from retriever.terminal import clean

if TYPE_CHECKING:
    from ingest.options import IngestOptions
    from ingest.report import IngestReport

# How far an ingest steps back (see nice(2)) while a server answers questions of the same memory.
BESIDE_A_SERVER = 10


class _Columns(click.types.StringParamType):
    """`role=Column` pairs, separated by commas; a variable holds them all, since names have spaces."""

    name = "role=column"
    envvar_list_splitter = "\n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ingest.readers.columns import parse_columns

        try:
            parse_columns([value])
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return str(value)


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--source", metavar="NAME", help="Name of the source.  [default: its folder]")
@click.option("--url-template", metavar="URL",
              help="Link home of each document, such as https://host/{path}#L{line}.")  # fmt: skip
@click.option("--columns", multiple=True, type=_Columns(), metavar="ROLE=COLUMN,...",
              help="Roles of a table's columns: lesson=Notes,title=Headline; may be repeated.")  # fmt: skip
@click.option("--server", metavar="URL", help="Send them to the memory of this server; needs --source and a token.")
@click.option("--token-file", metavar="FILE", type=click.Path(path_type=Path),
              help="File with the token for --server.  [default: the variable LESSONS_TOKEN]")  # fmt: skip
@click.option("--prune", is_flag=True, help="Remove documents whose file is gone.")
@click.option("--yes", is_flag=True, help="Prune even if that removes much.")
@click.option("--dry-run", is_flag=True, help="Read and report, change nothing.")
@click.option("--explain", is_flag=True, help="Show line by line what is taken as what, and why; change nothing.")
@json_option
@click.pass_context
def ingest(
    context: click.Context, /, paths: tuple[Path, ...], explain: bool, server: str | None, as_json: bool, **options: Any
) -> None:
    """Read folders and files into the memory; safe to repeat."""
    from ingest.names import names_of
    from ingest.options import IngestOptions
    from ingest.readers.columns import parse_columns
    from ingest.report import report_text

    columns, token_file = parse_columns(options.pop("columns", ())), options.pop("token_file")
    settings = settings_of(context)
    max_file_bytes = int(settings.max_file_mb * 1e6)
    wanted = IngestOptions(max_file_bytes=max_file_bytes, columns=columns, names=names_of(settings), **options)
    if explain:
        _explain(paths, wanted)
        return
    reports = [_send(paths, wanted, server, token_file)] if server else _ingest_all(context, paths, wanted)
    if as_json:
        print_json([report.as_json() for report in reports])
    else:
        for report in reports:
            click.echo(clean(report_text(report)))
    if any(report.failed for report in reports):
        sys.exit(EXIT_SOME_FAILED)


def _ingest_all(context: click.Context, paths: tuple[Path, ...], wanted: IngestOptions) -> list[IngestReport]:
    from ingest.pipeline import ingest as run
    from retriever.asking import running_server

    if running_server(settings_of(context)) is not None:
        # Whoever asks meanwhile waits; an ingest only takes longer.
        os.nice(BESIDE_A_SERVER)
    reports = []
    with memory_of(context, create=True) as memory:
        for path in paths:
            with _interruptible(), progress(f"Reading {path}") as tell:
                reports.append(run(memory, path, wanted, tell))
    return reports


def _send(paths: tuple[Path, ...], wanted: IngestOptions, server: str, token_file: Path | None) -> IngestReport:
    from ingest.remote import RemoteMemory
    from ingest.sending import send

    if len(paths) != 1:
        raise click.UsageError("With --server, give one PATH: its files are known by where they stand below it.")
    if wanted.dry_run:
        raise click.UsageError("--dry-run reads files here and --server reads them there: leave out one of the two.")
    with RemoteMemory(server, _token(token_file)) as memory:
        if memory.is_clear_text:
            click.echo(f"Warning: {clean(server)} is not https: token and files can be read on the way.", err=True)
        with _interruptible(), progress(f"Sending {paths[0]}") as tell:
            return send(memory, paths[0], wanted, tell)


def _token(file: Path | None) -> str:
    """The token in the file, else in the variable. Raises SettingError."""
    token = os.environ.get(TOKEN_VARIABLE, "")
    if file is not None:
        try:
            token = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"The token's file {str(file)!r} cannot be read: {error}.") from error
    token = token.strip()
    if not (token and token.isascii() and token.isprintable()):
        raise SettingError(
            f"--server needs a token of scope contribute: set {TOKEN_VARIABLE}, or name its file with --token-file. "
            "Whoever runs the server makes one with `lessons token add NAME --scope contribute`."
        )
    return token


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise click.ClickException("Stopped. What was read so far is kept; run it again to go on.") from None


def _explain(paths: tuple[Path, ...], wanted: IngestOptions) -> None:
    from ingest.explaining import explain_file

    for path in paths:
        click.echo(clean(explain_file(path, wanted.max_file_bytes, wanted.columns)))
