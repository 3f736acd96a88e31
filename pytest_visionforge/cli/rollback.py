"""`visionforge rollback`: the way back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_visionforge.cli.shared import agree, plan_of, plan_option, say_restored
from pytest_visionforge.errors import RecordError
from pytest_visionforge.progress import Progress

if TYPE_CHECKING:
    from pytest_visionforge.plan.values import Plan


@click.command()
@plan_option
@click.option("--backup", "backup_id", default=None, metavar="ID", help="Another than premigration's.")
@click.option("--record", "record_id", default=None, metavar="ID", help="The one that this record names.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def rollback(plan_path: Path, backup_id: str | None, record_id: str | None, yes: bool) -> None:
    """Puts the backup of the last premigration run back over the database, and proves that it is as it was.

    \b
    visionforge rollback
    visionforge rollback --record 20261124T060819Z-postmigration-596a33
    visionforge rollback --yes && pytest -m rollback
    """
    from pytest_visionforge.cutover.rollback import rollback as put_back

    plan = plan_of(plan_path)
    if record_id:
        backup_id = _backup_of(plan, record_id)
    agree(yes, f"Put {backup_id or 'the backup of the last premigration run'} over {plan.source}?")
    with Progress(sys.stderr) as tell:
        done = put_back(plan, backup_id=backup_id, echo=tell)
    say_restored(done.backup, done.says, done.kept)


def _backup_of(plan: Plan, record_id: str) -> str:
    """The id of the backup that a record names."""
    from pytest_visionforge import record

    named = record.read(plan.record.directory / record_id).backup.get("id")
    if not named:
        raise RecordError(f"{record_id} names no backup; choose one: visionforge backup list")
    return str(named)
