"""`visionforge cutover`: the whole way, or the way back."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_visionforge.cli.migrate import despite_option
from pytest_visionforge.cli.shared import agree, json_option, plan_of, plan_option, show, telling
from pytest_visionforge.errors import PlanError, RecordError

if TYPE_CHECKING:
    from pytest_visionforge.cutover.cutover import Outcome
    from pytest_visionforge.plan.values.plan import Plan

GO = "done"
INTERRUPTED = "interrupted: visionforge cutover --resume goes on, visionforge cutover --rollback goes back"


@click.command()
@plan_option
@click.option("--resume", is_flag=True, help="Go on with the one that was interrupted, or ended undecided.")
@click.option("--rollback", "back", is_flag=True, help="Stop, put the proved backup back, start as before.")
@click.option(
    "--emergency", is_flag=True, help="As --rollback, without a question; ends with the incident page."
)
@despite_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def cutover(
    plan_path: Path,
    resume: bool,
    back: bool,
    emergency: bool,
    despite_blockers: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Stop, readiness, backup, migration, proof, start; or the way back.

    Exit codes: 0 the new version runs, 1 NO-GO, 2 interrupted, 3 could not be done, 4 wrong use or plan.

    \b
    visionforge cutover --yes
    visionforge cutover --resume       after an interruption, or once you have mended what it found
    visionforge cutover --rollback     back, proved, the previous version started
    """
    from pytest_visionforge.cutover.cutover import cutover as run
    from pytest_visionforge.cutover.cutover import go_back
    from pytest_visionforge.cutover.process import interruptible

    if resume and (back or emergency):
        raise PlanError("--resume goes on, --rollback and --emergency go back: choose one")
    plan, echo = plan_of(plan_path), telling(as_json)
    agree(yes or emergency, _question(plan, back))
    try:
        with interruptible():
            if back or emergency:
                ended = go_back(
                    plan, echo=echo, why="an emergency" if emergency else "a person decided to go back"
                )
            else:
                ended = run(plan, echo=echo, resume=resume, despite=despite_blockers)
    except KeyboardInterrupt:
        click.echo(INTERRUPTED, err=True)
        sys.exit(2)
    except (OSError, RecordError) as error:  # a full disk, say
        raise RecordError(f"{error}. Mend that; {INTERRUPTED}") from None
    _tell(plan, ended, back or emergency, as_json)


def _question(plan: Plan, back: bool) -> str:
    return (
        f"Put the proved backup over {plan.source}?" if back else f"Cut over {plan.name}, on {plan.target}?"
    )


def _tell(plan: Plan, ended: Outcome, went_back: bool, as_json: bool) -> None:
    from pytest_visionforge.cutover.incident import incident

    good = ended.ending == GO or (went_back and ended.ending == "back")
    mark = click.style("✓", fg="green") if good else click.style("✗", fg="red")
    lines, facts = [f"{mark} cutover {ended.id}: {ended.ending}: {ended.says}"], asdict(ended)
    if ended.next:
        lines.append(f"  {ended.next}")
    if ended.ending != GO:
        facts["incident"] = str(incident(plan, ended.id))
        lines.append(f"  Incident page: {facts['incident']}")
    show(as_json, facts, "\n".join(lines))
    sys.exit(0 if good else ended.exit_code)
