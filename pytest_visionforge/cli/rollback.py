"""`visionforge rollback`: the way back."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_visionforge.cli.shared import (
    agree,
    dangling_of,
    json_option,
    plan_of,
    plan_option,
    say_restored,
    say_tables,
    show,
    tables_of,
    tidy_when_terminated,
)
from pytest_visionforge.errors import RecordError
from pytest_visionforge.progress import Progress

if TYPE_CHECKING:
    from pytest_visionforge.backup.partial import Dangling
    from pytest_visionforge.plan.values.plan import Plan


@click.command()
@plan_option
@click.option("--backup", "backup_id", default=None, metavar="ID", help="Another than premigration's.")
@click.option("--record", "record_id", default=None, metavar="ID", help="The one that this record names.")
@click.option("--instant", is_flag=True, help="The copy of `backup create --instant`, in about a second.")
@click.option("--tables", metavar="A,B", default="", help="Only the rows of these tables, in their place.")
@click.option("--closure", is_flag=True, help="With --tables: and every table that is bound to these.")
@click.option("--quarantine", is_flag=True, help="With --tables: rows that would refer to nothing go aside.")
@json_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def rollback(
    plan_path: Path,
    backup_id: str | None,
    record_id: str | None,
    instant: bool,
    tables: str,
    closure: bool,
    quarantine: bool,
    as_json: bool,
    yes: bool,
) -> None:
    """Puts the backup of the last premigration run back over the database, and proves that it is as it was.

    \b
    visionforge rollback
    visionforge rollback --record 20261124T060819Z-postmigration-596a33
    visionforge rollback --instant
    visionforge rollback --tables orders,order_lines
    visionforge rollback --yes && pytest -m rollback
    """
    from pytest_visionforge.backup.catalogue import JOURNAL
    from pytest_visionforge.cutover import rollback as room
    from pytest_visionforge.cutover.alone import alone, end_dead
    from pytest_visionforge.cutover.journal import last_seconds
    from pytest_visionforge.cutover.migrate import journal_of

    tidy_when_terminated()
    plan = plan_of(plan_path)
    if instant and (backup_id or record_id or tables):
        raise click.UsageError(
            "--instant puts a whole copy back; --backup, --record and --tables take a backup: give one of them"
        )
    ids, dangling = tables_of(tables), dangling_of(tables, closure, quarantine)
    if record_id:
        backup_id = _backup_of(plan, record_id)
    what = "the instant copy" if instant else backup_id or "the backup of the last premigration run"
    agree(yes, f"Put {', '.join(ids) + ' of ' if ids else ''}{what} over {plan.source}?")
    if ids:
        _rollback_tables(plan, ids, backup_id, dangling, as_json)
        return
    expected = last_seconds(plan.backup.directory / JOURNAL, "rollback", plan.target.shown)
    with alone(plan, "rollback"), Progress(sys.stderr, expected=expected) as tell:
        end_dead(plan, journal_of(plan), partial(click.echo, err=True))
        put_back = partial(room.rollback, backup_id=backup_id) if not instant else room.swap_back
        done = put_back(plan, echo=tell)
    if as_json:
        show(True, asdict(done), "")
        return
    say_restored(done.backup, done.says, done.kept)


def _rollback_tables(
    plan: Plan, ids: list[str], backup_id: str | None, dangling: Dangling, as_json: bool
) -> None:
    from pytest_visionforge.cutover.alone import alone, end_dead
    from pytest_visionforge.cutover.migrate import journal_of
    from pytest_visionforge.cutover.rollback import rollback_tables

    with alone(plan, "rollback"), Progress(sys.stderr) as tell:
        end_dead(plan, journal_of(plan), partial(click.echo, err=True))
        done = rollback_tables(plan, ids, backup_id=backup_id, dangling=dangling, echo=tell)
    say_tables(done, as_json)


def _backup_of(plan: Plan, record_id: str) -> str:
    """The id of the backup that a record names."""
    from pytest_visionforge import record

    named = record.read(plan.record.directory / record_id).backup.get("id")
    if not named:
        raise RecordError(f"{record_id} names no backup; choose one: visionforge backup list")
    return str(named)
