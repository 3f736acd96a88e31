"""SQLite's catalogue: pragmas for what they tell, the texts of CREATE for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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
from pytest_visionforge.database.names import object_id, split_id
from pytest_visionforge.database.session import AnyRow, Session
from pytest_visionforge.dialects.sqlite import definition
from pytest_visionforge.dialects.sqlite.capacity import capacity
from pytest_visionforge.dialects.sqlite.language import quote
from pytest_visionforge.dialects.sqlite.session import path_of
from pytest_visionforge.errors import DatabaseError

__all__ = [
    "capacity",
    "damage",
    "data_directories",
    "database_size",
    "read_schema",
    "table_sizes",
    "unreadable",
]

COMMENTS = False
CHECKS_HOLD = False
DAMAGES = 100  # lines of an integrity check that are kept
_VARIANTS = {2: "virtual", 3: "stored"}

_OURS = "pragma_table_list l"
_IS_OURS = "l.schema = 'main' AND substr(l.name, 1, 7) <> 'sqlite_' AND l.type"
_TABLES = f"""
SELECT l.name, l.type, m.sql, l.wr, l.strict FROM {_OURS} CROSS JOIN sqlite_schema m
WHERE {_IS_OURS} IN ('table', 'virtual') AND m.type = 'table' AND m.name = l.name ORDER BY l.name
"""
_COLUMNS = f"""
SELECT l.name, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden
FROM {_OURS} CROSS JOIN pragma_table_xinfo(l.name, 'main') x
WHERE {_IS_OURS} = 'table' ORDER BY l.name, x.cid
"""
_FOREIGN_KEYS = f"""
SELECT l.name, f.id, f."table", f."from", f."to", f.on_delete, f.on_update
FROM {_OURS} CROSS JOIN pragma_foreign_key_list(l.name, 'main') f
WHERE {_IS_OURS} = 'table' ORDER BY l.name, f.id DESC, f.seq
"""
_INDEXES = f"""
SELECT l.name, i.name, i."unique", i.origin, s.sql, x.name, x.cid, x."desc", x.coll
FROM {_OURS} CROSS JOIN pragma_index_list(l.name, 'main') i
CROSS JOIN pragma_index_xinfo(i.name, 'main') x
LEFT JOIN (SELECT name, sql FROM sqlite_schema WHERE type = 'index') s ON s.name = i.name
WHERE {_IS_OURS} = 'table' AND x.key ORDER BY l.name, i.seq DESC, x.seqno
"""


@dataclass(frozen=True, slots=True)
class _Facts:
    """The rows of the catalogue by table, and tables' names by their lower case."""

    columns: Mapping[str, list[AnyRow]]
    foreign_keys: Mapping[str, list[AnyRow]]
    indexes: Mapping[str, list[AnyRow]]
    triggers: Mapping[str, list[AnyRow]]
    names: Mapping[str, str]


def read_schema(session: Session) -> Schema:
    """The application's objects; the tables behind virtual tables belong to these, and are not listed."""
    listed = session.all(_TABLES)
    definitions = {row.name: definition.table(row.sql or "") for row in listed}
    facts = _Facts(
        columns=session.grouped(_COLUMNS),
        foreign_keys=session.grouped(_FOREIGN_KEYS),
        indexes=session.grouped(_INDEXES),
        triggers=session.grouped(
            "SELECT lower(tbl_name), name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name"
        ),
        names={row.name.lower(): row.name for row in listed},
    )
    tables, hidden = [], []
    for row in listed:
        if row.type == "table":
            tables.append(_table(row, definitions[row.name], facts))
            continue
        try:
            tables.append(_virtual(session, row.name, facts))
        except DatabaseError as error:  # its module is not in this SQLite
            hidden.append(
                Hidden("its rows", because=f"the virtual table {row.name} cannot be read ({error})")
            )
    return Schema(
        tables={table.id: table for table in tables},
        views=_views(session, facts),
        sequences=_sequences(session, tables, definitions),
        hidden=tuple(hidden),
        options={"encoding": str(session.value("PRAGMA encoding"))},
    )


