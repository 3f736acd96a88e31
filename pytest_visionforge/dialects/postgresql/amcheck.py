"""What the extension amcheck says of pages and indexes, with locks that stop no reader or writer."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_visionforge.database.names import split_id
from pytest_visionforge.database.session import AnyRow, Session
from pytest_visionforge.dialects.postgresql import queries
from pytest_visionforge.dialects.postgresql.language import quote
from pytest_visionforge.errors import DatabaseError
from pytest_visionforge.outcome import CannotTell

DAMAGES = 100  # lines that are kept
_DAMAGED = ("XX", "58")  # SQLSTATE: corrupted data and indexes; files that cannot be read


def damage(session: Session, table: str) -> tuple[str, ...]:
    """The damage of a table (by id), or of all; CannotTell where amcheck is missing or forbidden."""
    functions = _functions(session)
    found: list[str] = []
    for line in _lines(session, table, functions):
        found.append(line)
        if len(found) == DAMAGES:
            break
    return tuple(found)


def _functions(session: Session) -> dict[str, str]:
    """The quoted names of amcheck's functions, by their plain ones."""
    rows = session.all(queries.AMCHECK)
    if not rows:
        raise CannotTell("the extension amcheck is not installed", "CREATE EXTENSION amcheck")
    for row in rows:
        if not row.allowed:
            raise CannotTell(
                f"the role may not call {row.proname}",
                f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {row.nspname} TO <the role of the checks>",
            )
    return {row.proname: f"{quote(row.nspname)}.{row.proname}" for row in rows}


def _lines(session: Session, table: str, functions: dict[str, str]) -> Iterator[str]:
    for row in _of(table, session.all(queries.BTREES)):
        call = f"SELECT {functions['bt_index_check']}(CAST({row.oid} AS regclass), {row.indisunique})"
        yield from _said(session, f"index {row.index_name}", call)
    if "verify_heapam" not in functions:  # PostgreSQL 13
        return
    for row in _of(table, session.all(queries.HEAPS)):
        call = (
            "SELECT format('block %s, offset %s: %s', blkno, offnum, msg)"
            f" FROM {functions['verify_heapam']}(CAST({row.oid} AS regclass)) LIMIT {DAMAGES}"
        )
        yield from _said(session, f"table {row.nspname}.{row.relname}", call)


def _of(table: str, rows: list[AnyRow]) -> list[AnyRow]:
    """The rows that belong to the table; all for ""."""
    schema, name = split_id(table) if table else (None, None)
    return [row for row in rows if name is None or (row.nspname, row.relname) == (schema or "public", name)]


def _said(session: Session, what: str, call: str) -> Iterator[str]:
    """What a check returns, or raises because of damage."""
    try:
        rows = session.all(call)
    except DatabaseError as error:
        if not error.code.startswith(_DAMAGED):
            raise
        yield f"{what}: {error}"
    else:
        yield from (f"{what}: {row[0]}" for row in rows if row[0])
