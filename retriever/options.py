"""What options of commands share: the filters, and an environment variable for every option."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import click

from retriever.config import RANGES, is_setting, variable_of

_Command = TypeVar("_Command", bound=Callable[..., Any])


class _Several(click.types.StringParamType):
    """Texts, of which a variable holds several between commas: names of teams have spaces."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """The values, without the blanks around them."""
        return [value.strip() for value in rv.split(",") if value.strip()]


_FILTERS = (
    click.option("--tag", multiple=True, type=_Several(), help="Only documents with this tag; may be repeated."),
    click.option("--team", multiple=True, type=_Several(), help="Only this team's documents."),
    click.option("--kind", multiple=True, type=_Several(), help="Only lessons of this kind."),
    click.option("--polarity", multiple=True, type=_Several(), help="Only success, failure or neutral."),
    click.option("--severity", multiple=True, type=_Several(), help="Only documents of this severity."),
    click.option("--since", metavar="DATE", help="Only what happened on this day or later."),
    click.option("--until", metavar="DATE", help="Only what happened on this day or earlier."),
)


def filter_options(command: _Command) -> _Command:
    """Gives a command the filters of a question."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def number_of(setting: str) -> click.IntRange:
    """The type of an option that is a numeric setting."""
    low, high = RANGES[setting]
    return click.IntRange(low, high)


def give_variables(group: click.Group) -> None:
    """Gives every option below `group` its variable, unless it has one or a setting has, which is read elsewhere."""
    for option in options_of(group):
        longest = max(option.opts, key=len).lstrip("-")
        if option.envvar is None and not is_setting(longest.replace("-", "_")):
            option.envvar = variable_of(longest)


def option_variables(group: click.Group) -> frozenset[str]:
    """The variables of all options below `group` that are no settings."""
    return frozenset(str(option.envvar) for option in options_of(group) if option.envvar is not None)


def options_of(command: click.Command) -> Iterator[click.Option]:
    """Every option of the command and of those below it, but those that only print and leave, such as --version."""
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.expose_value:
            yield parameter
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from options_of(below)
