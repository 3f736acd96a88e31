"""The baseline: facts of a database at one moment, by which every row is compared afterwards."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_visionforge import dialects
from pytest_visionforge.compare import lines
from pytest_visionforge.compare.projection import Projection, identity, of_table, tables_compared
from pytest_visionforge.compare.segments import Progress, TableDigests, digests
from pytest_visionforge.database import Identity, Schema, Sequence, Session, Table, verbatim
from pytest_visionforge.dialects import Dialect
from pytest_visionforge.errors import DatabaseError, RecordError
from pytest_visionforge.plan.values import Plan

FORMAT = "visionforge baseline"
VERSION = 1


@dataclass(frozen=True, slots=True)
class TableBaseline:
    """One table as it was.

    `whole` holds the digests of all its columns, `projected` those of what the plan compares, as
    `projection` says. All three are None where the table was counted only; `excluded` is the
    plan's reason ("" where the plan has none: it drops the table, so only `whole` is there).
    """

    rows: int
    excluded: str = ""
    whole: TableDigests | None = None
    projection: Projection | None = None
    projected: TableDigests | None = None

    def as_json(self) -> dict[str, Any]:
        """The table's facts as plain values for `json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableBaseline:
        """The facts that `as_json` gave."""
        found = {name: data[name] and TableDigests.from_json(data[name]) for name in ("whole", "projected")}
        projection = data["projection"] and Projection.from_json(data["projection"])
        return cls(data["rows"], data["excluded"], found["whole"], projection, found["projected"])


@dataclass(frozen=True, slots=True)
class Baseline:
    """A database as it was at `taken` (UTC, by its server's clock); tables by their ids then."""

    path: Path
    taken: datetime
    identity: Identity
    dbms: str
    plan_name: str
    plan_sha256: str
    schema: Schema
    tables: Mapping[str, TableBaseline]

    @property
    def sequences(self) -> Mapping[str, Sequence]:
        """The sequences, with the number that each would have given next."""
        return self.schema.sequences

    @property
    def dialect(self) -> Dialect:
        """The dialect of the database that it was taken from."""
        return dialects.named(self.dbms)


def take(
    session: Session,
    plan: Plan,
    schema: Schema,
    path: Path,
    progress: Callable[[str], None] | None = None,
) -> Baseline:
    """Writes the baseline of the session's database to `path`, and returns it.

    All of it is of the session's one snapshot. Statements over a whole table run in it: give it a
    time limit of hours. An unfinished baseline leaves nothing behind.
    """
    head = _head(session, plan)
    tables: dict[str, TableBaseline] = {}
    with lines.written(path) as write:
        write(head)
        write({"schema": schema.as_json()})
        for id, table in schema.tables.items():
            with _naming(id):
                tables[id] = _take_table(session, plan, schema, table, _under(progress, id))
            write({"table": id, **tables[id].as_json()})
    return _baseline(path, head, schema, tables)


@contextmanager
def _naming(table: str) -> Iterator[None]:
    """Says of an error which table it is about."""
    try:
        yield
    except DatabaseError as error:
        raise type(error)(f"{table}: {error}") from None


def _head(session: Session, plan: Plan) -> dict[str, Any]:
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
    }


def _take_table(
    session: Session, plan: Plan, schema: Schema, table: Table, progress: Progress | None
) -> TableBaseline:
    if progress:
        progress("rows")
    excluded = _excluded(plan, table.id)
    if excluded:
        name = session.dialect.language.quote_table(table.schema, table.name)
        return TableBaseline(int(session.value(f"SELECT count(*) FROM {name}")), excluded)
    whole = _digests(session, identity(table, session.dialect), table, progress)
    if table.id not in tables_compared(schema, plan.changes):
        return TableBaseline(whole.rows, whole=whole)
    projection = of_table(plan, table, session.dialect, _target(plan, session), None, typed(session))
    if _is_counted_only(plan, projection):
        return TableBaseline(whole.rows, whole=whole, projection=projection)
    if projection.fingerprint == whole.fingerprint:
        return TableBaseline(whole.rows, whole=whole, projection=projection, projected=whole)
    projected = _digests(session, projection, table, progress)
    return TableBaseline(whole.rows, whole=whole, projection=projection, projected=projected)


def _excluded(plan: Plan, table: str) -> str:
    known = plan.tables.get(plan.changes.after(table) or table) or plan.tables.get(table)
    return known.exclude if known else ""


def _is_counted_only(plan: Plan, projection: Projection) -> bool:
    return plan.changes.of(projection.table_after).rows == "any" or not projection.columns


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
    session: Session, projection: Projection, table: Table, progress: Progress | None
) -> TableDigests:
    reading = projection.side_before(session.dialect, table)
    return digests(session, reading, projection.fingerprint, progress=progress)


def _under(progress: Progress | None, table: str) -> Progress | None:
    return progress and (lambda words: progress(f"{table}: {words}"))


def _baseline(
    path: Path, head: Mapping[str, Any], schema: Schema, tables: Mapping[str, TableBaseline]
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
    tables = {value["table"]: TableBaseline.from_json(value) for value in values}
    return _baseline(path, head, schema, tables)


def identity_digests(
    session: Session, schema: Schema, exclude: Collection[str] = (), progress: Progress | None = None
) -> dict[str, TableDigests]:
    """The digests of every column of every table but those of `exclude`, by table id."""
    found = {}
    for id, table in schema.tables.items():
        if id not in exclude:
            with _naming(id):
                projection = identity(table, session.dialect)
                found[id] = _digests(session, projection, table, _under(progress, id))
    return found


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
