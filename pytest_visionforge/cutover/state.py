"""Is a database as it was? Every table and the schema against the baseline of the last premigration run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pytest_visionforge import compare, record
from pytest_visionforge.compare import Baseline
from pytest_visionforge.database import Database
from pytest_visionforge.errors import VisionForgeError
from pytest_visionforge.plan.values.changes import Changes
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.progress import Progress

BASELINE = "baseline.jsonl.zst"
SECONDS = 6 * 3600.0  # per statement: a whole table is read


@dataclass(frozen=True, slots=True)
class State:
    """What the source is against its baseline.

    `touched` has a sentence for each table that is not as it was, `schema` for each other object.
    `unknown` says why it could not be found out ("" where it could).
    """

    touched: tuple[str, ...] = ()
    schema: tuple[str, ...] = ()
    unknown: str = ""

    @property
    def as_before(self) -> bool:
        """Every row and every object is as it was."""
        return not (self.touched or self.schema or self.unknown)

    def __str__(self) -> str:
        if self.unknown:
            return f"whether the database is as before is not known: {self.unknown}"
        if self.as_before:
            return "the database is as before"
        said = (*self.touched, *self.schema)
        more = f"; and {len(said) - 10} more" if len(said) > 10 else ""
        return f"the database is not as before: {'; '.join(said[:10])}{more}"


def state_of(plan: Plan) -> State:
    """Reads the whole source, and says how far it is; nobody else should write meanwhile."""
    try:
        baseline = _baseline(plan)
        if baseline is None:
            return State(unknown="there is no premigration run with a baseline")
        with (
            Database("source", plan.source.url, shown=plan.source.shown, seconds=SECONDS) as database,
            Progress(sys.stderr) as tell,
        ):
            return _against(baseline, database, tell)
    except VisionForgeError as error:
        return State(unknown=str(error))


def _baseline(plan: Plan) -> Baseline | None:
    path = baseline_path(plan)
    return compare.read(path) if path else None


def baseline_path(plan: Plan) -> Path | None:
    """The baseline of the newest premigration record of the plan; None where there is none."""
    before = record.newest(plan.record.directory, phase="premigration", plan=plan.name)
    path = plan.record.directory / before.id / BASELINE if before else None
    return path if path and path.is_file() else None


def _against(baseline: Baseline, database: Database, progress: Callable[[str], None]) -> State:
    excluded = {id for id, table in baseline.tables.items() if table.whole is None}
    before = {id: table.whole for id, table in baseline.tables.items() if table.whole}
    known = set(before)
    schema = database.schema  # a session of its own: the snapshot takes all there are
    with database.snapshot(seconds=SECONDS) as snapshot:
        now = compare.identity_digests(snapshot, schema, excluded, progress, like=before)
    touched = []
    for sentence in compare.unequal(before, now):
        name = sentence.partition(" is only in the ")[0]
        told = sentence
        if name != sentence:
            told = f"{name} is gone" if name in known else f"{name} is new"
        touched.append(told)
    differences = compare.differences(
        baseline.schema, database.schema, Changes(), baseline.dialect, database.dialect
    )
    return State(tuple(touched), tuple(dict.fromkeys(str(each) for each in differences)))
