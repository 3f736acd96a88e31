"""`visionforge`: a thin door to the rooms.

Exit codes: 0 done (or GO), 1 NO-GO, 2 interrupted, 3 could not be done or proved, 4 wrong use or plan.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_visionforge.errors import BackupError, PlanError, RecordError, VisionForgeError
from pytest_visionforge.progress import Progress
from pytest_visionforge.version import VERSION

if TYPE_CHECKING:
    from pytest_visionforge.backup import Backup
    from pytest_visionforge.backup.manifest import Kind, Level
    from pytest_visionforge.plan.values import Plan
    from pytest_visionforge.rules import Rule

WRONG_USE = 4
SNAPSHOT_SECONDS = 6 * 3600.0  # per statement: reading a whole table takes its time

plan_option = click.option(
    "--plan",
    "plan_path",
    type=click.Path(path_type=Path),
    default=Path("visionforge.toml"),
    show_default=True,
    help="The plan file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def main() -> None:
    """The console command: one clear message for an error of the user's, a traceback only with --debug."""
    debug = "--debug" in sys.argv
    try:
        cli.main(args=[word for word in sys.argv[1:] if word != "--debug"], standalone_mode=False)
    except VisionForgeError as error:
        if debug:
            raise
        _fail(str(error), error.exit_code)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.Abort:
        _fail("interrupted", 2)
    except click.ClickException as error:
        error.show()
        sys.exit(WRONG_USE)


def _fail(message: str, code: int) -> None:
    click.echo(f"{click.style('error:', fg='red')} {message}", err=True)
    sys.exit(code)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="visionforge")
def cli() -> None:
    """A gate for database migrations, in pytest.

    \b
    visionforge demo                 the whole product in ten seconds, on a sample database
    pytest -m premigration           may the migration start?
    pytest -m postmigration          did everything arrive as it should?
    visionforge rollback             puts the proved backup back

    Errors are one message; --debug anywhere on the line shows the traceback.
    """


@cli.command()
@click.option("--fixed", is_flag=True, help="Run the migration without its defect: ends in GO.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    default=Path("visionforge-demo"),
    show_default=True,
    help="Where the sample database, its backup and the records go.",
)
@click.option(
    "--scale",
    type=click.FloatRange(0, min_open=True, max=1000),
    default=1.0,
    show_default=True,
    help="Times 41,000 rows.",
)
def demo(fixed: bool, directory: Path, scale: float) -> None:
    """Migrates a sample database, finds the one row that broke, goes back and proves it.

    \b
    visionforge demo                 ends in NO-GO, the verified backup is put back
    visionforge demo --fixed         ends in GO
    """
    from pytest_visionforge.demo.demo import run

    sys.exit(run(directory, fixed=fixed, scale=scale, echo=click.echo))


# ---------------------------------------------------------------------------- backup


@cli.group()
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

        plan = _plan(plan_path)
        with Progress(sys.stderr) as tell:
            made = _made(plan, kind, tell)
            if not no_verify:
                room.verify(made, level=plan.backup.verify, progress=tell, scratch_url=plan.source.url)
        facts = room.find(plan.backup.directory, made.id).as_json()
        _print(as_json, facts, f"{made.id}   {facts['says']}")


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

    plan = _plan(plan_path)
    with Progress(sys.stderr) as tell:
        chosen = _chosen(plan, name)
        proof = room.verify(chosen, level=level, progress=tell, scratch_url=plan.source.url)
    _print(
        as_json, {"id": chosen.id, "level": proof.level, "says": proof.says}, f"{chosen.id}   {proof.says}"
    )


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

    plan = _plan(plan_path)
    backups = room.catalogue(plan.backup.directory)
    if as_json:
        click.echo(json.dumps([each.as_json() for each in backups], indent=1))
        return
    click.echo(f"{'when (UTC)':20} {'kind':7} {'size':>9}  {'proved':10} id")
    for each in backups:
        facts = each.as_json()
        size = _size(int(facts["size"]))
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

    plan = _plan(plan_path)
    chosen = _chosen(plan, name, kind="full")
    where = into or plan.source.shown
    _agree(yes, f"Put backup {chosen.id} over {where}?")
    with Progress(sys.stderr) as tell:
        restored = room.restore(chosen, into or plan.source.url, progress=tell)
    _say_restored(chosen.id, restored.says, restored.kept)


# ---------------------------------------------------------------------------- rollback, explain


@cli.command()
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

    plan = _plan(plan_path)
    if record_id:
        backup_id = _backup_of(plan, record_id)
    _agree(yes, f"Put {backup_id or 'the backup of the last premigration run'} over {plan.source}?")
    with Progress(sys.stderr) as tell:
        done = put_back(plan, backup_id=backup_id, echo=tell)
    _say_restored(done.backup, done.says, done.kept)


@cli.command()
@click.argument("rule")
@json_option
def explain(rule: str, as_json: bool) -> None:
    """Says what a rule looks at, why, how to mend a violation and how to waive it.

    \b
    visionforge explain integrity.not_null
    visionforge explain orders.accepted.status
    """
    from pytest_visionforge.explain import find, told

    found = find(rule)
    _print(as_json, _facts(found), told(found))


def _facts(rule: Rule) -> dict[str, Any]:
    words = ("id", "law", "why", "remedy", "severity", "phases")
    return {word: getattr(rule, word) for word in words}


# ---------------------------------------------------------------------------- shared by the commands


def _plan(path: Path) -> Plan:
    from pytest_visionforge import plan

    if not path.is_file():
        raise PlanError(f"{path}: there is no such plan; write one, or name it with --plan")
    return plan.read(path.resolve())


def _chosen(plan: Plan, name: str, kind: str = "") -> Backup:
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


def _backup_of(plan: Plan, record_id: str) -> str:
    """The id of the backup that a record names."""
    from pytest_visionforge import record

    named = record.read(plan.record.directory / record_id).backup.get("id")
    if not named:
        raise RecordError(f"{record_id} names no backup; choose one: visionforge backup list")
    return str(named)


def _say_restored(id: str, says: str, kept: str) -> None:
    click.echo(f"{id} is back: {says}")
    if kept:
        click.echo(f"what was there before is kept: {kept}")


def _agree(yes: bool, question: str) -> None:
    if not yes and not click.confirm(question, default=False):
        raise click.Abort


def _print(as_json: bool, facts: Any, text: str) -> None:
    click.echo(json.dumps(facts, indent=1, default=str) if as_json else text)


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
