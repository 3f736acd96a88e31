"""`visionforge migrate`: the migration alone, watched."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_visionforge.cli.shared import json_option, plan_of, plan_option, show, telling

if TYPE_CHECKING:
    from pytest_visionforge.cutover.migrate import Migrated

despite_option = click.option(
    "--despite-blockers", is_flag=True, help="Start although somebody is in the way of the locks."
)


@click.command()
@plan_option
@click.option("--from", "first", metavar="STEP", default="", help="Begin with this step of the plan.")
@despite_option
@json_option
def migrate(plan_path: Path, first: str, despite_blockers: bool, as_json: bool) -> None:
    """Runs the plan's migration, watched; what it prints is shown and kept beside the records.

    A migration that exits with 0 but prints an error has failed. Exit codes: 0 it went well, 1 it
    failed, 2 interrupted, 3 it was not started, 4 wrong use or plan.

    \b
    pytest -m premigration && visionforge migrate && pytest -m postmigration
    visionforge migrate --from fill
    """
    from pytest_visionforge.cutover.alone import alone, end_dead, refuse_half_done
    from pytest_visionforge.cutover.migrate import journal_of
    from pytest_visionforge.cutover.migrate import migrate as run
    from pytest_visionforge.cutover.process import interruptible

    plan, echo = plan_of(plan_path), telling(as_json)
    with alone(plan, "migrate"), interruptible():
        journal = journal_of(plan)
        end_dead(plan, journal, echo)
        if not first:
            refuse_half_done(plan, journal, echo)
        done = run(plan, echo=echo, first=first, despite=despite_blockers)
    show(as_json, _facts(done), "\n".join(_said(done)))
    sys.exit(0 if done.went_well else 1)


def _facts(done: Migrated) -> dict[str, Any]:
    """How a migration went, for a program."""
    return {**asdict(done), "went_well": done.went_well, "output": str(done.directory / "output.log")}


def _said(done: Migrated) -> Iterator[str]:
    """How a migration went, where its output is, and what is safe to do."""
    seconds = sum(step.seconds for step in done.steps)
    mark = click.style("✓", fg="green") if done.went_well else click.style("✗", fg="red")
    yield f"{mark} migration {'ended well' if done.went_well else 'failed'} after {seconds:.1f} s"
    if done.failure:
        yield f"  {done.failure}"
        yield f"  {done.advice}"
    yield f"  Output: {done.directory / 'output.log'}"
