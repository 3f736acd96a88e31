"""What MariaDB and MySQL know beside tables: routines, events, partitions, definers and grants."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from pytest_visionforge.database.definitions import Definition, Grant, Partition
from pytest_visionforge.database.hidden import Hidden
from pytest_visionforge.database.names import object_id
from pytest_visionforge.database.session import AnyRow, Session, unescaped
from pytest_visionforge.dialects.mysql import queries
from pytest_visionforge.dialects.mysql.language import quote
from pytest_visionforge.errors import DatabaseError

Text = Callable[[str], str]


def read(session: Session, here: str, views: Collection[str], text: Text) -> dict[str, Any]:
    """Routines, events, grants and the database's own options, as `Schema` takes them.

    `text` takes the database's own name out of a text of SQL.
    """
    routines = session.all(queries.ROUTINES, here=here)
    parameters = session.grouped(queries.PARAMETERS, here=here)
    events = session.all(queries.EVENTS, here=here)
    grants = _grants(session, here, views)
    return {
        "routines": _by_key(_routine(row, parameters[row.name], text) for row in routines),
        "events": _by_key(Definition("event", row.name, _event(row, text)) for row in events),
        "owners": _definers(("event", events), *((row.type.lower(), [row]) for row in routines)),
        "grants": grants,
        "options": dict(session.row(queries.DATABASE, here=here)._mapping),
        "unseen": tuple(_unseen(routines, grants)),
    }


def _by_key(found: Iterable[Definition]) -> dict[str, Definition]:
    return {str(each): each for each in sorted(found, key=str)}


def _definers(*kinds: tuple[str, list[AnyRow]]) -> dict[str, str]:
    """In whose name what runs, by `kind id`."""
    return {f"{kind} {object_id(None, row.name)}": row.definer for kind, rows in kinds for row in rows}


def definers(views: list[AnyRow], triggers: Iterable[AnyRow]) -> dict[str, str]:
    """The same of views and triggers."""
    return _definers(("view", views), ("trigger", list(triggers)))


def _unseen(routines: list[AnyRow], grants: tuple[Grant, ...] | None) -> Iterator[Hidden]:
    closed = [row.name for row in routines if row.body is None]
    if closed:
        yield Hidden(f"the text of {', '.join(closed)}", because="routines of others")
    if grants is None:
        yield Hidden("what others are granted", "SELECT", "mysql.*")


def _routine(row: AnyRow, parameters: list[AnyRow], text: Text) -> Definition:
    kind = row.type.lower()
    if row.body is None:
        return Definition(kind, row.name, "")
    mine = [parameter for parameter in parameters if parameter.type == row.type]
    modes = [f"{each.mode} " if kind == "procedure" else "" for each in mine]
    declared = (f"{mode}{_plain(each.name)} {each.declared}" for mode, each in zip(modes, mine, strict=True))
    words = [
        f"CREATE {row.type} {_plain(row.name)}({', '.join(declared)})",
        f"RETURNS {row.returns}" if kind == "function" else "",
        "DETERMINISTIC" if row.certain else "",
        row.access if row.access != "CONTAINS SQL" else "",
        f"SQL SECURITY {row.security}" if row.security != "DEFINER" else "",
        _comment(row.comment),
        text(row.body),
    ]
    return Definition(kind, row.name, " ".join(filter(None, words)))


def _plain(name: str) -> str:
    """A quoted name as it is for the driver itself."""
    return unescaped(quote(name))


def _comment(text: str) -> str:
    return "COMMENT '" + text.replace("\\", "\\\\").replace("'", "''") + "'" if text else ""


def _event(row: AnyRow, text: Text) -> str:
    """What follows an event's name in the statement that creates it."""
    words = [
        "ON SCHEDULE",
        f"AT '{row.once}'" if row.once else f"EVERY {row.every} {row.unit}",
        f"STARTS '{row.starts}'" if row.starts else "",
        f"ENDS '{row.ends}'" if row.ends else "",
        "ON COMPLETION PRESERVE" if row.completion == "PRESERVE" else "",
        "" if row.status == "ENABLED" else "DISABLE",
        _comment(row.comment),
        f"DO {text(row.body)}",
    ]
    return " ".join(filter(None, words))


def partitions(rows: list[AnyRow]) -> tuple[Partition, ...]:
    """The partitions of a table in their order, each followed by its parts."""
    found: dict[str, Partition] = {}
    for row in rows:
        by = _by(row.part_method, row.part_expression)
        found.setdefault(row.name, Partition(row.name, _bounds(row), by=by))
        if row.part:
            found[f"{row.name} {row.part}"] = Partition(row.part, "", parent=row.name)
    return tuple(found.values())


def partitioned_by(rows: list[AnyRow]) -> dict[str, str]:
    """How a table is partitioned, as one of its options."""
    return {"partitioned by": _by(rows[0].method, rows[0].expression)} if rows else {}


def _by(method: str | None, expression: str | None) -> str:
    return f"{method} ({expression or ''})" if method else ""


def _bounds(row: AnyRow) -> str:
    if row.bounds is None:
        return ""
    if row.method.startswith("LIST"):
        return f"VALUES IN ({row.bounds})"
    return f"VALUES LESS THAN {row.bounds if row.bounds == 'MAXVALUE' else f'({row.bounds})'}"


def _grants(session: Session, here: str, views: Collection[str]) -> tuple[Grant, ...] | None:
    """What users and roles hold on the database and its objects; None where only one's own is shown."""
    try:
        of_routines = session.all(queries.ROUTINE_GRANTS, here=here)
    except DatabaseError:
        return None
    found = [_grant(row, views) for row in session.all(queries.GRANTS, here=here) if row.privilege != "USAGE"]
    for row in of_routines:
        found += _routine_grants(row)
    return tuple(sorted(found, key=lambda grant: (grant.kind, grant.object, grant.role, grant.privilege)))


def _grant(row: AnyRow, views: Collection[str]) -> Grant:
    kind = "view" if row.object in views else row.kind
    object = object_id(None, row.object) if row.object else ""
    return Grant(row.privilege, kind, object, _role(row.role), row.column_name, bool(row.grantable))


def _routine_grants(row: AnyRow) -> Iterator[Grant]:
    held = row.privileges.upper().split(",")
    for word in held:
        if word != "GRANT":
            yield Grant(word, row.kind, object_id(None, row.object), _role(row.role), "", "GRANT" in held)


def _role(grantee: str) -> str:
    """A user with its host, a role without."""
    return grantee.removesuffix("@''")
