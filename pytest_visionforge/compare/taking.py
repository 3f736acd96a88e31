"""How a baseline is taken: what the plan compares of every table, read from one state."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_visionforge import dialects
from pytest_visionforge.compare import lines
from pytest_visionforge.compare.baseline import FORMAT, VERSION, Baseline, TableBaseline, baseline_of
from pytest_visionforge.compare.digests import digests_before, naming
from pytest_visionforge.compare.pace import Pace, Progress
from pytest_visionforge.compare.projecting import change_of, identity, of_table, tables_compared, typed
from pytest_visionforge.compare.segments import TableDigests
from pytest_visionforge.compare.statistics import statistics
from pytest_visionforge.compare.unfinished import Unfinished
from pytest_visionforge.compare.views import is_compared
from pytest_visionforge.database import Schema, Session, Snapshot, Table, as_table, sharing
from pytest_visionforge.dialects import Dialect
from pytest_visionforge.plan.values.changes import TableChange
from pytest_visionforge.plan.values.plan import Plan


def take(
    source: Snapshot | Session,
    plan: Plan,
    schema: Schema,
    path: Path,
    progress: Progress | None = None,
    unfinished: Unfinished | None = None,
) -> Baseline:
    """Writes the baseline of the database of a snapshot or session to `path`, and returns it.

    All of it is of the one state that these see. Statements over a whole table run in it: give it a
    time limit of hours. An unfinished baseline leaves nothing at `path`; what it had taken is in
    `unfinished`, with which the next one goes on.
    """
    kept = unfinished or Unfinished()
    tables: dict[str, TableBaseline] = {}
    splits: dict[str, TableBaseline] = {}
    pace = Pace(plan.limits.load, progress)
    if kept.resumed:
        pace.tell(f"going on where the last baseline was interrupted, after {kept.resumed:,} rows")
    with sharing(source) as snapshot, lines.written(path) as write:
        head = _head(snapshot.main, plan, kept.resumed)
        views = {
            id: as_table(snapshot.main, view) for id, view in schema.views.items() if is_compared(plan, id)
        }
        write(head)
        write({"schema": schema.as_json()})
        write({"views": Schema(tables=views).as_json()})
        for id, table in {**schema.tables, **views}.items():
            with naming(id):
                tables[id] = _take_table(snapshot, plan, schema, table, pace, kept)
            write({"table": id, **tables[id].as_json()})
        for change in plan.changes.tables.values():
            if change.split_from in schema.tables:
                with naming(change.name):
                    table = schema.tables[change.split_from]
                    splits[change.name] = _projected(snapshot, plan, change, table, pace, kept)
                write({"split": change.name, **splits[change.name].as_json()})
    return baseline_of(path, head, schema, tables, splits, views)


def _head(session: Session, plan: Plan, resumed: int) -> dict[str, Any]:
    room = session.dialect.session
    return {
        "format": FORMAT,
        "version": VERSION,
        "taken": room.now(session).isoformat(),
        "identity": {
            "id": room.identity(session, dialects.parse_url(plan.source.url)),
            "dbms": room.product(session),
            "version": ".".join(map(str, room.version(session))),
            "shown": plan.source.shown,
        },
        "dbms": session.dialect.name,
        "plan": {"name": plan.name, "sha256": plan.sha256},
        "resumed": resumed,
    }


def _take_table(
    snapshot: Snapshot, plan: Plan, schema: Schema, table: Table, pace: Pace, kept: Unfinished
) -> TableBaseline:
    session = snapshot.main
    pace.tell(f"{table.id}: rows")
    if table.elsewhere:
        return TableBaseline(0, table.elsewhere)
    excluded = _excluded(plan, table.id)
    if excluded:
        return TableBaseline(session.count(table), excluded)
    if table.id not in schema.tables:
        return _projected(snapshot, plan, change_of(plan, table.id), table, pace, kept)
    whole = digests_before(snapshot, identity(table, session.dialect), table, pace, kept)
    columns = statistics(snapshot, table, whole.rows)
    if table.id not in tables_compared(schema, plan.changes):
        return TableBaseline(whole.rows, whole=whole, columns=columns)
    found = _projected(snapshot, plan, change_of(plan, table.id), table, pace, kept, whole)
    return replace(found, columns=columns)


def _projected(
    snapshot: Snapshot,
    plan: Plan,
    change: TableChange,
    table: Table,
    pace: Pace,
    kept: Unfinished,
    whole: TableDigests | None = None,
) -> TableBaseline:
    """The digests of what the plan compares; those of all columns serve where that is all of them."""
    session = snapshot.main
    projection = of_table(plan, change, table, session.dialect, _target(plan, session), None, typed(session))
    if change.rows == "any" or not projection.columns:
        rows = whole.rows if whole else session.count(table)
        return TableBaseline(rows, whole=whole, projection=projection)
    if whole and projection.fingerprint == whole.fingerprint:
        return TableBaseline(whole.rows, whole=whole, projection=projection, projected=whole)
    projected = digests_before(snapshot, projection, table, pace, kept)
    rows = whole.rows if whole else projected.rows
    return TableBaseline(rows, whole=whole, projection=projection, projected=projected)


def _excluded(plan: Plan, table: str) -> str:
    known = plan.tables.get(plan.changes.after(table) or table) or plan.tables.get(table)
    return known.exclude if known else ""


def _target(plan: Plan, session: Session) -> Dialect:
    return session.dialect if plan.in_place else dialects.of(dialects.parse_url(plan.target.url))
