"""PostgreSQL's catalogue: a handful of queries over all of it, put together here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import URL

from pytest_visionforge.database.facts import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Key,
    Schema,
    Sequence,
    Table,
    Trigger,
    View,
)
from pytest_visionforge.database.hidden import Hidden
from pytest_visionforge.database.names import object_id
from pytest_visionforge.database.session import AnyRow, Session
from pytest_visionforge.dialects.postgresql import definitions, queries
from pytest_visionforge.dialects.postgresql.amcheck import damage
from pytest_visionforge.dialects.postgresql.capacity import capacity
from pytest_visionforge.dialects.postgresql.definitions import DEFAULT_SCHEMA
from pytest_visionforge.dialects.postgresql.definitions import schema_of as _schema
from pytest_visionforge.dialects.postgresql.language import quote_table

__all__ = ["capacity", "damage", "data_directories", "database_size", "read_schema", "unreadable"]

COMMENTS = True
CHECKS_HOLD = True
BATCH = 200  # sequences that are read by one statement
_KINDS = {"r": "table", "p": "partitioned", "f": "foreign"}
_VARIANTS = {"": "", "a": "always", "d": "by default", "s": "stored", "v": "virtual"}
_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


@dataclass(frozen=True, slots=True)
class _Facts:
    """The rows of the catalogue by the oid of their relation."""

    columns: Mapping[int, list[AnyRow]]
    constraints: Mapping[int, list[AnyRow]]
    indexes: Mapping[int, list[AnyRow]]
    triggers: Mapping[int, list[AnyRow]]
    views: Mapping[int, list[AnyRow]]
    partitions: Mapping[int, list[AnyRow]]
    policies: Mapping[int, list[AnyRow]]


def read_schema(session: Session) -> Schema:
    """The objects of all schemas that are not the system's; those of `public` without a schema's name.

    Texts (types, defaults, definitions) come as they are printed with only `public` on the search
    path, whatever the role's own is, so that two databases can be compared.
    """
    with _search_path(session, DEFAULT_SCHEMA):
        relations = session.all(queries.RELATIONS)
        facts = _Facts(
            columns=session.grouped(queries.COLUMNS),
            constraints=session.grouped(queries.CONSTRAINTS),
            indexes=session.grouped(queries.INDEXES),
            triggers=session.grouped(queries.TRIGGERS),
            views=session.grouped(queries.VIEWS),
            partitions=session.grouped(queries.PARTITIONS),
            policies=session.grouped(queries.POLICIES),
        )
        sequences = session.all(queries.SEQUENCES)
        owned = ((f"{_kind(row)} {_id(row)}", row) for row in relations)
        others = definitions.read(session, (*owned, *_free_sequences(sequences)))
    return _made(session, relations, facts, sequences, others)


def _made(
    session: Session, relations: list[AnyRow], facts: _Facts, numbers: list[AnyRow], others: dict[str, Any]
) -> Schema:
    tables = [_table(row, facts) for row in relations if row.relkind in _KINDS]
    views = [_view(row, facts) for row in relations if row.relkind not in _KINDS]
    sequences = _sequences(session, numbers)
    return Schema(
        tables={table.id: table for table in sorted(tables, key=lambda table: table.id)},
        views={view.id: view for view in sorted(views, key=lambda view: view.id)},
        sequences={sequence.id: sequence for sequence in sorted(sequences, key=lambda each: each.id)},
        hidden=tuple(_hidden(relations)),
        **others,
    )


def _kind(row: AnyRow) -> str:
    return "table" if row.relkind in _KINDS else "view"


def _free_sequences(rows: Iterable[AnyRow]) -> Iterator[tuple[str, AnyRow]]:
    """Those that feed no column: the others belong to whom their table belongs to."""
    return ((f"sequence {_id(row)}", row) for row in rows if not row.owner_column)


@contextmanager
def _search_path(session: Session, path: str) -> Iterator[None]:
    """Another search path for a while."""
    before = session.value("SELECT current_setting('search_path')")
    session.value("SELECT set_config('search_path', :path, true)", path=path)
    yield
    session.value("SELECT set_config('search_path', :path, true)", path=before)


def _id(row: AnyRow) -> str:
    return object_id(_schema(row.nspname), row.relname)


def _table(row: AnyRow, facts: _Facts) -> Table:
    constraints = facts.constraints[row.oid]
    primary = [Key(key.conname, tuple(key.columns)) for key in constraints if key.contype == "p"]
    return Table(
        name=row.relname,
        schema=_schema(row.nspname),
        columns=tuple(_column(column) for column in facts.columns[row.oid]),
        primary_key=primary[0] if primary else None,
        unique_keys=tuple(Key(key.conname, tuple(key.columns)) for key in constraints if key.contype == "u"),
        foreign_keys=tuple(_foreign_key(key) for key in constraints if key.contype == "f"),
        checks=tuple(
            CheckConstraint(check.conname, check.expression, check.convalidated)
            for check in constraints
            if check.contype in "cx"
        ),
        indexes=tuple(_index(index) for index in facts.indexes[row.oid]),
        triggers=_triggers(row, facts),
        kind=_KINDS[row.relkind],
        comment=row.comment or "",
        partitions=tuple(definitions.partition(partition) for partition in facts.partitions[row.oid]),
        policies=tuple(definitions.policy(policy) for policy in facts.policies[row.oid]),
        options=definitions.options(row),
    )


def _column(row: AnyRow) -> Column:
    return Column(
        name=row.attname,
        type=row.type,
        nullable=not row.attnotnull,
        default=None if row.attgenerated else row.expression,
        generated=row.expression if row.attgenerated else None,
        identity=bool(row.attidentity),
        collation=row.collation,
        comment=row.comment or "",
        variant=_VARIANTS[row.attidentity or row.attgenerated],
    )


def _foreign_key(row: AnyRow) -> ForeignKey:
    return ForeignKey(
        name=row.conname,
        columns=tuple(row.columns),
        parent=object_id(_schema(row.parent_schema), row.parent),
        parent_columns=tuple(row.parent_columns),
        on_delete=_ACTIONS[row.confdeltype],
        on_update=_ACTIONS[row.confupdtype],
        validated=row.convalidated,
    )


def _index(row: AnyRow) -> Index:
    options = tuple(option or "" for option in row.options[: row.indnkeyatts])
    return Index(
        name=row.relname,
        columns=tuple(row.columns[: row.indnkeyatts]),
        unique=row.indisunique,
        where=row.condition or "",
        valid=row.valid,
        method=row.amname,
        options=options if any(options) else (),
        include=tuple(row.columns[row.indnkeyatts :]),
    )


def _triggers(row: AnyRow, facts: _Facts) -> tuple[Trigger, ...]:
    return tuple(Trigger(found.tgname, found.definition, found.enabled) for found in facts.triggers[row.oid])


def _view(row: AnyRow, facts: _Facts) -> View:
    return View(
        name=row.relname,
        definition=facts.views[row.oid][0].definition or "",
        schema=_schema(row.nspname),
        materialized=row.relkind == "m",
        triggers=_triggers(row, facts),
        columns=tuple(facts.views[row.oid][0].columns),
        options=definitions.options(row) | ({"comment": row.comment} if row.comment else {}),
    )


def _sequences(session: Session, rows: list[AnyRow]) -> list[Sequence]:
    next_numbers = _next_numbers(session, [row for row in rows if row.readable])
    return [
        Sequence(
            name=row.relname,
            next=next_numbers.get(row.oid),
            increment=row.seqincrement,
            owner=_fed(row) if row.owner_column else None,
            schema=_schema(row.nspname),
        )
        for row in rows
    ]


def _fed(row: AnyRow) -> tuple[str, str]:
    return object_id(_schema(row.owner_schema), row.owner_table), row.owner_column


def _next_numbers(session: Session, sequences: list[AnyRow]) -> dict[int, int]:
    """What each sequence gives next, from its own row: the view pg_sequences hides a `setval(.., false)`."""
    found: dict[int, int] = {}
    for start in range(0, len(sequences), BATCH):
        one = (
            f"SELECT {row.oid} AS oid, last_value + CASE WHEN is_called THEN {row.seqincrement} ELSE 0 END"
            f" FROM {quote_table(row.nspname, row.relname)}"
            for row in sequences[start : start + BATCH]
        )
        found.update(tuple(row) for row in session.all(" UNION ALL ".join(one)))
    return found


def _hidden(relations: Iterable[AnyRow]) -> Iterator[Hidden]:
    for row in relations:
        if not row.readable:
            yield Hidden("its rows", "SELECT", _id(row))
        elif row.row_security:
            yield Hidden("all of its rows", because=f"row security is active on {_id(row)}")


def unreadable(session: Session) -> tuple[str, ...]:
    """Tables and views without SELECT, and those whose row security holds for the role."""
    rows = session.all(queries.RELATIONS)
    return tuple(sorted(_id(row) for row in rows if not row.readable or row.row_security))


def database_size(session: Session, url: URL) -> int:
    """What the database takes in all tablespaces, without the log."""
    return int(session.value("SELECT pg_database_size(current_database())"))


def table_sizes(session: Session) -> dict[tuple[str | None, str], int]:
    """Each table with its indexes and its toast; of a partitioned one, what its partitions take."""
    rows = session.all(
        "SELECT n.nspname, c.relname, coalesce(sum(pg_total_relation_size(p.relid)), 0) FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " LEFT JOIN LATERAL (SELECT c.oid AS relid WHERE c.relkind = 'r'"
        " UNION ALL SELECT t.relid FROM pg_partition_tree(c.oid) t WHERE c.relkind = 'p') p ON true"
        " WHERE c.relkind IN ('r', 'p') GROUP BY 1, 2"
    )
    return {(None if schema == DEFAULT_SCHEMA else schema, name): int(size) for schema, name, size in rows}


def data_directories(session: Session, url: URL) -> tuple[str, ...]:
    """The data directory and tablespaces, where the server is a process of this machine and tells them."""
    if not _is_process(int(session.value("SELECT pg_backend_pid()"))):
        return ()
    paths = (str(row[0]) for row in session.all(queries.DIRECTORIES) if row[0])
    return tuple(path for path in sorted(paths) if Path(path).is_dir())


def _is_process(pid: int) -> bool:
    try:
        return "postgres" in psutil.Process(pid).name()
    except psutil.Error:
        return False
