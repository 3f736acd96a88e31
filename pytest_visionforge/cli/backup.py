"""`visionforge backup`: make and prove backups of the plan's source; the ways back and the rest are beside."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_visionforge.cli.shared import (
    Meant,
    backup_option,
    json_option,
    plan_of,
    plan_option,
    show,
    tags_of,
    tidy_when_terminated,
)
from pytest_visionforge.errors import BackupError
from pytest_visionforge.progress import Progress

if TYPE_CHECKING:
    from pytest_visionforge.backup import Backup
    from pytest_visionforge.backup.manifest import Kind, Level, Proof
    from pytest_visionforge.plan.values.plan import Plan


@click.group(cls=Meant)
def backup() -> None:
    """Makes, proves, lists, keeps and restores backups of the plan's source.

    \b
    visionforge backup create        a full backup, with the digests of every table
    visionforge backup verify        restores the newest into a scratch database and compares
    visionforge backup list          what there is, how far it is proved, why it is kept
    visionforge backup restore       puts the newest back; what was there is kept aside
    visionforge backup prune         what the plan's [backup] keep would remove
    """
    tidy_when_terminated()


def _creating(name: str, kind: Kind, what: str) -> None:
    more = "\nvisionforge backup create --instant" if kind == "full" else ""
    examples = f"visionforge backup {name}\nvisionforge backup {name} --tag release=1.4 --json{more}"

    @backup.command(name, help=f"Makes {what} and proves it.\n\n\b\n{examples}")
    @plan_option
    @json_option
    @click.option("--no-verify", is_flag=True, help="Do not prove it now.")
    @click.option("--tag", "tags", multiple=True, metavar="NAME[=VALUE]", help="A word to find it by.")
    @click.option(
        "--instant",
        is_flag=True,
        hidden=kind != "full",
        help="No backup, but a copy beside the database, to swap back in a second: visionforge backup back.",
    )
    def create(plan_path: Path, as_json: bool, no_verify: bool, tags: tuple[str, ...], instant: bool) -> None:
        from pytest_visionforge import backup as room

        plan = plan_of(plan_path)
        if instant:
            _copy(plan, as_json)
            return
        made = _made(plan, kind, tags_of(tags), "hashed" if no_verify else plan.backup.verify)
        if not no_verify:
            _proved(plan, made, plan.backup.verify)
        facts = room.find(plan.backup.directory, made.id, plan.backup.store).as_json()
        show(as_json, facts, f"{made.id}   {facts['says']}")


def _copy(plan: Plan, as_json: bool) -> None:
    from dataclasses import asdict

    from pytest_visionforge import backup as room

    with Progress(sys.stderr) as tell:
        made = room.instant(plan.backup.directory, plan.source.url, progress=tell)
    show(
        as_json, asdict(made), f"{made.name}   a copy beside the database, no backup: nothing of it is proved"
    )


def _made(plan: Plan, kind: Kind, tags: dict[str, str], level: Level) -> Backup:
    """A new backup of the plan's source; of what holds rows, with the digests of the same snapshot."""
    from pytest_visionforge import backup as room
    from pytest_visionforge.backup.catalogue import JOURNAL
    from pytest_visionforge.cutover.journal import last_seconds
    from pytest_visionforge.database import Database

    directory = plan.backup.directory
    excluded = [table.name for table in plan.tables.values() if table.exclude]
    expected = last_seconds(directory / JOURNAL, f"backup create {kind}", plan.source.shown)
    with (
        Progress(sys.stderr, expected=expected) as tell,
        Database("source", plan.source.url, shown=plan.source.shown) as source,
    ):
        return room.create(
            source,
            directory,
            kind=kind,
            url=source.url,
            exclude=excluded,
            shown=plan.source.shown,
            progress=tell,
            store=plan.backup.store,
            tags=tags,
            level=level,
        )


def _proved(plan: Plan, chosen: Backup, level: Level) -> Proof:
    """Proves it; what is worth knowing and no fault is said."""
    from pytest_visionforge import backup as room
    from pytest_visionforge.cutover.journal import last_seconds

    expected = last_seconds(chosen.journal, f"backup verify {level}", chosen.manifest.shown)
    with Progress(sys.stderr, expected=expected) as tell:
        proof = room.verify(chosen, level=level, progress=tell, scratch_url=plan.source.url)
    for note in proof.notes:
        click.echo(f"note: {note}", err=True)
    return proof


_creating("create", "full", "a full backup")
_creating("schema", "schema", "a backup of the schema alone")
_creating("data", "data", "a backup of the data alone")


@backup.command()
@plan_option
@json_option
@backup_option
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
    visionforge backup verify nightly.sql.gz    any dump: restored, and told what is in it
    """
    plan = plan_of(plan_path)
    if name and Path(name).is_file():
        _examine(plan, Path(name).resolve(), as_json)
        return
    chosen = chosen_backup(plan, name)
    proof = _proved(plan, chosen, level)
    facts = {"id": chosen.id, "level": level, "says": proof.says, "notes": proof.notes}
    show(as_json, facts, f"{chosen.id}   {proof.says}")


def _examine(plan: Plan, path: Path, as_json: bool) -> None:
    """Restores a dump that is none of ours, and says what is in it."""
    from pytest_visionforge import backup as room

    with Progress(sys.stderr) as tell:
        found = room.examine(path, journal=plan.backup.directory, scratch_url=plan.source.url, progress=tell)
    facts = {"path": str(path), "sha256": found.sha256, "tables": dict(found.tables), "notes": found.notes}
    show(as_json, {**facts, "dbms": found.dbms, "says": found.says}, f"{path.name}   {found.says}")
    if not as_json:
        for line in (*(f"  {rows:>14,}  {id}" for id, rows in found.tables.items()), *found.notes):
            click.echo(line)


def chosen_backup(plan: Plan, name: str, kind: str = "") -> Backup:
    """The backup meant: by its id, a beginning of it, or its path; the plan's newest where none is named.

    Other plans may keep theirs in the same directory: those are taken only by their names.
    """
    from pytest_visionforge import backup as room
    from pytest_visionforge.cutover.rollback import of_plan

    if name and Path(name).is_dir():
        path = Path(name).resolve()
        return room.find(path.parent, path.name, plan.backup.store)
    if name:
        return room.find(plan.backup.directory, name, plan.backup.store)
    found = room.catalogue(plan.backup.directory, plan.backup.store)
    for newest in of_plan(plan, found):
        if kind in ("", newest.kind):
            return newest
    what = f"{kind} backup" if kind else "backup"
    raise BackupError(
        f"there is no {what} of {plan.source.shown} in {plan.backup.directory};"
        " make one: visionforge backup create"
    )


for _module in ("keeping", "restoring"):
    import_module(f"pytest_visionforge.cli.{_module}").add_to(backup)
