"""`lessons token`: who else may come in."""

from __future__ import annotations

import click

from retriever.shell import json_option, memory_of, print_json
from retriever.terminal import clean


@click.group()
def token() -> None:
    """Manage access tokens, which any address but this machine's own asks for."""


@token.command("add")
@click.argument("name")
@click.option("--scope", default="read", show_default=True, help="read, contribute or admin.")
@click.pass_context
def token_add(context: click.Context, name: str, scope: str) -> None:
    """Make a token; its secret is shown this once."""
    with memory_of(context, create=True) as memory:
        click.echo(memory.record.tokens.add(name, scope))


@token.command("list")
@json_option
@click.pass_context
def token_list(context: click.Context, as_json: bool) -> None:
    """List tokens, without their secrets."""
    with memory_of(context) as memory:
        names = memory.record.tokens.names()
    if as_json:
        print_json([{"name": name, "scope": scope, "created_at": created} for name, scope, created in names])
        return
    for name, scope, created in names:
        click.echo(clean(f"{name}  {scope}  {created}"))


@token.command("revoke")
@click.argument("name")
@click.pass_context
def token_revoke(context: click.Context, name: str) -> None:
    """Make a token useless at once."""
    with memory_of(context) as memory:
        memory.record.tokens.revoke(name)
