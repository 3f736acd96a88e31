"""`visionforge compare`: two databases, row by row, without a plan."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from pytest_visionforge.cli.shared import json_option
from pytest_visionforge.errors import PlanError
from pytest_visionforge.progress import Progress

if TYPE_CHECKING:
    from pytest_visionforge.compare import SchemaDifference, TableComparison
    from pytest_visionforge.compare.matching import Matched, Wishes

DIFFERENT = 1


@click.command()
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@click.option("-t", "--table", "tables", multiple=True, metavar="NAME|NEW=OLD", help="Only this; repeat.")
@click.option("--without", multiple=True, metavar="NAME", help="All but this table; repeat.")
@click.option("-k", "--key", "keys", multiple=True, metavar="TABLE=COL,COL", help="What identifies a row.")
@click.option("--skip", multiple=True, metavar="TABLE.COLUMN", help="A column not to compare; repeat.")
@click.option(
    "--where", "conditions", multiple=True, metavar="TABLE=SQL", help="Only these rows of the source."
)
@click.option("--schema", is_flag=True, help="Compare columns, keys, indexes and the rest, too.")
@click.option("--sample", default=20, show_default=True, help="Differing rows to show, for each table.")
@click.option("-j", "--connections", default=4, show_default=True, help="At once, to each database.")
@json_option
def compare(source: str, target: str, as_json: bool, schema: bool, **options: Any) -> None:
    """Compares every row of two databases, and names the rows that differ.

    SOURCE and TARGET are URLs of SQLite, PostgreSQL or MySQL/MariaDB databases, in any pair. $NAME
    in them is a variable of the environment: a password on the command line is seen by others.

    \b
    visionforge compare sqlite:///old.db sqlite:///new.db
    visionforge compare '$OLD_DB' '$NEW_DB' --table orders --table client=customer
    visionforge compare '$OLD_DB' '$NEW_DB' --key log=at,id --skip orders.synced_at --json

    Exit codes: 0 equal, 1 not equal, 3 could not be compared, 4 wrong use.
    """
    from pytest_visionforge.compare.matching import match
    from pytest_visionforge.database import Database

    wishes = _wishes(**options)
    with ExitStack() as stack:
        before, after = (
            stack.enter_context(
                Database(role, _url(text), shown=_shown(text), connections=wishes.connections)
            )
            for role, text in (("source", source), ("target", target))
        )
        matched = match(before, after, wishes)
        if not matched.tables:
            raise PlanError(
                "no table is on both sides: nothing can be compared; name them with --table NEW=OLD"
            )
        tell = stack.enter_context(Progress(sys.stderr))
        began = time.monotonic()
        found = _compared(before, after, matched, tell)
        structure = _structure(before, after, matched) if schema else ()
        seconds = time.monotonic() - began
    equal = all(each.equal for each in found) and not _others(matched) and not structure
    if as_json:
        click.echo(json.dumps(_facts(matched, found, structure, equal, seconds), indent=1))
    else:
        _show(matched, found, structure, seconds)
    sys.exit(0 if equal else DIFFERENT)


def _wishes(
    tables: Iterable[str],
    without: tuple[str, ...],
    keys: Iterable[str],
    skip: Iterable[str],
    conditions: Iterable[str],
    sample: int,
    connections: int,
) -> Wishes:
    from pytest_visionforge.compare.matching import Wishes

    excluded: dict[str, tuple[str, ...]] = {}
    for name in skip:
        table, _, column = name.rpartition(".")
        if not table:
            raise PlanError(f"--skip {name}: write it as TABLE.COLUMN")
        excluded[table] = (*excluded.get(table, ()), column)
    return Wishes(
        tables={new: old or new for new, _, old in (name.partition("=") for name in tables)},
        without=without,
        keys={table: tuple(columns.split(",")) for table, columns in _assigned("--key", keys)},
        excluded=excluded,
        conditions=dict(_assigned("--where", conditions)),
        sample=sample,
        connections=connections,
    )


def _assigned(option: str, texts: Iterable[str]) -> list[tuple[str, str]]:
    found = [text.partition("=") for text in texts]
    for table, sign, value in found:
        if not (table and sign and value):
            raise PlanError(f"{option} {table}{sign}{value}: write it as TABLE=...")
    return [(table, value) for table, _, value in found]


def _url(text: str) -> str:
    """The URL, with variables of the environment in their places."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name not in os.environ:
            raise PlanError(f"the environment has no {name}; export it, or write the URL out")
        return os.environ[name]

    return re.sub(r"\$(?:(\w+)|\{(\w+)\})", value, text)


