"""The catalogue of MariaDB and MySQL: information_schema, put together here."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

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
from pytest_visionforge.database.hidden import RELATIONS, Hidden
from pytest_visionforge.database.names import object_id, split_id
from pytest_visionforge.database.session import AnyRow, Session
from pytest_visionforge.dialects.mysql import definitions, queries
from pytest_visionforge.dialects.mysql.capacity import capacity
from pytest_visionforge.dialects.mysql.language import quote
from pytest_visionforge.dialects.mysql.session import product

__all__ = [
    "capacity",
    "damage",
    "data_directories",
    "database_size",
    "read_schema",
    "table_sizes",
    "unreadable",
]

COMMENTS = True
CHECKS_HOLD = False
#: The rights that a role must hold on the whole database, and what each shows.
_SHOWN_BY = {
    "SELECT": RELATIONS,
    "TRIGGER": "all triggers",
    "SHOW VIEW": "all foreign keys and definitions of views",
}
_TABLE_TYPES = ("BASE TABLE", "SYSTEM VERSIONED")
_TEXT_TYPES = re.compile(r"(var)?(char|binary)|\w*(text|blob)|enum|set|date|time|year|bit|json|inet|uuid")
_NEXTVAL = re.compile(r"nextval\((?:`(?:[^`]|``)+`\.)?`((?:[^`]|``)+)`\)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Facts:
    """The rows of the catalogue by table, and what they were read from."""

    here: str
    is_mariadb: bool
    tables: list[AnyRow]
    columns: Mapping[str, list[AnyRow]]
    indexes: Mapping[str, list[AnyRow]]
    foreign_keys: Mapping[str, list[AnyRow]]
    checks: Mapping[str, list[AnyRow]]
    triggers: Mapping[str, list[AnyRow]]
    partitions: Mapping[str, list[AnyRow]]


def read_schema(session: Session) -> Schema:
    """The objects of the connected database; others on the server are not looked at."""
    facts = _read(session)
    tables = [_table(row, facts) for row in facts.tables if row.type in _TABLE_TYPES]
    listed = session.all(queries.VIEWS, here=facts.here)
    views = [_view(row, facts) for row in listed]
    others = definitions.read(
        session, facts.here, [view.name for view in views], lambda sql: _here_less(sql, facts)
    )
    triggers = (row for rows in facts.triggers.values() for row in rows)
    others["owners"] = dict(sorted((others["owners"] | definitions.definers(listed, triggers)).items()))
    sequences = [*_auto_increments(session, facts, tables), *_sequences(session, facts, tables)]
    return Schema(
        tables={table.id: table for table in sorted(tables, key=lambda table: table.id)},
        views={view.id: view for view in sorted(views, key=lambda view: view.id)},
        sequences={sequence.id: sequence for sequence in sorted(sequences, key=lambda each: each.id)},
        hidden=tuple(_hidden(session, facts.here)),
        **others,
    )


def _read(session: Session) -> _Facts:
    here = str(session.value("SELECT DATABASE()"))
    is_mariadb = product(session) == "MariaDB"
    flavour = {
        "expression": "NULL" if is_mariadb else "expression",
        "visible": "ignored = 'NO'" if is_mariadb else "is_visible = 'YES'",
    }
    checks = queries.CHECKS_OF_MARIADB if is_mariadb else queries.CHECKS_OF_MYSQL
    return _Facts(
        here=here,
        is_mariadb=is_mariadb,
        tables=session.all(queries.TABLES, here=here),
        columns=session.grouped(queries.COLUMNS, here=here),
        indexes=session.grouped(queries.INDEXES.format(**flavour), here=here),
        foreign_keys=session.grouped(queries.FOREIGN_KEYS, here=here),
        checks=session.grouped(checks, here=here),
        triggers=session.grouped(queries.TRIGGERS, here=here),
        partitions=session.grouped(queries.PARTITIONS, here=here),
    )


def _view(row: AnyRow, facts: _Facts) -> View:
    checked = {"check option": row.check_option} if row.check_option != "NONE" else {}
    return View(
        row.name,
        _here_less(row.definition or "", facts),
        columns=tuple(column.name for column in facts.columns[row.name]),
        options={"sql security": row.security, **checked},
    )


def _here_less(sql: str, facts: _Facts) -> str:
    """SQL without the connected database's own name, which the server writes before each table."""
    return sql.replace(f"`{facts.here.replace('`', '``')}`.", "")


