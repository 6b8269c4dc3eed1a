"""What the commands of the terminal share: how errors end them, what they open, how they print.

The exit codes are those that the README lists; 2, misuse, is click's own.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from retriever.config import Settings, load_settings
from retriever.errors import InvalidQuery, RetrieverError
from retriever.terminal import CleanFormatter, clean

if TYPE_CHECKING:
    from retriever.memory import Memory

EXIT_COULD_NOT = 1
EXIT_NOTHING_RECORDED = 3
EXIT_SOME_FAILED = 4


class Finished(SystemExit):
    """The command has closed whatever it had opened: the process may end on the spot."""


class Group(click.Group):
    """The one place that turns a domain error into a message and an exit code."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Runs the program; only the installed script and `python -m cli` call this, tests do not.

        Python takes down piece by piece what the system takes back at once, which for an answer out of a model is a
        seventh of all the work.
        """
        try:
            return super().__call__(*arguments, **named)
        except Finished as end:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            os._exit(end.code if isinstance(end.code, int) else 0)

    def invoke(self, context: click.Context) -> Any:
        """What the command returns; a domain error ends the program with its sentence."""
        try:
            return super().invoke(context)
        except InvalidQuery as error:
            raise click.UsageError(clean(str(error))) from error
        except RetrieverError as error:
            raise click.ClickException(clean(str(error))) from error
        except BrokenPipeError:
            # The reader of our output went away (`lessons ask … | head`); nothing is wrong.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)


def set_up_process(verbose: int) -> None:
    """Private files, one thread for numpy, and logging on stderr: warnings, `-v` more, `-vv` everything."""
    # What is recorded, its index and its log files are for the user's own eyes.
    os.umask(0o077)
    # Products of a matrix and a vector are what numpy is asked for here; a second thread makes them no faster, and on
    # a busy machine much slower. Read when numpy is first imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    level = {0: logging.WARNING, 1: logging.INFO}.get(verbose, logging.DEBUG)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(CleanFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])


def settings_of(context: click.Context, **options: object) -> Settings:
    """The settings in force for a command; options that are None were not given."""
    return load_settings({**context.obj, **options})


@contextlib.contextmanager
def memory_of(context: click.Context, *, create: bool = False) -> Iterator[Memory]:
    """The memory a command works on, closed at the end of the block."""
    from retriever.memory import Memory

    with Memory.open(settings_of(context), create=create) as memory:
        yield memory


def print_json(value: object) -> None:
    """Prints a result for programs."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@contextlib.contextmanager
def progress(label: str) -> Iterator[Any]:
    """A bar with rate and time left, only on a terminal."""
    if not sys.stderr.isatty():
        yield lambda *step: None
        return
    from retriever.terminal import progress_bar

    with progress_bar(label) as tell:
        yield tell


def run_apart(context: click.Context, *arguments: str) -> None:
    """Runs a command in a process of its own: a server forks, so it must not have loaded model or index before.

    Nothing is imported from the folder the user happens to be in (-P).
    """
    import subprocess

    options = [part for name, value in context.obj.items() if value for part in (f"--{name}", str(value))]
    done = subprocess.run([sys.executable, "-P", "-m", "cli", *options, *arguments], check=False)
    if done.returncode not in (0, EXIT_NOTHING_RECORDED):
        raise click.ClickException(f"`lessons {arguments[0]}` failed; what it said stands above.")


def has_colour() -> bool:
    """Whether results may be coloured: on a terminal, unless NO_COLOR asks for none."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
