"""One run of a plan at a time, and what one that was killed has left: open entries, processes, sessions, rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pytest_visionforge.backup import lock
from pytest_visionforge.cutover import services
from pytest_visionforge.cutover.journal import Journal
from pytest_visionforge.cutover.migrate import disconnect
from pytest_visionforge.cutover.past import close_dead, half_done, left_open
from pytest_visionforge.cutover.process import end_tree
from pytest_visionforge.cutover.state import state_of
from pytest_visionforge.errors import MigrationError
from pytest_visionforge.plan.values.plan import Plan

LOCK = ".lock-cutover"


@contextmanager
def alone(plan: Plan, action: str) -> Iterator[None]:
    """No two cutovers, migrations or ways back of one directory at a time; BackupError with who is there."""
    plan.backup.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock.held(plan.backup.directory, action, alone=True, name=LOCK, patience=0):
        yield


def end_dead(plan: Plan, journal: Journal, echo: Callable[[str], None]) -> int:
    """Ends what a killed run has left: entries without an end, processes, sessions of the server.

    A command that starts or stops the services is waited for. Whoever calls it is alone, so whatever is open
    belongs to the dead. Returns how many sessions there were.
    """
    for entry in left_open(plan, journal.path):
        if "call" in entry.facts:
            services.outlast(str(entry.facts["call"]), entry.action, echo)
    ended = 0
    for mark in close_dead(plan, journal):
        ports = end_tree(mark)
        ended += disconnect(plan, mark, ports)
    return ended


def refuse_half_done(plan: Plan, journal: Journal, echo: Callable[[str], None]) -> None:
    """MigrationError where a migration was killed and has left something: to run it again may do it twice."""
    half = half_done(plan, journal.path)
    if half is None:
        return
    began, step = half
    echo(
        f"the migration of {began} was killed (step {step or 'none'}): comparing every row with the baseline"
    )
    state = state_of(plan)
    if not state.as_before:
        refusal = MigrationError(
            f"the migration of {began} was killed (step {step or 'none'}), and {state}. If it may have been over,"
            " pytest -m postmigration proves it; visionforge rollback puts the proved backup back;"
            " visionforge migrate --from STEP goes on from a step, if you know that it may"
        )
        refusal.exit_code = 3
        raise refusal
    echo(f"{state}: it is run again")
