"""From what a session knows to its record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pytest_visionforge import record
from pytest_visionforge.errors import VisionForgeError
from pytest_visionforge.outcome import CannotTell, Result
from pytest_visionforge.record import waivers
from pytest_visionforge.record.origin import origin
from pytest_visionforge.rules import POSTMIGRATION
from pytest_visionforge.run import BASELINE

if TYPE_CHECKING:
    from pytest_visionforge.plan.values.changes import Changes, Declared, TableChange
    from pytest_visionforge.plan.values.plan import Plan
    from pytest_visionforge.run import Run
    from pytest_visionforge.session import Owner


def compose(owner: Owner, run: Run, *, interrupted: bool) -> record.Record:
    """The record of a session, decided but not yet written."""
    planned = owner.planned.get(run.phase, [])
    results = tuple(owner.results.values())
    decision = record.decide(
        results,
        planned,
        run.phase,
        interrupted,
        tuple(owner.errors),
        skipped=owner.skipped,
        deselected=set(planned) - set(owner.selected),
    )
    now = datetime.now(UTC)
    return record.Record(
        id=run.id,
        plan=run.plan.name,
        plan_sha256=run.plan.sha256,
        phase=run.phase,
        started=owner.started,
        finished=now,
        verdict=decision.verdict,
        exit_status=decision.exit_code,
        completeness=decision.completeness,
        results=results,
        origin=origin(run.plan.directory),
        databases=dict(_databases(run)),
        tables=tuple(_tables(results)),
        changes=tuple(_declared(run.plan.changes)),
        backup=_backup(run),
        baseline=_baseline(run),
        waivers=waivers.accounts(run.plan.waivers, results, now.date()),
        not_checked=(
            *_not_checked(run.plan, owner.not_applicable.get(run.phase, {})),
            *_not_compared(run),
        ),
        planned=tuple(planned),
        skipped=dict(owner.skipped),
        errors=tuple(owner.errors),
    )


def heading(run: Run, started: datetime) -> dict[str, Any]:
    """What is known of a record before the first check: plain values."""
    return {
        "plan": run.plan.name,
        "plan_sha256": run.plan.sha256,
        "phase": run.phase,
        "started": started.isoformat(),
        "origin": asdict(origin(run.plan.directory)),
    }


def _databases(run: Run) -> Iterator[tuple[str, record.DatabaseFacts]]:
    for role in run.plan.roles:
        shown = run.database(role).shown
        facts = record.DatabaseFacts(shown=shown)
        with suppress(CannotTell, VisionForgeError, OSError):
            database = run.reachable(role)
            identity = database.identity
            facts = record.DatabaseFacts(shown, identity.dbms, identity.version, identity.id, database.size())
        yield role, facts


def _tables(results: tuple[Result, ...]) -> Iterator[record.TableFacts]:
    """Rows and digests before and after, as the checks of the values saw them."""
    for result in results:
        said = result.finding or result.evidence
        if said and "table" in said.facts:
            facts: dict[str, Any] = dict(said.facts)
            yield record.TableFacts(name=facts.pop("table"), **facts)


def _backup(run: Run) -> dict[str, Any]:
    try:
        facts = run.backup.as_json()
    except (CannotTell, VisionForgeError):
        return {}
    return dict(facts)


def _baseline(run: Run) -> dict[str, Any]:
    if run.premigration is None or not (run.premigration / BASELINE).is_file():
        return {}
    try:
        taken = run.baseline
    except CannotTell:
        return {}
    return {
        "record": run.premigration.name,
        "taken": taken.taken.isoformat(),
        "identity": taken.identity.id,
        "sha256": hashlib.sha256(taken.path.read_bytes()).hexdigest(),
    }


def _declared(changes: Changes) -> Iterator[str]:
    for change in changes.tables.values():
        yield from _declared_of(change)
    for kind in ("views", "sequences", "routines", "types", "extensions", "events", "grants"):
        yield from _objects(kind, getattr(changes, kind))
    for new, old in changes.roles.renamed.items():
        yield f"role {old} is renamed to {new}"
    for word in ("owners", "options"):
        if names := getattr(changes, word):
            yield f"{word} {', '.join(names)}"


def _declared_of(change: TableChange) -> Iterator[str]:
    name, columns = change.name, change.columns
    if change.renamed_from:
        yield f"{change.renamed_from} is renamed to {name}"
    if change.added:
        yield f"{name} is added"
    if change.dropped:
        yield f"{name} is dropped"
    for new, old in columns.renamed.items():
        yield f"{name}: {old} is renamed to {new}"
    for column, expression in columns.values.items():
        yield f"{name}.{column} = {expression}"
    for word in ("added", "dropped", "types", "nullable", "defaults", "collations", "comments"):
        if names := getattr(columns, word):
            yield f"{name}: columns.{word} {', '.join(names)}"
    if change.rows != "unchanged":
        yield f"{name}: rows {change.rows}"
    if change.options:
        yield f"{name}: options {', '.join(change.options)}"
    for kind in ("indexes", "keys", "checks", "triggers", "partitions", "policies"):
        yield from (f"{name}: {text}" for text in _objects(kind, getattr(change, kind)))


def _objects(kind: str, declared: Declared) -> Iterator[str]:
    for word in ("added", "dropped", "changed"):
        if names := getattr(declared, word):
            yield f"{kind} {word}: {', '.join(names)}"


def _not_checked(plan: Plan, not_applicable: dict[str, str]) -> Iterator[str]:
    """What nobody looked at, and why."""
    for table in plan.tables.values():
        if table.exclude:
            yield f"{table.name} was not compared: {table.exclude}"
    for name, reason in sorted(not_applicable.items()):
        if not reason.startswith("excluded: "):
            yield f"{name}: {reason}"


def _not_compared(run: Run) -> tuple[str, ...]:
    """What two DBMS do not say alike, so that nobody compared it."""
    if run.phase != POSTMIGRATION:
        return ()
    from pytest_visionforge import compare

    try:
        target, before = run.reachable(run.role(run.phase)), run.baseline
        return compare.not_compared(before.schema, target.schema, run.changes, before.dialect, target.dialect)
    except (CannotTell, VisionForgeError):
        return ()