def _table(row: AnyRow, facts: _Facts) -> Table:
    indexes = _by_name(facts.indexes[row.name])
    primary = indexes.pop("PRIMARY", None)
    keys = {name: rows for name, rows in indexes.items() if _is_key(rows)}
    return Table(
        name=row.name,
        columns=tuple(_column(column, facts) for column in facts.columns[row.name]),
        primary_key=Key("PRIMARY", tuple(part.column_name for part in primary)) if primary else None,
        unique_keys=tuple(Key(name, tuple(part.column_name for part in rows)) for name, rows in keys.items()),
        foreign_keys=tuple(
            _foreign_key(rows, facts) for rows in _by_name(facts.foreign_keys[row.name]).values()
        ),
        checks=tuple(
            CheckConstraint(check.name, _here_less(check.expression, facts), bool(check.enforced))
            for check in facts.checks[row.name]
        ),
        indexes=tuple(_index(rows) for name, rows in indexes.items() if name not in keys),
        triggers=tuple(_trigger(trigger, facts) for trigger in facts.triggers[row.name]),
        kind="partitioned" if "partitioned" in (row.options or "") else "table",
        comment=row.comment or "",
        partitions=definitions.partitions(facts.partitions[row.name]),
        options=_options(row, facts),
    )


def _options(row: AnyRow, facts: _Facts) -> dict[str, str]:
    versioned = {"system versioning": "on"} if row.type == "SYSTEM VERSIONED" else {}
    return {
        "engine": row.engine,
        "collation": row.collation,
        **versioned,
        **definitions.partitioned_by(facts.partitions[row.name]),
    }


def _by_name(rows: list[AnyRow]) -> dict[str, list[AnyRow]]:
    """The rows of keys or indexes, one by one."""
    groups: dict[str, list[AnyRow]] = {}
    for row in rows:
        groups.setdefault(row.name, []).append(row)
    return groups


def _is_key(rows: list[AnyRow]) -> bool:
    """Is a unique index one over whole columns? Then it is what others call a unique constraint."""
    return all(not row.non_unique and row.sub_part is None and row.column_name for row in rows)


def _column(row: AnyRow, facts: _Facts) -> Column:
    generated = "GENERATED" in row.extra.replace("DEFAULT_GENERATED", "")
    return Column(
        name=row.name,
        type=row.type,
        nullable=bool(row.nullable),
        default=None if generated else _default(row, facts),
        generated=_here_less(row.expression or "", facts) if generated else None,
        identity="auto_increment" in row.extra,
        collation=row.collation,
        comment=row.comment or "",
        variant=_variant(row.extra),
    )


def _variant(extra: str) -> str:
    found = re.search(r"(stored|persistent|virtual) generated", extra, re.IGNORECASE)
    words = [found[1].lower().replace("persistent", "stored")] if found else []
    return " ".join([*words, "invisible"] if "INVISIBLE" in extra else words)


def _default(row: AnyRow, facts: _Facts) -> str | None:
    """The default as SQL, with what an update sets."""
    value = row.value if facts.is_mariadb else _quoted(row)
    update = re.search(r"on update \S+", row.extra, re.IGNORECASE)
    if update:
        return f"{value or 'NULL'} {update.group()}"
    return None if value in (None, "NULL") else _here_less(value, facts)


def _quoted(row: AnyRow) -> str | None:
    """MySQL's default as SQL: it prints the literals of texts and times without their quotes."""
    value: str | None = row.value
    is_expression = "DEFAULT_GENERATED" in row.extra or (value or "").upper().startswith("CURRENT_TIMESTAMP")
    if value is None or is_expression or not _TEXT_TYPES.match(row.type):
        return value
    return "'" + value.replace("'", "''") + "'"


def _foreign_key(rows: list[AnyRow], facts: _Facts) -> ForeignKey:
    first = rows[0]
    schema = None if first.parent_schema == facts.here else first.parent_schema
    return ForeignKey(
        name=first.name,
        columns=tuple(row.column_name for row in rows),
        parent=object_id(schema, first.parent),
        parent_columns=tuple(row.parent_column for row in rows),
        on_delete=_action(first.delete_rule),
        on_update=_action(first.update_rule),
    )


def _action(rule: str) -> str:
    """RESTRICT and NO ACTION are one thing here, and MariaDB prints the one where MySQL prints the other."""
    return "NO ACTION" if rule == "RESTRICT" else rule


