"""Waivers: within their rows, to the end of their last day, and never in silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_visionforge.outcome import Outcome
from pytest_visionforge.plan.values.sections import Waiver
from pytest_visionforge.record.waivers import accounts, apply, unused
from tests.record.samples import result, violated

LAST = date(2026, 12, 31)
WAIVER = Waiver("orders.accepted.status", "to be merged (SHOP-812)", "a.meyer", LAST, rows=3)
VIOLATED = violated("orders.accepted.status", 3, rule="consistency.accepted")


def test_a_waived_violation_says_by_whom_and_until_when() -> None:
    """A violation that a waiver covers is waived, and says until when, by whom and why."""
    waived = apply(VIOLATED, [WAIVER], LAST)
    assert waived.outcome is Outcome.WAIVED
    assert waived.reason == "waived until 2026-12-31 by a.meyer: to be merged (SHOP-812)"
    assert waived.finding == VIOLATED.finding


@settings(deadline=None)
@given(count=st.integers(1, 9), rows=st.none() | st.integers(0, 9), days=st.integers(-400, 400))
def test_a_waiver_ends(count: int, rows: int | None, days: int) -> None:
    """A waiver holds exactly up to its rows and to its last day, that day included."""
    waiver = replace(WAIVER, rows=rows)
    outcome = apply(violated("orders.accepted.status", count), [waiver], LAST + timedelta(days)).outcome
    held = days <= 0 and (rows is None or count <= rows)
    assert outcome is (Outcome.WAIVED if held else Outcome.VIOLATED)


def test_an_expired_waiver_says_so() -> None:
    """The day after its last one a waiver is over, and the result says so."""
    late = apply(VIOLATED, [WAIVER], LAST + timedelta(1))
    assert late.outcome is Outcome.VIOLATED
    assert late.reason == "the waiver by a.meyer expired on 2026-12-31 (to be merged (SHOP-812))"


@pytest.mark.parametrize("left", [{"reason": ""}, {"by": "", "until": None}])
def test_a_waiver_holds_once_it_is_filled_in(left: dict[str, Any]) -> None:
    """What `visionforge waivers --adopt` leaves empty must be filled in, and the result says what."""
    waiver = replace(WAIVER, **left)
    open_ = apply(VIOLATED, [waiver], LAST)
    assert open_.outcome is Outcome.VIOLATED
    assert open_.reason == f"its waiver does not hold before {' and '.join(left)} are filled in in the plan"
    assert [each.state for each in accounts([waiver], [open_], LAST)] == ["unfilled"]


def test_one_row_more_is_not_waived() -> None:
    """A fourth row where three are waived fails again, and says both numbers."""
    more = apply(violated("orders.accepted.status", 4), [WAIVER], LAST)
    assert more.outcome is Outcome.VIOLATED
    assert more.reason == "4 rows, waived up to 3"


def test_a_rule_is_waived_for_all_its_objects() -> None:
    """A waiver that names a rule covers all its objects, and no other rule whose name begins like it."""
    waiver = replace(WAIVER, check="consistency.accepted", rows=None)
    assert apply(VIOLATED, [waiver], LAST).outcome is Outcome.WAIVED
    other = replace(VIOLATED, name="orders.accepted.status2", rule="consistency.accepted_values")
    assert apply(other, [waiver, WAIVER], LAST) == other


def test_the_waiver_that_holds_wins() -> None:
    """An expired waiver beside one that holds does not undo it."""
    expired = replace(WAIVER, until=date(2026, 1, 1))
    assert apply(VIOLATED, [expired, WAIVER], LAST).outcome is Outcome.WAIVED


@pytest.mark.parametrize(
    "outcome", [Outcome.PASSED, Outcome.CANNOT_TELL, Outcome.NOT_APPLICABLE, Outcome.WARNED]
)
def test_only_what_was_found_can_be_waived(outcome: Outcome) -> None:
    """What could not be looked at cannot be accepted: a waiver leaves it as it is."""
    told = result("orders.accepted.status", outcome, reason="cannot tell: connect failed")
    assert apply(told, [WAIVER], LAST) == told


def test_a_warning_can_be_waived() -> None:
    """A finding of a rule that only warns can be accepted like any other, and is no warning then."""
    warned = replace(VIOLATED, outcome=Outcome.WARNED)
    assert apply(warned, [WAIVER], LAST).outcome is Outcome.WAIVED


def test_what_became_of_each_waiver() -> None:
    """Each waiver is on the record as used, exceeded, expired or unused."""
    waivers = [
        WAIVER,
        replace(WAIVER, check="b", rows=1),
        replace(WAIVER, check="c", until=date(2020, 1, 1)),
        replace(WAIVER, check="d"),
    ]
    found = [VIOLATED, violated("b", 2), violated("c", 1), result("d")]
    results = [apply(each, waivers, LAST) for each in found]
    facts = accounts(waivers, results, LAST)
    assert [each.state for each in facts] == ["used", "exceeded", "expired", "unused"]
    assert facts[0].until == "2026-12-31"
    assert unused(waivers, results) == (waivers[3],)
