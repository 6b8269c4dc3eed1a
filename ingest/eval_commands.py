"""`lessons eval`: answers over judged queries, also beside an earlier run, and extraction over gold lessons."""

from __future__ import annotations

from pathlib import Path

import click

from retriever.shell import json_option, print_json, settings_of


@click.command("eval")
@click.argument("queries", metavar="QUERIES.jsonl", required=False, type=click.Path(path_type=Path))
@click.option("--root", metavar="DIR", type=click.Path(path_type=Path),
              help="Judge over this folder, in a memory of its own.  [default: the home's memory]")  # fmt: skip
@click.option("--gold", metavar="GOLD.jsonl", type=click.Path(path_type=Path), help="Score extraction on gold lessons.")
@click.option("--failures", is_flag=True, help="List the queries that went wrong, and what came instead.")
@click.option("--against", metavar="RUN.json", type=click.Path(path_type=Path),
              help="Compare with an earlier run over the same queries, written with --json.")  # fmt: skip
@json_option
@click.pass_context
def evaluate(
    context: click.Context,
    /,
    queries: Path | None,
    root: Path | None,
    gold: Path | None,
    against: Path | None,
    **shown: bool,
) -> None:
    """Measure answers over judged queries, or extraction over gold lessons."""
    if gold is not None and queries is None and against is None:
        _judge_extraction(gold, root, as_json=shown["as_json"])
    elif queries is not None and gold is None:
        _judge_answers(context, (queries, root, against), **shown)
    else:
        raise click.UsageError("Give either QUERIES.jsonl, with or without --against, or --gold GOLD.jsonl --root DIR.")


def _judge_extraction(gold: Path, root: Path | None, *, as_json: bool) -> None:
    from ingest.judging import judge_extraction

    report = judge_extraction(gold, root)
    if as_json:
        print_json(report.as_json())
    else:
        click.echo(report.as_text())


def _judge_answers(
    context: click.Context, files: tuple[Path, Path | None, Path | None], *, failures: bool, as_json: bool
) -> None:
    from ingest.judging import judge_queries
    from retriever.evaluation import compare, read_outcomes
    from retriever.terminal import clean

    queries, root, against = files
    # Read first: a file that is no run should not cost a run.
    before = read_outcomes(against) if against is not None else None
    report = judge_queries(settings_of(context), queries, root)
    comparison = compare(before, report.outcomes, str(against)) if before is not None else None
    if as_json:
        print_json(report.as_json() | ({"against": comparison.as_json()} if comparison else {}))
        return
    texts = [report.as_text(failures=failures), *([comparison.as_text()] if comparison else [])]
    click.echo(clean("\n\n".join(texts)))
