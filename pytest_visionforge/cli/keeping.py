"""`visionforge backup list|prune|hold|release`: what there is, and what stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_visionforge.cli.shared import backup_argument, json_option, plan_of, plan_option, show, size_of
from pytest_visionforge.errors import BackupError, RecordError

if TYPE_CHECKING:
    from pytest_visionforge.backup import Decision
    from pytest_visionforge.plan.values.plan import Plan


def add_to(group: click.Group) -> None:
    """Adds the commands to `visionforge backup`."""
    for command in (list_, prune, hold, release):
        group.add_command(command)


@click.command("list")
@plan_option
@json_option
def list_(plan_path: Path, as_json: bool) -> None:
    """Lists the backups, newest first: how far each is proved, who made it, how long it is kept and why.

    \b
    visionforge backup list
    visionforge backup list --json
    """
    from pytest_visionforge import backup as room

    plan = plan_of(plan_path)
    found = [_facts(decision, _makers(plan)) for decision in _decided(plan)]
    for sentence in (*room.incomplete(plan.backup.directory), *room.unguarded(plan.backup.directory)):
        click.echo(sentence, err=True)
    nothing = f"no backups in {plan.backup.directory}; make one: visionforge backup create"
    show(as_json, found, _table(found) if found else nothing)


@click.command()
@plan_option
@json_option
@click.option("--yes", is_flag=True, help="Remove them; without it nothing is removed.")
def prune(plan_path: Path, as_json: bool, yes: bool) -> None:
    """Removes the backups that nothing keeps: by default it only says which.

    The plan's [backup] keep says what is kept. The newest backup that is proved stays, and so does what is
    held or what a migration that is not over may need. After a backup that failed nothing is removed but
    what runs that died have left unfinished.

    \b
    visionforge backup prune
    visionforge backup prune --yes
    """
    plan = plan_of(plan_path)
    _sweep(plan, yes)
    if not plan.backup.keep:
        raise BackupError("the plan says nothing of what to keep; write [backup] keep = { last = 7 }")
    found = [_facts(decision, _makers(plan)) for decision in _decided(plan, really=yes)]
    if not yes:
        _say_what_stops(plan)
    going = [facts["id"] for facts in found if not facts["kept"]]
    said = "removed" if yes else "to be removed with --yes"
    show(
        as_json, found, f"{_table(found)}\n{len(going)} of {len(found)} {said}: {', '.join(going) or 'none'}"
    )


@click.command()
@plan_option
@backup_argument
@click.option("--reason", required=True, help="Why it must stay.")
@json_option
def hold(plan_path: Path, name: str, reason: str, as_json: bool) -> None:
    """Keeps a backup whatever the plan says, until it is released.

    \b
    visionforge backup hold 20261124T0523 --reason "audit of 2026"
    """
    from pytest_visionforge import backup as room

    plan = plan_of(plan_path)
    chosen = room.find(plan.backup.directory, name, plan.backup.store)
    made = room.hold(chosen, reason)
    facts = {"id": chosen.id, "held": True, "by": made.by, "reason": made.reason}
    show(as_json, facts, f"{chosen.id} is held by {made.by}: {made.reason}")


@click.command()
@plan_option
@backup_argument
@json_option
def release(plan_path: Path, name: str, as_json: bool) -> None:
    """Leaves a held backup to the plan's rules again.

    \b
    visionforge backup release 20261124T0523
    """
    from pytest_visionforge import backup as room

    plan = plan_of(plan_path)
    chosen = room.find(plan.backup.directory, name, plan.backup.store)
    was = room.release(chosen)
    facts = {"id": chosen.id, "held": False, "by": was.by, "reason": was.reason}
    show(as_json, facts, f"{chosen.id} is no longer held (by {was.by}: {was.reason})")


def _decided(plan: Plan, *, really: bool = False) -> Sequence[Decision]:
    """Of all backups, where they are listed; of the plan's own, where they are removed."""
    from pytest_visionforge import backup as room
    from pytest_visionforge import dialects
    from pytest_visionforge.cutover.rollback import needed

    policy = room.Policy.of(plan.backup.keep)
    url = dialects.parse_url(plan.source.url)
    own = dialects.of(url).archive.place(url)
    options: Any = {"place": own, "store": plan.backup.store, "needed": needed(plan)}
    ours = room.prune(plan.backup.directory, policy, really=really, **options)
    others = [
        room.Decision(backup, ("of another database than the plan's",))
        for backup in room.catalogue(plan.backup.directory, plan.backup.store)
        if backup.manifest.place != own
    ]
    return sorted((*ours, *others), key=lambda decision: decision.backup.id, reverse=True)


def _sweep(plan: Plan, yes: bool) -> None:
    """What is left unfinished is no backup that a rule could keep."""
    from pytest_visionforge import backup as room

    for name in room.sweep(plan.backup.directory) if yes else ():
        click.echo(f"{name}: left by a run that died, and removed", err=True)
    for sentence in room.incomplete(plan.backup.directory):
        click.echo(sentence, err=True)


def _say_what_stops(plan: Plan) -> None:
    """A dry run that promises what would be refused is none."""
    from pytest_visionforge import dialects
    from pytest_visionforge.backup.retention import refuse_after_failure

    url = dialects.parse_url(plan.source.url)
    try:
        refuse_after_failure(plan.backup.directory, dialects.of(url).archive.place(url))
    except BackupError as error:
        click.echo(f"--yes would be refused: {error}", err=True)


def _makers(plan: Plan) -> Mapping[str, str]:
    """Who made which; a journal that does not hold tells nobody's name, and is said."""
    from pytest_visionforge.backup.catalogue import makers

    try:
        return makers(plan.backup.directory)
    except RecordError as error:
        click.echo(str(error), err=True)
        return {}


def _facts(decision: Decision, makers: Mapping[str, str]) -> dict[str, Any]:
    until = decision.until.isoformat(timespec="seconds") if decision.until else None
    return {
        **decision.backup.as_json(),
        "by": makers.get(decision.backup.id),
        "kept": list(decision.reasons),
        "kept_until": until,
    }


def _table(found: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"{'when (UTC)':20} {'kind':7} {'size':>9}  {'proved':9} {'by':20} {'id':36} kept"]
    for facts in found:
        until = f" until {facts['kept_until'][:10]}" if facts["kept_until"] else ""
        why = "; ".join(facts["kept"]) or "no: nothing keeps it"
        proved = "disproved" if facts["disproved"] else facts["level"] or "no"
        lines.append(
            f"{facts['created'][:19]:20} {facts['kind']:7} {size_of(facts['size']):>9}  "
            f"{proved:9} {(facts['by'] or '?')[:20]:20} {facts['id']:36} {why}{until}"
        )
    return "\n".join(lines)