def _table(row: AnyRow, text: definition.Definition, facts: _Facts) -> Table:
    columns = facts.columns[row.name]
    indexes = _by_name(facts.indexes[row.name])
    primary = tuple(column[1] for column in sorted((c for c in columns if c.pk), key=lambda c: c.pk))
    alias = primary if _is_rowid(row, columns, indexes) else ()
    unique = [index for index in indexes if index[0].origin == "u"]
    return Table(
        name=row.name,
        columns=tuple(_column(column, text, alias) for column in columns),
        primary_key=_key(primary, text) if primary else None,
        unique_keys=tuple(_key(_column_names(index), text) for index in unique),
        foreign_keys=_foreign_keys(facts.foreign_keys[row.name], text, facts),
        checks=tuple(CheckConstraint(name, expression) for name, expression in text.checks),
        indexes=tuple(_index(index, text) for index in indexes if index[0].origin == "c"),
        triggers=_triggers(row.name, facts),
        options={word: "on" for word, is_so in (("strict", row.strict), ("without rowid", row.wr)) if is_so},
    )


def _by_name(rows: Iterable[AnyRow]) -> list[list[AnyRow]]:
    """The rows of indexes, index by index."""
    indexes: dict[str, list[AnyRow]] = {}
    for row in rows:
        indexes.setdefault(row[1], []).append(row)
    return list(indexes.values())


def _is_rowid(row: AnyRow, columns: list[AnyRow], indexes: list[list[AnyRow]]) -> bool:
    """Is the primary key the rowid itself, which is never NULL and has no index of its own?"""
    keyed = [column.type for column in columns if column.pk]
    is_integer = [type.upper() for type in keyed] == ["INTEGER"]
    return is_integer and not row.wr and all(index[0].origin != "pk" for index in indexes)


def _column(row: AnyRow, text: definition.Definition, alias: tuple[str, ...]) -> Column:
    name = row[1]
    return Column(
        name=name,
        type=row.type,
        nullable=not row.notnull and name not in alias,
        default=row.dflt_value,
        generated=text.generated.get(name.lower()) if row.hidden in (2, 3) else None,
        identity=text.autoincrement and name in alias,
        collation=text.collations.get(name.lower(), "").upper() or None,
        variant=_VARIANTS.get(row.hidden, ""),
    )


def _key(columns: tuple[str, ...], text: definition.Definition) -> Key:
    return Key(text.keys.get(tuple(column.lower() for column in columns), ""), columns)


def _column_names(index: list[AnyRow]) -> tuple[str, ...]:
    return tuple(row[5] for row in index)


def _foreign_keys(rows: list[AnyRow], text: definition.Definition, facts: _Facts) -> tuple[ForeignKey, ...]:
    """The references in the order of their declaration: the pragma's ids count backwards."""
    keys: dict[int, list[AnyRow]] = {}
    for row in rows:
        keys.setdefault(row.id, []).append(row)
    names = text.foreign_keys if len(text.foreign_keys) == len(keys) else [""] * len(keys)
    return tuple(_foreign_key(name, key, facts) for name, key in zip(names, keys.values(), strict=True))


def _foreign_key(name: str, rows: list[AnyRow], facts: _Facts) -> ForeignKey:
    first = rows[0]
    parent = facts.names.get(first.table.lower(), first.table)
    return ForeignKey(
        name=name,
        columns=tuple(row[3] for row in rows),
        parent=object_id(None, parent),
        parent_columns=_parent_columns(rows, facts.columns.get(parent, [])),
        on_delete=first.on_delete,
        on_update=first.on_update,
    )


def _parent_columns(rows: list[AnyRow], parent: list[AnyRow]) -> tuple[str, ...]:
    """The columns that are referred to; those of the primary key where none are written."""
    if rows[0].to is None:
        keyed = sorted((column for column in parent if column.pk), key=lambda column: column.pk)
        return tuple(column[1] for column in keyed)
    names = {column[1].lower(): column[1] for column in parent}
    return tuple(names.get(row.to.lower(), row.to) for row in rows)


