"""`visionforge gate`: what a deploy job asks before it goes on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_visionforge.cli.shared import json_option, show
from pytest_visionforge.errors import PlanError

if TYPE_CHECKING:
    from pytest_visionforge.record.gate import Admission, Demand

REFUSED = 1


@click.command()
@click.argument("records", type=click.Path(path_type=Path), default=Path("reports"))
@click.option(
    "--require",
    "phases",
    multiple=True,
    type=click.Choice(["premigration", "postmigration", "rollback"]),
    default=("premigration",),
    show_default=True,
    help="The phase whose newest record must be a GO; repeat for several.",
)
@click.option("--max-age", default="", metavar="2h", help="Since the run ended.")
@click.option("--commit", default="", metavar="SHA", help="The commit that is being deployed.")
@click.option(
    "--plan",
    "plan_path",
    type=click.Path(path_type=Path),
    help="The plan file: name, hash and signers must be its own.",
)
@click.option(
    "--database", default="", metavar="IDENTITY", help="The database's identity, as records tell it."
)
@click.option("--signatures", type=click.IntRange(0), help="How many of the plan's signers must have signed.")
@json_option
def gate(records: Path, phases: tuple[str, ...], as_json: bool, **asked: Any) -> None:
    """Opens for a record that proves what it must, and says of any other why it does not.

    Reads the newest record of each phase in RECORDS. Needs neither a database nor a driver.

    \b
    visionforge gate --require premigration --max-age 2h --commit $SHA
    visionforge gate artefacts/reports --plan visionforge.toml --signatures 2

    Refused is what is NO-GO, INCOMPLETE, contradicts itself, was overtaken, is too old, of another
    commit, plan or database, altered, or not signed as it must be. Exit codes: 0 open, 1 refused,
    4 wrong use.
    """
    from pytest_visionforge.record.gate import admit

    found = {phase: admit(records, _demand(phase, **asked)) for phase in phases}
    open_ = not any(admission.refusals for admission in found.values())
    facts = {
        "open": open_,
        "phases": {
            phase: {"record": each.record.id if each.record else None, "refusals": list(each.refusals)}
            for phase, each in found.items()
        },
    }
    show(as_json, facts, "\n".join(line for phase, each in found.items() for line in _told(phase, each)))
    sys.exit(0 if open_ else REFUSED)


def _demand(
    phase: str,
    max_age: str,
    commit: str,
    plan_path: Path | None,
    database: str,
    signatures: int | None,
) -> Demand:
    from pytest_visionforge.plan.glance import Glance, glance
    from pytest_visionforge.record.gate import Demand

    plan = glance(plan_path) if plan_path else Glance("", "")
    if signatures and not plan.signers:
        raise PlanError("--signatures needs --plan with [record] signers: whose signatures would count?")
    return Demand(
        phase=phase,
        plan=plan.name,
        plan_sha256=plan.sha256,
        max_age=_seconds(max_age) if max_age else None,
        commit=commit,
        identity=database,
        signatures=plan.signatures if signatures is None else signatures,
        signers=plan.signers,
    )


def _seconds(text: str) -> float:
    from pytest_visionforge.plan.grammar import Wrong, duration

    try:
        return duration(text)
    except Wrong as wrong:
        raise PlanError(f"--max-age: {wrong}") from None


def _told(phase: str, admission: Admission) -> list[str]:
    if admission.record is None:
        head = f"{click.style('✗', fg='red')} {phase}: refused"
    elif admission.refusals:
        head = f"{click.style('✗', fg='red')} {phase}: refused: {admission.record.id}"
    else:
        head = f"{click.style('✓', fg='green')} {phase}: {admission.record.id}, {admission.record.plan}"
    return [head, *(f"    {refusal}" for refusal in admission.refusals)]