def _shown(text: str) -> str:
    """An address as it was typed, where that holds no secret; "" where it has to be masked."""
    return text if "$" in text and "@" not in text else ""


def _compared(before: Any, after: Any, matched: Matched, tell: Progress) -> list[TableComparison]:
    from pytest_visionforge.compare import between

    return list(between(before, after, matched.plan, tables=matched.tables, progress=tell))


def _structure(before: Any, after: Any, matched: Matched) -> tuple[SchemaDifference, ...]:
    from pytest_visionforge.compare import differences

    return differences(before.schema, after.schema, matched.plan.changes, before.dialect, after.dialect)


def _others(matched: Matched) -> list[str]:
    """What only one side has: a sentence each."""
    return [
        *(f"table {name} is only in the source" for name in matched.only_before),
        *(f"table {name} is only in the target" for name in matched.only_after),
        *(f"column {name} is only in the target" for name in matched.added),
    ]


def _facts(
    matched: Matched,
    found: list[TableComparison],
    structure: Iterable[SchemaDifference],
    equal: bool,
    seconds: float,
) -> dict[str, Any]:
    return {
        "equal": equal,
        "seconds": round(seconds, 3),
        "tables": [asdict(each) for each in found],
        "only_in_source": list(matched.only_before),
        "only_in_target": [*matched.only_after, *matched.added],
        "schema": [asdict(each) for each in structure],
    }


def _show(
    matched: Matched, found: list[TableComparison], structure: Iterable[SchemaDifference], seconds: float
) -> None:
    width = max((len(each.table) for each in found), default=5)
    heads = ("before", "after", "lost", "added", "altered")
    click.echo(f"{'table':{width}} " + "".join(f"{head:>13}" for head in heads))
    for each in found:
        _show_table(each, width)
    for each in found:
        _show_rows(each)
    for sentence in (*_others(matched), *map(str, structure)):
        click.echo(sentence)
    rows = sum(each.rows_before for each in found)
    differ = sum(not each.equal for each in found)
    click.echo(
        f"{len(found)} tables, {rows:,} rows in {seconds:.1f} s: " + _verdict(differ, matched, structure)
    )


def _show_table(each: TableComparison, width: int) -> None:
    least = "" if each.complete else ">="
    counts = (each.lost, each.added, each.altered)
    cells = [f"{each.rows_before:>13,}{each.rows_after:>13,}"]
    cells += [f"{(least + format(count, ',') if count else '-'):>13}" for count in counts]
    mark = click.style("equal", fg="green") if each.equal else click.style("differs", fg="red")
    click.echo(f"{each.table:{width}} {''.join(cells)}  {mark}  {each.method}")


def _show_rows(each: TableComparison) -> None:
    if each.equal and not each.note:
        return
    click.echo(f"\n{each.table}" + (f": {each.note}" if each.note else ""))
    for offender in each.offenders:
        click.echo(f"  {offender}")
    left = each.lost + each.added + each.altered - len(each.offenders)
    if left > 0 and each.offenders:
        click.echo(f"  ... and {'' if each.complete else 'at least '}{left:,} more; --sample shows more")


def _verdict(differ: int, matched: Matched, structure: Iterable[SchemaDifference]) -> str:
    words = [f"{differ} differ"] if differ else []
    others, objects = len(_others(matched)), len(tuple(structure))
    words += [f"{others} only on one side"] if others else []
    words += [f"{objects} differences of the schema"] if objects else []
    return ", ".join(words) or "all equal"