def _index(rows: list[AnyRow], text: definition.Definition) -> Index:
    first = rows[0]
    terms, where = definition.index(first.sql)
    columns = [row[5] if row.cid >= 0 else _expression(term) for row, term in zip(rows, terms, strict=True)]
    options = tuple(_options(row, text) for row in rows)
    return Index(
        name=first[1],
        columns=tuple(columns),
        unique=bool(first.unique),
        where=where,
        options=options if any(options) else (),
    )


def _expression(term: str) -> str:
    bare = definition.bare_term(term)
    return bare if bare.startswith("(") and bare.endswith(")") else f"({bare})"


def _options(row: AnyRow, text: definition.Definition) -> str:
    """What differs from the column's own collation, and from ascending order."""
    usual = text.collations.get((row[5] or "").lower(), "BINARY")
    collation = "" if row.coll.upper() == usual.upper() else f"COLLATE {row.coll.upper()}"
    return " ".join(part for part in (collation, "DESC" if row.desc else "") if part)


def _triggers(name: str, facts: _Facts) -> tuple[Trigger, ...]:
    return tuple(Trigger(row[1], row.sql) for row in facts.triggers[name.lower()])


def _virtual(session: Session, name: str, facts: _Facts) -> Table:
    rows = session.all("SELECT name, type FROM pragma_table_xinfo(:name, 'main') WHERE hidden = 0", name=name)
    columns = tuple(Column(name=row.name, type=row.type) for row in rows)
    return Table(name=name, columns=columns, kind="virtual", triggers=_triggers(name, facts))


def _views(session: Session, facts: _Facts) -> dict[str, View]:
    rows = session.all("SELECT name, sql FROM sqlite_schema WHERE type = 'view' ORDER BY name")
    views = (
        View(
            row.name,
            row.sql,
            triggers=_triggers(row.name, facts),
            columns=_columns_of_view(session, row.name),
        )
        for row in rows
    )
    return {view.id: view for view in views}


def _columns_of_view(session: Session, name: str) -> tuple[str, ...]:
    try:
        rows = session.all("SELECT name FROM pragma_table_xinfo(:name, 'main')", name=name)
    except DatabaseError:  # what it reads from is not there
        return ()
    return tuple(row.name for row in rows)


def _sequences(
    session: Session, tables: Iterable[Table], definitions: Mapping[str, definition.Definition]
) -> dict[str, Sequence]:
    """The AUTOINCREMENT tables; one that never had a row begins with 1."""
    counting = [table for table in tables if definitions[table.name].autoincrement]
    if not counting:
        return {}
    last = dict(tuple(row) for row in session.all("SELECT name, max(seq) FROM sqlite_sequence GROUP BY name"))
    sequences = (
        Sequence(table.name, int(last.get(table.name) or 0) + 1, owner=(table.id, table.key[0]))
        for table in counting
    )
    return {sequence.id: sequence for sequence in sequences}


def database_size(session: Session, url: URL) -> int:
    """The database's pages, and its write-ahead log."""
    pages = session.value("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    log = path_of(url).with_name(path_of(url).name + "-wal")
    return int(pages) + (log.stat().st_size if log.exists() else 0)


def table_sizes(session: Session) -> dict[tuple[str | None, str], int]:
    """The pages of each table and its indexes, where SQLite was built with `dbstat`."""
    try:
        rows = session.all(
            "SELECT s.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_schema s ON s.name = d.name"
            " WHERE d.aggregate = TRUE GROUP BY s.tbl_name"
        )
    except DatabaseError:
        return {}
    return {(None, name): int(size) for name, size in rows}


def data_directories(session: Session, url: URL) -> tuple[str, ...]:
    """The folder of the file."""
    return (str(path_of(url).resolve().parent),)


def unreadable(session: Session) -> tuple[str, ...]:
    """SQLite has no rights within a file."""
    return ()


def damage(session: Session, table: str) -> tuple[str, ...]:
    """What `PRAGMA integrity_check` says: pages, indexes, NOT NULL, CHECK and UNIQUE."""
    of = quote(split_id(table)[1]) if table else str(DAMAGES)
    lines = [str(row[0]) for row in session.all(f"PRAGMA integrity_check({of})")]
    return () if lines == ["ok"] else tuple(lines[:DAMAGES])
