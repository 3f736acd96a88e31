"""The baseline: facts of a database at one moment, by which every row is compared afterwards."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_visionforge import dialects
from pytest_visionforge.compare import lines
from pytest_visionforge.compare.digests import digests
from pytest_visionforge.compare.pace import Pace, Progress
from pytest_visionforge.compare.projection import (
    Projection,
    change_of,
    identity,
    of_table,
    tables_compared,
)
from pytest_visionforge.compare.segments import TableDigests
from pytest_visionforge.compare.statistics import Statistics, statistics
from pytest_visionforge.compare.unfinished import Unfinished
from pytest_visionforge.database import (
    Identity,
    Schema,
    Sequence,
    Session,
    Snapshot,
    Table,
    as_table,
    sharing,
    verbatim,
)
from pytest_visionforge.dialects import Dialect
from pytest_visionforge.errors import DatabaseError, RecordError
from pytest_visionforge.plan.values.changes import TableChange
from pytest_visionforge.plan.values.plan import Plan

FORMAT = "visionforge baseline"
VERSION = 5


@dataclass(frozen=True, slots=True)
class TableBaseline:
    """One table as it was.

    `whole` holds the digests of all its columns, `projected` those of what the plan compares, as
    `projection` says. All three are None where the table was counted only; `excluded` is the
    plan's reason ("" where the plan has none: it drops the table, so only `whole` is there). `columns`
    are the statistics of each column, by its name.
    """

    rows: int
    excluded: str = ""
    whole: TableDigests | None = None
    projection: Projection | None = None
    projected: TableDigests | None = None
    columns: Mapping[str, Statistics] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The table's facts as plain values for `json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableBaseline:
        """The facts that `as_json` gave."""
        found = {name: data[name] and TableDigests.from_json(data[name]) for name in ("whole", "projected")}
        projection = data["projection"] and Projection.from_json(data["projection"])
        columns = {name: Statistics(**each) for name, each in data["columns"].items()}
        return cls(data["rows"], data["excluded"], found["whole"], projection, found["projected"], columns)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A database as it was at `taken` (UTC, by its server's clock); tables by their ids then.

    `splits` are what the plan's split tables take of others, by their ids afterwards. `views` are the
    views that the plan wants compared; they are among `tables`, too. `resumed` counts the rows whose
    digests an interrupted run had taken of the same state.
    """

    path: Path
    taken: datetime
    identity: Identity
    dbms: str
    plan_name: str
    plan_sha256: str
    schema: Schema
    tables: Mapping[str, TableBaseline]
    splits: Mapping[str, TableBaseline] = field(default_factory=dict)
    views: Mapping[str, Table] = field(default_factory=dict)
    resumed: int = 0

    def of(self, change: TableChange) -> TableBaseline | None:
        """What was taken of a table, by what is declared for it; None where it is not known."""
        if change.split_from:
            return self.splits.get(change.name)
        return self.tables.get(change.before)

    def table(self, id: str) -> Table | None:
        """The facts of a table or view."""
        return self.schema.tables.get(id) or self.views.get(id)

    @property
    def sequences(self) -> Mapping[str, Sequence]:
        """The sequences, with the number that each would have given next."""
        return self.schema.sequences

    @property
    def dialect(self) -> Dialect:
        """The dialect of the database that it was taken from."""
        return dialects.named(self.dbms)


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
            with _naming(id):
                tables[id] = _take_table(snapshot, plan, schema, table, pace, kept)
            write({"table": id, **tables[id].as_json()})
        for change in plan.changes.tables.values():
            if change.split_from in schema.tables:
                with _naming(change.name):
                    table = schema.tables[change.split_from]
                    splits[change.name] = _projected(snapshot, plan, change, table, pace, kept)
                write({"split": change.name, **splits[change.name].as_json()})
    return _baseline(path, head, schema, tables, splits, views)


def is_compared(plan: Plan, view: str) -> bool:
    """Does the plan want a view compared, as a table is? Then it names the columns of its key."""
    known = plan.tables.get(view)
    return bool(known and known.key)


@contextmanager
def _naming(table: str) -> Iterator[None]:
    """Says of an error which table it is about."""
    try:
        yield
    except DatabaseError as error:
        raise type(error)(f"{table}: {error}") from None


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
    excluded = _excluded(plan, table.id)
    if excluded:
        return TableBaseline(_count(session, table), excluded)
    if table.id not in schema.tables:
        return _projected(snapshot, plan, change_of(plan, table.id), table, pace, kept)
    whole = _digests(snapshot, identity(table, session.dialect), table, pace, kept)
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
        rows = whole.rows if whole else _count(session, table)
        return TableBaseline(rows, whole=whole, projection=projection)
    if whole and projection.fingerprint == whole.fingerprint:
        return TableBaseline(whole.rows, whole=whole, projection=projection, projected=whole)
    projected = _digests(snapshot, projection, table, pace, kept)
    rows = whole.rows if whole else projected.rows
    return TableBaseline(rows, whole=whole, projection=projection, projected=projected)


