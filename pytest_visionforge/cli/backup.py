"""`visionforge backup`: make, prove, list and restore backups of the plan's source."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_visionforge.cli.shared import (
    agree,
    json_option,
    plan_of,
    plan_option,
    say_restored,
    show,
    size_of,
)
from pytest_visionforge.errors import BackupError
from pytest_visionforge.progress import Progress

if TYPE_CHECKING:
    from pytest_visionforge.backup import Backup
    from pytest_visionforge.backup.manifest import Kind, Level
    from pytest_visionforge.plan.values import Plan

SNAPSHOT_SECONDS = 6 * 3600.0  # per statement: reading a whole table takes its time


@click.group()
def backup() -> None:
    """Makes, proves, lists and restores backups of the plan's source.

    \b
    visionforge backup create        a full backup, with the digests of every table
    visionforge backup verify        restores the newest into a scratch database and compares
    visionforge backup list --json
    visionforge backup restore ID --yes
    """


def _creating(name: str, kind: Kind, what: str) -> None:
    @backup.command(name, help=f"Makes {what} and proves it.\n\n\b\nvisionforge backup {name}")
    @plan_option
    @json_option
    @click.option("--no-verify", is_flag=True, help="Do not restore it into a scratch database.")
    def create(plan_path: Path, as_json: bool, no_verify: bool) -> None:
        from pytest_visionforge import backup as room

        plan = plan_of(plan_path)
        with Progress(sys.stderr) as tell:
            made = _made(plan, kind, tell)
            if not no_verify:
                room.verify(made, level=plan.backup.verify, progress=tell, scratch_url=plan.source.url)
        facts = room.find(plan.backup.directory, made.id).as_json()
        show(as_json, facts, f"{made.id}   {facts['says']}")


def _made(plan: Plan, kind: Kind, tell: Progress) -> Backup:
    """A new backup of the plan's source; of what holds rows, with the digests of the same snapshot."""
    from pytest_visionforge import backup as room
    from pytest_visionforge import compare
    from pytest_visionforge.database import Database

    excluded = [table.name for table in plan.tables.values() if table.exclude]
    with (
        Database("source", plan.source.url, shown=plan.source.shown) as source,
        source.session(seconds=SNAPSHOT_SECONDS) as snapshot,
    ):
        rows = kind != "schema"
        return room.create(
            snapshot,
            plan.backup.directory,
            kind=kind,
            url=source.url,
            digests=compare.identity_digests(snapshot, source.schema, excluded, tell) if rows else None,
            shown=plan.source.shown,
            progress=tell,
        )


_creating("create", "full", "a full backup")
_creating("schema", "schema", "a backup of the schema alone")
_creating("data", "data", "a backup of the data alone")


@backup.command()
@plan_option
@json_option
@click.argument("name", metavar="[ID|PATH]", default="")
@click.option(
    "--level",
    type=click.Choice(["hashed", "decoded", "restored"]),
    default="restored",
    show_default=True,
    help="How far the proof goes.",
)
def verify(plan_path: Path, as_json: bool, name: str, level: Level) -> None:
    """Proves a backup: by default the newest, restored into a scratch database and compared.

    \b
    visionforge backup verify
    visionforge backup verify 20261124T0523 --level decoded
    """
    from pytest_visionforge import backup as room

    plan = plan_of(plan_path)
    with Progress(sys.stderr) as tell:
        chosen = chosen_backup(plan, name)
        proof = room.verify(chosen, level=level, progress=tell, scratch_url=plan.source.url)
    show(as_json, {"id": chosen.id, "level": proof.level, "says": proof.says}, f"{chosen.id}   {proof.says}")


@backup.command("list")
@plan_option
@json_option
def list_(plan_path: Path, as_json: bool) -> None:
    """Lists the backups, newest first, with how far each has been proved.

    \b
    visionforge backup list
    visionforge backup list --json
    """
    from pytest_visionforge import backup as room

    plan = plan_of(plan_path)
    backups = room.catalogue(plan.backup.directory)
    if as_json:
        click.echo(json.dumps([each.as_json() for each in backups], indent=1))
        return
    click.echo(f"{'when (UTC)':20} {'kind':7} {'size':>9}  {'proved':10} id")
    for each in backups:
        facts = each.as_json()
        size = size_of(int(facts["size"]))
        click.echo(
            f"{facts['created'][:19]:20} {facts['kind']:7} {size:>9}  {facts['level'] or 'no':10} {each.id}"
        )
    for sentence in room.incomplete(plan.backup.directory):
        click.echo(sentence, err=True)
    if not backups:
        click.echo(f"no backups in {plan.backup.directory}; make one: visionforge backup create")


@backup.command()
@plan_option
@click.argument("name", metavar="[ID]", default="")
@click.option("--into", metavar="URL", default="", help="Another database than the source.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(plan_path: Path, name: str, into: str, yes: bool) -> None:
    """Puts a backup back: by default the newest full one, into the source. What was there is kept aside.

    \b
    visionforge backup restore 20261124T0523
    visionforge backup restore --into sqlite:///copy.db --yes
    """
    from pytest_visionforge import backup as room

    plan = plan_of(plan_path)
    chosen = chosen_backup(plan, name, kind="full")
    where = into or plan.source.shown
    agree(yes, f"Put backup {chosen.id} over {where}?")
    with Progress(sys.stderr) as tell:
        restored = room.restore(chosen, into or plan.source.url, progress=tell)
    say_restored(chosen.id, restored.says, restored.kept)


def chosen_backup(plan: Plan, name: str, kind: str = "") -> Backup:
    """The backup meant: by its id, a beginning of it, or its path; the newest (of a kind) where none is named."""
    from pytest_visionforge import backup as room

    if name and Path(name).is_dir():
        path = Path(name).resolve()
        return room.find(path.parent, path.name)
    if name:
        return room.find(plan.backup.directory, name)
    for newest in room.catalogue(plan.backup.directory):
        if kind in ("", newest.kind):
            return newest
    what = f"{kind} backup" if kind else "backup"
    raise BackupError(f"there is no {what} in {plan.backup.directory}; make one: visionforge backup create")