def _index(rows: list[AnyRow]) -> Index:
    first = rows[0]
    options = tuple(
        " ".join(
            part
            for part in (f"({row.sub_part})" if row.sub_part else "", "DESC" if row.collation == "D" else "")
            if part
        )
        for row in rows
    )
    return Index(
        name=first.name,
        columns=tuple(row.column_name or f"({row.expression})" for row in rows),
        unique=not first.non_unique,
        valid=bool(first.visible) and "disabled" not in (first.comment or ""),
        method=first.type.lower(),
        options=options if any(options) else (),
    )


def _trigger(row: AnyRow, facts: _Facts) -> Trigger:
    head = f"CREATE TRIGGER `{row.name}` {row.timing} {row.event} ON `{row[0]}` FOR EACH ROW "
    return Trigger(row.name, head + row.statement)


def _auto_increments(session: Session, facts: _Facts, tables: list[Table]) -> Iterator[Sequence]:
    """The tables with an AUTO_INCREMENT column."""
    step = int(session.value("SELECT @@auto_increment_increment"))
    next_numbers = {row.name: row.next for row in facts.tables}
    for table in tables:
        for column in table.columns:
            if column.identity:
                number = next_numbers[table.name]
                number = None if number is None else int(number)
                yield Sequence(table.name, number, step, owner=(table.id, column.name))


def _sequences(session: Session, facts: _Facts, tables: list[Table]) -> Iterator[Sequence]:
    """MariaDB's own sequences.

    With a cache `next` is the first number beyond it: what is given after a restart, and what a
    dump writes down.
    """
    owners: dict[str, tuple[str, str]] = {}
    for table in tables:
        for column in table.columns:
            fed = _NEXTVAL.search(column.default or "")
            if fed:
                owners.setdefault(fed.group(1).replace("``", "`"), (table.id, column.name))
    for row in facts.tables:
        if row.type == "SEQUENCE":
            found = session.row(f"SELECT next_not_cached_value, increment FROM {quote(row.name)}")
            yield Sequence(row.name, int(found[0]), int(found[1]) or 1, owner=owners.get(row.name))


def _hidden(session: Session, here: str) -> Iterator[Hidden]:
    """What the role has no right on is absent from information_schema, without a word."""
    wide = _wide_privileges(session, here)
    for right, what in _SHOWN_BY.items():
        if right not in wide:
            yield Hidden(what, right, f"`{here.replace('`', '``')}`.*")


def _wide_privileges(session: Session, here: str) -> set[str]:
    return {str(row[0]).upper() for row in session.all(queries.WIDE_PRIVILEGES, here=here)}


def unreadable(session: Session) -> tuple[str, ...]:
    """Tables and views that are listed but not to be SELECTed from; what is not listed, nobody can tell."""
    here = str(session.value("SELECT DATABASE()"))
    if "SELECT" in _wide_privileges(session, here):
        return ()
    rights = session.grouped(queries.TABLE_PRIVILEGES, here=here)
    names = (row.name for row in session.all(queries.TABLES, here=here))
    return tuple(
        object_id(None, name) for name in names if all(right[1] != "SELECT" for right in rights[name])
    )


def database_size(session: Session, url: URL) -> int:
    """Data and indexes by the server's statistics, which lag some seconds behind large changes."""
    size = session.value(
        "SELECT sum(data_length + index_length) FROM information_schema.tables"
        " WHERE table_schema = DATABASE()"
    )
    return int(size or 0)


def table_sizes(session: Session) -> dict[tuple[str | None, str], int]:
    """Data and indexes of each table, by the same statistics."""
    rows = session.all(
        "SELECT table_name, data_length + index_length FROM information_schema.tables"
        " WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
    )
    return {(None, name): int(size or 0) for name, size in rows}


def data_directories(session: Session, url: URL) -> tuple[str, ...]:
    """The data directory, where the server bears this machine's name and the directory is visible."""
    host, path = session.row("SELECT @@hostname, @@datadir")
    return (path,) if host == socket.gethostname() and Path(path).is_dir() else ()


def damage(session: Session, table: str) -> tuple[str, ...]:
    """What CHECK TABLE ... QUICK says; InnoDB may stop the server where it meets a damaged page."""
    names = [split_id(table)[1]] if table else _table_names(session)
    found: list[str] = []
    for name in names:
        for _, _, kind, text in session.all(f"CHECK TABLE {quote(name)} QUICK"):
            if kind.lower() in ("error", "warning") or (kind.lower() == "status" and text != "OK"):
                found.append(f"table {name}: {text}")
    return tuple(found)


def _table_names(session: Session) -> list[str]:
    here = str(session.value("SELECT DATABASE()"))
    return [row.name for row in session.all(queries.TABLES, here=here) if row.type in _TABLE_TYPES]
