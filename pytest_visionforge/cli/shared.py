"""What the commands share: options, the plan, asking, printing."""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_visionforge.errors import PlanError, VisionForgeError

if TYPE_CHECKING:
    from pytest_visionforge.backup import TablesRestored
    from pytest_visionforge.backup.partial import Dangling
    from pytest_visionforge.plan.values.plan import Plan

plan_option = click.option(
    "--plan",
    "plan_path",
    type=click.Path(path_type=Path),
    default=Path("visionforge.toml"),
    show_default=True,
    help="The plan file.",
)
backup_option = click.argument("name", metavar="[ID|PATH]", default="")
backup_argument = click.argument("name", metavar="ID")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class NotAgreed(VisionForgeError):
    """A question was not answered with yes: nothing was done."""

    exit_code = 2


class Meant(click.Group):
    """Commands of which the nearest is named where none is called so; click does that only since 8.2."""

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was meant; an error that names the nearest where there is none."""
        known = self.list_commands(context)
        close = difflib.get_close_matches(args[0], known, 1)
        if args[0] not in known and close:
            context.fail(f'there is no command "{args[0]}"; did you mean "{close[0]}"?')
        return super().resolve_command(context, args)


def plan_of(path: Path) -> Plan:
    """The plan in a file; PlanError where there is none or it is wrong."""
    from pytest_visionforge import plan

    if not path.is_file():
        raise PlanError(f"{path}: there is no such plan; write one, or name it with --plan")
    return plan.read(path.resolve())


def tidy_when_terminated() -> None:
    """From here to the end of the command, SIGTERM and SIGHUP tidy up as Ctrl-C does."""
    from pytest_visionforge.cutover.process import interruptible

    click.get_current_context().with_resource(interruptible())


def tags_of(words: tuple[str, ...]) -> dict[str, str]:
    """The tags of `--tag NAME[=VALUE]`, by name."""
    tags = {}
    for word in words:
        name, _, value = word.partition("=")
        if not re.fullmatch(r"[A-Za-z][\w.-]{0,39}", name):
            raise click.BadParameter(f"{word!r} is no tag; write --tag release or --tag release=1.4")
        tags[name] = value
    return tags


def say_restored(id: str, says: str, kept: str) -> None:
    """Says that a backup is back, and where the old state is kept."""
    click.echo(f"{id} is back: {says}")
    if kept:
        click.echo(f"what was there before is kept: {kept} (visionforge backup discard removes it)")


def tables_of(tables: str) -> list[str]:
    """The tables that an option names, which must be some where it is given: of none, it would be all of them."""
    names = list(filter(None, map(str.strip, tables.split(","))))
    if tables and not names:
        raise click.UsageError(f"--tables {tables!r} names no table")
    return names


def dangling_of(tables: str, closure: bool, quarantine: bool) -> Dangling:
    """What becomes of rows that would refer to nothing; one answer at most, and only for some tables."""
    if (closure or quarantine) and not tables:
        raise click.UsageError("--closure and --quarantine go with --tables: name the tables")
    if closure and quarantine:
        raise click.UsageError(
            "--closure or --quarantine: with all the tables around them, no row is left over"
        )
    return "closure" if closure else "quarantine" if quarantine else "refuse"


def say_tables(done: TablesRestored, as_json: bool) -> None:
    """Says that some tables are back, what would have dangled, and where the old rows are kept."""
    lines = [
        f"{done.backup}: {done.says}",
        *(f"{n:,} rows that would have referred to nothing are in {name}" for name, n in done.quarantined),
        f"the rows from before are kept in {', '.join(done.kept)}: drop these tables when all is well",
    ]
    show(as_json, asdict(done), "\n".join(lines))


def agree(yes: bool, question: str) -> None:
    """Asks, unless `--yes` was given; ends the command where the answer is no, or nobody is there to answer."""
    if yes:
        return
    try:
        refusal = "" if click.confirm(question, default=False) else "nothing was done"
    except click.Abort:
        if sys.stdin and sys.stdin.isatty():  # Ctrl-C
            raise
        refusal = "nobody is there to answer: add --yes"
        click.echo()  # the question's line
    if refusal:
        raise NotAgreed(refusal)


def telling(as_json: bool) -> Callable[[str], None]:
    """Prints what happens meanwhile: where the facts will be JSON, it goes to the errors, out of their way.

    What is being done goes on where nobody listens any more (`| head`, a terminal that is gone).
    """

    def tell(text: str) -> None:
        with suppress(OSError):
            click.echo(text, err=as_json)

    return tell


def show(as_json: bool, facts: Any, text: str) -> None:
    """Prints the facts for a program, or the text for people."""
    click.echo(json.dumps(facts, indent=1, default=str) if as_json else text)


def size_of(count: int) -> str:
    """Bytes as people read them: `1.2 GB`."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
