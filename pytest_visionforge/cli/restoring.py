"""`visionforge backup restore|back|kept|discard`: a backup in its place, and what stood there before."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_visionforge.cli.shared import (
    agree,
    backup_option,
    dangling_of,
    json_option,
    plan_of,
    plan_option,
    say_restored,
    say_tables,
    show,
    size_of,
    tables_of,
)
from pytest_visionforge.progress import Progress, in_words

if TYPE_CHECKING:
    from pytest_visionforge.backup import Backup, Kept, Outlook
    from pytest_visionforge.backup.partial import Dangling
    from pytest_visionforge.plan.values.plan import Plan

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
kept_argument = click.argument("name", metavar="[NAME]", default="")


def add_to(group: click.Group) -> None:
    """Adds the commands to `visionforge backup`."""
    for command in (restore, back, kept, discard):
        group.add_command(command)


@click.command()
@plan_option
@json_option
@backup_option
@click.option("--into", metavar="URL", default="", help="Another database than the source.")
@click.option("--replace", is_flag=True, help="The other database may hold something: it goes aside.")
@click.option("--tables", metavar="A,B", default="", help="Only the rows of these tables, in their place.")
@click.option("--closure", is_flag=True, help="With --tables: and every table that is bound to these.")
@click.option("--quarantine", is_flag=True, help="With --tables: rows that would refer to nothing go aside.")
@click.option("--dry-run", is_flag=True, help="Only say what would happen, and how long it takes.")
@yes_option
def restore(
    plan_path: Path,
    as_json: bool,
    name: str,
    into: str,
    replace: bool,
    tables: str,
    closure: bool,
    quarantine: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Puts a backup back: by default the newest full one, into the source. What was there is kept aside.

    \b
    visionforge backup restore --dry-run
    visionforge backup restore 20261124T0523
    visionforge backup restore --into sqlite:///copy.db --yes
    visionforge backup restore --tables orders,order_lines --closure
    """
    from pytest_visionforge import backup as room
    from pytest_visionforge.cli.backup import chosen_backup

    ids, dangling = tables_of(tables), dangling_of(tables, closure, quarantine)
    plan = plan_of(plan_path)
    chosen = chosen_backup(plan, name, kind="full")
    url, may = into or plan.source.url, replace or not into
    _warn(plan, chosen, into)
    if dry_run:
        of_tables = partial(room.outlook_of_tables, tables=ids, bound=closure)
        seen = of_tables(chosen, url) if ids else room.outlook(chosen, url, replace=may)
        show(as_json, asdict(seen), _seen(seen))
        return
    what = f"{', '.join(ids)} of backup" if ids else "backup"
    agree(yes, f"Put {what} {chosen.id} over {into or plan.source.shown}?")
    if ids:
        _restore_tables(chosen, url, ids, dangling, as_json)
    else:
        _restore_all(chosen, url, may, as_json)


def _warn(plan: Plan, chosen: Backup, into: str) -> None:
    """What whoever puts a backup back must know of it before."""
    from pytest_visionforge import backup as room
    from pytest_visionforge.cutover.rollback import of_plan

    for sentence in room.unguarded(chosen.path.parent, chosen.path):
        click.echo(sentence, err=True)
    if not into and not list(of_plan(plan, [chosen])):
        click.echo(f"{chosen.id} is of another database: {chosen.manifest.shown}", err=True)


def _restore_all(chosen: Backup, url: str, replace: bool, as_json: bool) -> None:
    from pytest_visionforge import backup as room
    from pytest_visionforge import dialects
    from pytest_visionforge.backup.outlook import seconds

    address = dialects.parse_url(url)
    expected = seconds(chosen, dialects.of(address).archive.place(address))
    with Progress(sys.stderr, expected=expected) as tell:
        restored = room.restore(chosen, url, replace=replace, progress=tell)
    if as_json:
        show(True, asdict(restored), "")
        return
    if restored.recovered:
        click.echo(restored.recovered)
    say_restored(chosen.id, restored.says, restored.kept)


def _restore_tables(chosen: Backup, url: str, ids: list[str], dangling: Dangling, as_json: bool) -> None:
    from pytest_visionforge import backup as room

    with Progress(sys.stderr) as tell:
        done = room.restore_tables(chosen, url, ids, dangling=dangling, progress=tell)
    say_tables(done, as_json)


def _seen(seen: Outlook) -> str:
    long = f"about {in_words(seen.seconds)}" if seen.seconds is not None else "how long is not known yet"
    lines = [
        f"{seen.backup} ({seen.level}) over {seen.shown}: {size_of(seen.bytes)} of space, {long}",
        *(f"  {sentence}" for sentence in seen.changes or ("nothing that can be counted would change",)),
        f"it would be refused: {seen.refused}" if seen.refused else "what is there would be kept beside it",
    ]
    return "\n".join(lines)


@click.command()
@plan_option
@json_option
@kept_argument
@yes_option
def back(plan_path: Path, as_json: bool, name: str, yes: bool) -> None:
    """Swaps a kept state (the newest) back into its place, in about a second; the present one is kept.

    It goes back from a restore, or to the copy of `backup create --instant`. Nothing is compared.

    \b
    visionforge backup back
    visionforge backup back shop__old_5ec79a6c --yes
    """
    from pytest_visionforge import backup as room

    plan = plan_of(plan_path)
    chosen = room.kept_state(plan.backup.directory, plan.source.url, name)
    agree(yes, f"Put {chosen.name} in the place of {plan.source.shown}?")
    with Progress(sys.stderr) as tell:
        done = room.put_back(plan.backup.directory, plan.source.url, chosen.name, progress=tell)
    show(as_json, asdict(done), f"{done.name} is back; what was there before is kept: {done.kept}")


@click.command()
@plan_option
@json_option
def kept(plan_path: Path, as_json: bool) -> None:
    """Lists what is kept beside the source: its states before restores, its instant copies.

    \b
    visionforge backup kept
    """
    from pytest_visionforge import backup as room

    plan = plan_of(plan_path)
    found = room.kept(plan.backup.directory, plan.source.url)
    lines = [_kept(one) for one in found] or [f"nothing is kept beside {plan.source.shown}"]
    show(as_json, [asdict(one) for one in found], "\n".join(lines))


def _kept(one: Kept) -> str:
    if not one.action:
        return f"{one.name}   left by a run that died"
    how = "" if one.settled else ", which failed"
    return f"{one.name}   {one.since[:19]}  {one.action} {one.backup}{how}"


@click.command()
@plan_option
@kept_argument
@click.option("--force", is_flag=True, help="Also where what came in its place was not proved.")
@yes_option
@json_option
def discard(plan_path: Path, name: str, force: bool, yes: bool, as_json: bool) -> None:
    """Removes a state that is kept beside the source, for good.

    \b
    visionforge backup discard
    visionforge backup discard shop__old_5ec79a6c --yes
    """
    from pytest_visionforge import backup as room

    plan = plan_of(plan_path)
    chosen = room.kept_state(plan.backup.directory, plan.source.url, name)
    agree(yes, f"Remove {chosen.name} for good?")
    room.discard(plan.backup.directory, plan.source.url, chosen.name, force=force)
    show(as_json, {"gone": chosen.name}, f"{chosen.name} is gone")
