"""`visionforge waivers`: what is accepted, whether it still holds, and violations taken in as new waivers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_visionforge.cli.shared import json_option, plan_of, plan_option, show
from pytest_visionforge.errors import PlanError, RecordError

if TYPE_CHECKING:
    from pytest_visionforge.outcome import Result
    from pytest_visionforge.plan.values.plan import Plan
    from pytest_visionforge.record.record import Record, WaiverFacts

_SHOWN = {"used": "held", "": "no record"}


@click.command()
@click.option("--adopt", is_flag=True, help="Write the violations of the last records into the plan.")
@click.option("--print", "only_print", is_flag=True, help="With --adopt: print them instead.")
@plan_option
@json_option
def waivers(adopt: bool, only_print: bool, plan_path: Path, as_json: bool) -> None:
    """Lists the plan's waivers: held, exceeded, expired, unused, or not filled in yet.

    The last records of the plan say what became of them. With --adopt each violation in them becomes a
    waiver of so many rows and no more, at the end of the plan. It holds once reason, by and until are filled in.

    \b
    visionforge waivers
    visionforge waivers --adopt
    visionforge waivers --adopt --print >> visionforge.toml
    """
    if only_print and not adopt:
        raise click.UsageError("--print goes with --adopt")
    plan = plan_of(plan_path)
    records = _last_records(plan)
    if adopt:
        _adopt(plan, records, only_print, as_json)
        return
    accounts = _accounts(plan, records, datetime.now(UTC).date())
    facts = [_facts(each) for each in accounts]
    show(as_json, facts, "\n".join(_listed(accounts, records)))


def _last_records(plan: Plan) -> list[Record]:
    """The newest record of each phase."""
    from pytest_visionforge.record.record import newest
    from pytest_visionforge.rules import PHASES

    found = (newest(plan.record.directory, phase=phase, plan=plan.name) for phase in PHASES)
    return [record for record in found if record]


def _accounts(plan: Plan, records: list[Record], today: date) -> tuple[WaiverFacts, ...]:
    """What became of each waiver; "" of those that no record tells of."""
    from dataclasses import replace

    from pytest_visionforge.record.waivers import accounts, apply

    results = [apply(_as_found(each), plan.waivers, today) for record in records for each in record.results]
    found = accounts(plan.waivers, results, today)
    if records:
        return found
    return tuple(replace(each, state="") if each.state == "unused" else each for each in found)


def _as_found(result: Result) -> Result:
    """A result as it was before the waivers of that day: those of today decide."""
    from dataclasses import replace

    from pytest_visionforge.outcome import Outcome, Severity

    if result.outcome is not Outcome.WAIVED:
        return result
    blocks = result.severity is Severity.BLOCK
    return replace(result, outcome=Outcome.VIOLATED if blocks else Outcome.WARNED, reason="")


def _facts(account: WaiverFacts) -> dict[str, object]:
    from pytest_visionforge.record.shape import plain

    return {**plain(account), "state": _SHOWN.get(account.state, account.state)}


def _listed(accounts: Iterable[WaiverFacts], records: list[Record]) -> Iterable[str]:
    """Two lines a waiver, and which records it was judged by."""
    for each in accounts:
        state = _SHOWN.get(each.state, each.state)
        rows = (
            "any number of rows"
            if each.rows is None
            else f"up to {each.rows:,} row{'' if each.rows == 1 else 's'}"
        )
        yield f"{state:<10} {each.check}  {rows}, until {each.until or '?'}"
        yield f"           {each.by or '?'}: {each.reason or 'no reason yet'}"
    said = ", ".join(record.id for record in records) or "no record yet: run pytest -m premigration"
    yield f"by {said}" if accounts else f"the plan has no waivers ({said})"


# ---------------------------------------------------------------- adopting


def _adopt(plan: Plan, records: list[Record], only_print: bool, as_json: bool) -> None:
    if not records:
        raise RecordError(
            f"{plan.record.directory}: holds no record of this plan; run pytest -m premigration"
        )
    violated = _violated(records)
    known = {waiver.check for waiver in plan.waivers}
    new = {check: each for check, each in violated.items() if not known & {check, each[0].rule}}
    text = "".join(_block(check, *each) for check, each in new.items())
    if text and not only_print:
        _append(plan.path, text)
    if as_json:
        show(
            True,
            [{"check": check, "rows": _count(each[0]), "record": each[1].id} for check, each in new.items()],
            "",
        )
        return
    if only_print:
        click.echo(text, nl=False)
    _say(plan, new, [check for check in violated if check not in new])


Violated = dict[str, tuple["Result", "Record"]]


def _violated(records: list[Record]) -> Violated:
    """The violations by their names, each with the record that tells of it: the one with the most rows."""
    from pytest_visionforge.outcome import Outcome

    found: Violated = {}
    for record in records:
        for result in record.results:
            known = found.get(result.name)
            if result.outcome is Outcome.VIOLATED and (not known or _count(known[0]) < _count(result)):
                found[result.name] = (result, record)
    return found


def _count(result: Result) -> int:
    return max(1, result.finding.count) if result.finding else 1


def _block(check: str, result: Result, record: Record) -> str:
    from pytest_visionforge.draft.toml import value, words

    return f"""
# {words(result.rule)}: {_count(result):,} found on {record.started:%Y-%m-%d} ({record.id})
[[waivers]]
check  = {value(check)}
reason = ""        # why it is accepted
by     = ""        # who accepts it
until  = ""        # the last day on which it holds, without quotes: 2026-12-31
rows   = {_count(result)}
"""


def _append(path: Path, text: str) -> None:
    """Adds to the plan's end, and only if it can be read as a plan afterwards."""
    from pytest_visionforge import plan as plans
    from pytest_visionforge.record.record import write_whole

    before = path.read_bytes()
    newline = "\r\n" if b"\r\n" in before else "\n"
    parted = b"" if before.endswith(b"\n") else newline.encode()
    after = before + parted + text.replace("\n", newline).encode()
    mode = path.stat().st_mode
    trial = path.with_name(f".{path.name}.adopting")
    try:
        trial.write_bytes(after)
        plans.read(trial)
        write_whole(path, after)
        path.chmod(mode)
    except PlanError as error:
        raise PlanError(
            f"{path.name}: the waivers cannot stand at its end, nothing was written: {error};"
            " visionforge waivers --adopt --print prints them"
        ) from None
    except OSError as error:
        raise PlanError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        trial.unlink(missing_ok=True)


def _say(plan: Plan, new: Violated, others: list[str]) -> None:
    """What was done, and what is left to do; beside what is printed for the plan."""
    if new:
        click.echo(
            f"{len(new)} waivers: fill in reason, by and until; before that they hold nothing", err=True
        )
    for check in others:
        click.echo(f"{check} has a waiver that does not cover it: look at its rows and its end", err=True)
    if not new and not others:
        click.echo(f"nothing is violated in the last records of {plan.name}", err=True)