def _count(session: Session, table: Table) -> int:
    name = session.dialect.language.quote_table(table.schema, table.name)
    return int(session.value(f"SELECT count(*) FROM {name}"))


def _excluded(plan: Plan, table: str) -> str:
    known = plan.tables.get(plan.changes.after(table) or table) or plan.tables.get(table)
    return known.exclude if known else ""


def _target(plan: Plan, session: Session) -> Dialect:
    return session.dialect if plan.in_place else dialects.of(dialects.parse_url(plan.target.url))


def typed(session: Session) -> Callable[[Table, str], str]:
    """Tells the type of an expression over a table, by asking the database."""
    dialect = session.dialect

    def type_of(table: Table, expression: str) -> str:
        name = dialect.language.quote_table(table.schema, table.name)
        return dialect.canonical.type_of(session, name, f"({verbatim(expression)})")

    return type_of


def _digests(
    snapshot: Snapshot,
    projection: Projection,
    table: Table,
    pace: Pace,
    kept: Unfinished | None = None,
    like: TableDigests | None = None,
) -> TableDigests:
    reading = projection.side_before(snapshot.dialect, table)
    fingerprint = projection.fingerprint
    return digests(snapshot, reading, fingerprint, table=table.id, like=like, pace=pace, unfinished=kept)


def _baseline(
    path: Path,
    head: Mapping[str, Any],
    schema: Schema,
    tables: Mapping[str, TableBaseline],
    splits: Mapping[str, TableBaseline],
    views: Mapping[str, Table],
) -> Baseline:
    return Baseline(
        path=path,
        taken=datetime.fromisoformat(head["taken"]),
        identity=Identity(**head["identity"]),
        dbms=head["dbms"],
        plan_name=head["plan"]["name"],
        plan_sha256=head["plan"]["sha256"],
        schema=schema,
        tables=tables,
        splits=splits,
        views=views,
        resumed=head["resumed"],
    )


def read(path: Path) -> Baseline:
    """The baseline that `take` wrote; RecordError where the file is missing, cut, altered or not one."""
    values = lines.read(path)
    try:
        return _read(path, values)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise RecordError(f"{path} is no baseline that this version can read: {error!r}") from None


def _read(path: Path, values: Iterator[Any]) -> Baseline:
    head = next(values)
    if head["format"] != FORMAT or head["version"] != VERSION:
        raise ValueError(f"{head['format']} {head['version']}, where {FORMAT} {VERSION} was expected")
    schema = Schema.from_json(next(values)["schema"])
    views = Schema.from_json(next(values)["views"]).tables
    found: dict[str, dict[str, TableBaseline]] = {"table": {}, "split": {}}
    for value in values:
        kind = "split" if "split" in value else "table"
        found[kind][value[kind]] = TableBaseline.from_json(value)
    return _baseline(path, head, schema, found["table"], found["split"], views)


def identity_digests(
    source: Snapshot | Session,
    schema: Schema,
    exclude: Collection[str] = (),
    progress: Progress | None = None,
    like: Mapping[str, TableDigests] | None = None,
) -> dict[str, TableDigests]:
    """The digests of every column of every table but those of `exclude`, by table id.

    Segments are those of `like`, where it has digests of the same columns, types and key.
    """
    pace, found = Pace(progress=progress), {}
    with sharing(source) as snapshot:
        for id, table in schema.tables.items():
            if id not in exclude:
                with _naming(id):
                    found[id] = _identical(snapshot, table, pace, (like or {}).get(id))
    return found


def _identical(snapshot: Snapshot, table: Table, pace: Pace, like: TableDigests | None) -> TableDigests:
    projection = identity(table, snapshot.dialect)
    usable = like is not None and like.fingerprint == projection.fingerprint
    return _digests(snapshot, projection, table, pace, like=like if usable else None)


def unequal(before: Mapping[str, TableDigests], after: Mapping[str, TableDigests]) -> tuple[str, ...]:
    """A sentence for each table that is not the same on both sides; () where all are."""
    found = (_unequal(id, before.get(id), after.get(id)) for id in dict.fromkeys((*before, *after)))
    return tuple(sentence for sentence in found if sentence)


def _unequal(id: str, before: TableDigests | None, after: TableDigests | None) -> str:
    if before is None or after is None:
        return f"{id} is only in the {'second' if before is None else 'first'}"
    if before.fingerprint != after.fingerprint:
        return f"{id} does not have the same columns, types or key"
    differing = before.differing(after)
    if not differing:
        return ""
    return (
        f"{id}: {before.rows:,} rows, then {after.rows:,}; {len(differing)} segments differ,"
        f" the first is {differing[0]}"
    )
