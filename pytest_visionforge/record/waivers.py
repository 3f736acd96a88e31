"""Waivers: violations that are accepted, with a reason, up to a number of rows and to an end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from pytest_visionforge.outcome import Outcome, Result
from pytest_visionforge.plan.values.sections import Waiver
from pytest_visionforge.record.record import WaiverFacts

_WAIVABLE = (Outcome.VIOLATED, Outcome.WARNED)


def apply(result: Result, waivers: Iterable[Waiver], today_utc: date) -> Result:
    """The result, waived if a waiver of the plan covers it.

    A waiver names a check, or a rule for all its objects. Its last day counts, in UTC. One that is
    over, that allows fewer rows, or that nobody has filled in, leaves the result as it is and is told in
    its reason. A warning that only says what could not be looked at has no finding: there is nothing
    to accept.
    """
    if result.outcome not in _WAIVABLE or (result.outcome is Outcome.WARNED and not result.finding):
        return result
    refusals = []
    for waiver in waivers:
        if not matches(waiver, result):
            continue
        if refusal := _refusal(waiver, result, today_utc):
            refusals.append(refusal)
        else:
            reason = f"waived until {waiver.until} by {waiver.by}: {waiver.reason}"
            return replace(result, outcome=Outcome.WAIVED, reason=reason)
    return replace(result, reason="; ".join(filter(None, [result.reason, *refusals]))) if refusals else result


def matches(waiver: Waiver, result: Result) -> bool:
    """Whether the waiver is about this check, or about its rule as a whole."""
    return waiver.check in (result.name, result.rule)


def unused(waivers: Iterable[Waiver], results: Sequence[Result]) -> tuple[Waiver, ...]:
    """The waivers that no violation needs any more: they can be taken out of the plan."""
    return tuple(waiver for waiver in waivers if not _needed(waiver, results))


def accounts(
    waivers: Iterable[Waiver], results: Sequence[Result], today_utc: date
) -> tuple[WaiverFacts, ...]:
    """What became of each waiver, for the record; `results` are those that `apply` gave."""
    return tuple(
        WaiverFacts(
            check=waiver.check,
            reason=waiver.reason,
            by=waiver.by,
            until=waiver.until.isoformat() if waiver.until else "",
            state=_state(waiver, results, today_utc),
            rows=waiver.rows,
        )
        for waiver in waivers
    )


def _state(waiver: Waiver, results: Sequence[Result], today_utc: date) -> str:
    if waiver.unfilled:
        return "unfilled"
    if _is_over(waiver, today_utc):
        return "expired"
    if not _needed(waiver, results):
        return "unused"
    held = any(result.outcome is Outcome.WAIVED for result in results if matches(waiver, result))
    return "used" if held else "exceeded"


def _needed(waiver: Waiver, results: Sequence[Result]) -> bool:
    concerned = (*_WAIVABLE, Outcome.WAIVED)
    return any(result.outcome in concerned for result in results if matches(waiver, result))


def _is_over(waiver: Waiver, today_utc: date) -> bool:
    return waiver.until is None or today_utc > waiver.until


def _refusal(waiver: Waiver, result: Result, today_utc: date) -> str:
    """Why the waiver does not cover the result; '' where it does."""
    count = result.finding.count if result.finding else 1
    if waiver.unfilled:
        return f"its waiver does not hold before {' and '.join(waiver.unfilled)} are filled in in the plan"
    if _is_over(waiver, today_utc):
        return f"the waiver by {waiver.by} expired on {waiver.until} ({waiver.reason})"
    if waiver.rows is not None and count > waiver.rows:
        return f"{count:,} {'row' if count == 1 else 'rows'}, waived up to {waiver.rows:,}"
    return ""
