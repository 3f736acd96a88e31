"""The law of the gate: nothing but a whole, good run is a GO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_visionforge.outcome import Outcome, Result, Severity, Verdict
from pytest_visionforge.record import Decision, decide
from tests.record.samples import result

PHASE = "postmigration"
GOOD = (Outcome.PASSED, Outcome.WARNED, Outcome.WAIVED, Outcome.NOT_APPLICABLE)


def run(*outcomes: Outcome) -> tuple[Result, ...]:
    """One result of each outcome, each of a check of its own."""
    return tuple(result(f"integrity.rows[t{n}]", outcome) for n, outcome in enumerate(outcomes))


def decided(results: Sequence[Result], planned: Sequence[Result] | None = None, **facts: Any) -> Decision:
    """The decision on `results`, where the checks of `planned` (or just those) were planned."""
    return decide(results, [each.nodeid for each in planned or results], PHASE, **facts)


good_runs = st.lists(st.sampled_from(GOOD), min_size=0, max_size=12).map(
    lambda outcomes: run(Outcome.PASSED, *outcomes)
)


@settings(deadline=None)
@given(good_runs)
def test_a_whole_good_run_is_go(results: tuple[Result, ...]) -> None:
    """Everything planned ran and nothing is worse than a warning: GO, 0, no reason against it."""
    verdict, completeness, exit_code = decided(results)
    assert (verdict, exit_code, completeness.reasons) == (Verdict.GO, 0, ())
    assert completeness.planned == completeness.ran == len(results)
    assert completeness.waived == sum(each.outcome is Outcome.WAIVED for each in results)


@settings(deadline=None)
@given(good_runs, st.data())
def test_nothing_taken_from_a_good_run_leaves_a_go(results: tuple[Result, ...], data: st.DataObject) -> None:
    """A run that lost, skipped, deselected or could not decide any check is never a GO, and says which."""
    victim = data.draw(st.sampled_from(results))
    others = [each for each in results if each is not victim]
    extra = data.draw(st.lists(st.sampled_from(others), max_size=3)) if others else []
    undecided = replace(victim, outcome=Outcome.CANNOT_TELL, reason="because connect failed")
    runs: dict[str, tuple[list[Result], dict[str, Any]]] = {
        "missing": (others, {}),
        "skipped": (others, {"skipped": {victim.nodeid: "no driver"}}),
        "skipped with a result": ([*results], {"skipped": {victim.nodeid: ""}}),
        "deselected": (others, {"deselected": [victim.nodeid]}),
        "cannot tell": ([*others, undecided], {}),
        "cannot tell, then passed": ([undecided, *results], {}),
        "of another phase": ([*others, replace(victim, phase="premigration")], {}),
    }
    for kept, facts in runs.values():
        for order in ([*kept, *extra], [*extra, *kept]):
            verdict, completeness, exit_code = decided(order, results, **facts)
            assert verdict is Verdict.INCOMPLETE
            assert exit_code in (3, 5)
            assert completeness.ran < completeness.planned == len(results)
            says = " ".join(completeness.reasons)
            assert victim.nodeid in says or victim.name in says or "more" in says


@settings(deadline=None)
@given(good_runs, st.data())
def test_a_violation_anywhere_is_no_go(results: tuple[Result, ...], data: st.DataObject) -> None:
    """One violated rule closes the gate, whatever else is missing, repeated, interrupted or broken."""
    victim = data.draw(st.sampled_from(results))
    bad = replace(victim, outcome=Outcome.VIOLATED)
    rest = data.draw(st.lists(st.sampled_from(results), max_size=8))
    order = data.draw(st.permutations([bad, *rest]))
    facts = data.draw(st.fixed_dictionaries({"interrupted": st.booleans(), "errors": st.just(["x"])}))
    verdict, completeness, exit_code = decided(order, results, **facts)
    assert (verdict, exit_code) == (Verdict.NO_GO, 1)
    assert victim.name in completeness.reasons[0]


@settings(deadline=None)
@given(good_runs)
def test_an_interruption_or_an_error_is_no_go_ahead(results: tuple[Result, ...]) -> None:
    """A run that was interrupted, or in which something broke, is incomplete though every check passed."""
    assert decided(results, interrupted=True)[::2] == (Verdict.INCOMPLETE, 2)
    verdict, completeness, exit_code = decided(results, errors=["the backup failed: disk full"])
    assert (verdict, exit_code) == (Verdict.INCOMPLETE, 3)
    assert completeness.reasons == ("the backup failed: disk full",)


@pytest.mark.parametrize(
    ("results", "planned", "facts", "exit_code"),
    [
        ((), (), {}, 5),
        ((), run(Outcome.PASSED), {}, 5),
        ((), run(Outcome.PASSED), {"skipped": {run(Outcome.PASSED)[0].nodeid: "why"}}, 5),
        ((), run(Outcome.PASSED), {"deselected": [run(Outcome.PASSED)[0].nodeid]}, 5),
        (run(Outcome.NOT_APPLICABLE), None, {}, 5),
        (run(Outcome.CANNOT_TELL), None, {}, 3),
        ((), (), {"errors": ["collection failed"]}, 3),
        ((), (), {"interrupted": True}, 2),
    ],
)
def test_passing_on_nothing_is_a_failure(
    results: Sequence[Result], planned: Sequence[Result] | None, facts: dict[str, Any], exit_code: int
) -> None:
    """Where no check looked at anything the run proves nothing, and the exit code says why."""
    verdict, completeness, code = decided(results, planned, **facts)
    assert (verdict, code) == (Verdict.INCOMPLETE, exit_code)
    assert completeness.reasons


def test_a_warning_of_a_blocking_rule_is_no_warning() -> None:
    """A rule that blocks cannot be softened to a warning by its outcome."""
    softened = replace(run(Outcome.WARNED)[0], severity=Severity.BLOCK)
    assert decided([softened]).verdict is Verdict.NO_GO


def test_a_result_of_no_planned_check_is_told() -> None:
    """A result that nobody planned does not count and is named: the numbers cannot be right."""
    planned, stray = run(Outcome.PASSED, Outcome.PASSED)
    verdict, completeness, _ = decided([planned, stray], [planned])
    assert verdict is Verdict.INCOMPLETE
    assert completeness.reasons == (f"1 result is of no planned check of {PHASE}: {stray.nodeid}",)
    assert (completeness.planned, completeness.ran) == (1, 1)


def test_reasons_name_the_checks_and_why() -> None:
    """The reasons say which checks and why, and of many how many more."""
    results = run(*[Outcome.VIOLATED] * 5, Outcome.CANNOT_TELL)
    results = (*results[:5], replace(results[5], reason="because connect failed"))
    reasons = decided(results).completeness.reasons
    assert reasons == (
        "5 blocking checks are violated: integrity.rows[t0], integrity.rows[t1], "
        "integrity.rows[t2] and 2 more",
        "1 check could not be decided: integrity.rows[t5] (because connect failed)",
    )
