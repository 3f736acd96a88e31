"""MariaDB's and MySQL's statements that put an object back."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_visionforge.database.definitions import Definition, Grant, Partition, Policy
from pytest_visionforge.database.facts import Column, Table, View
from pytest_visionforge.database.names import split_id
from pytest_visionforge.database.session import unescaped
from pytest_visionforge.dialects.mysql import language


def _quote(name: str) -> str:
    return unescaped(language.quote(name))


def _literal(text: str) -> str:
    return unescaped(language.literal(text))


def _named(id: str) -> str:
    return unescaped(language.quote_table(*split_id(id)))


def declared(column: Column) -> str:
    """A column as it stands in CREATE TABLE."""
    stored = column.variant.partition(" ")[0].upper()
    words = [
        f"{_quote(column.name)} {column.type}",
        f"COLLATE {column.collation}" if column.collation else "",
        f"GENERATED ALWAYS AS ({column.generated}) {stored}" if column.generated else "",
        "" if column.nullable or column.generated else "NOT NULL",
        "INVISIBLE" if "invisible" in column.variant else "",
        f"DEFAULT {column.default}" if column.default is not None else "",
        "AUTO_INCREMENT" if column.identity else "",
        f"COMMENT {_literal(column.comment)}" if column.comment else "",
    ]
    return " ".join(filter(None, words))


def column(table: Table, column: Column, topic: str) -> str:
    """Makes a column what it should be; whatever the topic, all of it is said again."""
    return f"ALTER TABLE {_named(table.id)} MODIFY COLUMN {declared(column)};"


def option(table: Table, name: str, value: str) -> str:
    """Sets an option of a table, or its comment."""
    changes = {
        "comment": f"COMMENT = {_literal(value)}",
        "engine": f"ENGINE = {value}",
        "collation": f"COLLATE = {value}",
        "system versioning": f"{'ADD' if value else 'DROP'} SYSTEM VERSIONING",
    }
    return f"ALTER TABLE {_named(table.id)} {changes[name]};" if name in changes else ""


def view(view: View) -> str:
    """Creates a view, in the name of whoever creates it."""
    security = view.options.get("sql security", "DEFINER")
    check = view.options.get("check option")
    ending = f" WITH {check} CHECK OPTION" if check else ""
    return f"CREATE SQL SECURITY {security} VIEW {_named(view.id)} AS {view.definition.rstrip('; ')}{ending};"


def partition(before: Table, now: Table, partition: Partition, is_table: bool) -> str:
    """Adds a partition at the end, or cuts it off the range that took it up."""
    one = f"PARTITION {_quote(partition.name)} {partition.bounds}"
    if partition.parent or not partition.bounds or not now.partitions:
        return ""
    following = before.partitions[before.partitions.index(partition) + 1 :]
    there = {each.name: each for each in now.partitions if not each.parent}
    taker = next((there[each.name] for each in following if each.name in there), None)
    if taker is None or partition.bounds.startswith("VALUES IN"):
        return f"ALTER TABLE {_named(now.id)} ADD PARTITION ({one});"
    parts = f"{one}, PARTITION {_quote(taker.name)} {taker.bounds}"
    return f"ALTER TABLE {_named(now.id)} REORGANIZE PARTITION {_quote(taker.name)} INTO ({parts});"


def policy(table: Table, policy: Policy) -> str:
    """There is no row security."""
    return ""


def definition(wanted: Definition, now: Definition | None) -> str:
    """Creates a routine or an event, in place of the one that is there."""
    first = f"{drop(wanted.kind, wanted.id, None)}\n" if now else ""
    if wanted.kind == "event":
        return f"{first}CREATE EVENT {_named(wanted.id)} {wanted.text.rstrip('; ')};"
    return f"{first}{wanted.text.rstrip('; ')};" if wanted.text else ""


def drop(kind: str, id: str, table: Table | None) -> str:
    """Drops an object of that kind."""
    return f"DROP {kind.upper()} {_named(id)};"


def owner(kind: str, id: str, owner: str) -> str:
    """A definer changes only with the whole object."""
    user, _, host = owner.rpartition("@")
    return f"create the {kind} {id} again with DEFINER = {_quote(user)}@{_quote(host)}"


def grant(grants: Sequence[Grant]) -> str:
    """Grants what one user or role may do on one object."""
    ending = " WITH GRANT OPTION" if grants[0].grantable else ""
    return f"GRANT {_rights(grants)} TO {grants[0].role}{ending};"


def revoke(grants: Sequence[Grant]) -> str:
    """Takes it away."""
    return f"REVOKE {_rights(grants)} FROM {grants[0].role};"


def _rights(grants: Sequence[Grant]) -> str:
    """The database at hand is `*`."""
    first = grants[0]
    privileges = (
        f"{each.privilege} ({_quote(each.column)})" if each.column else each.privilege for each in grants
    )
    word = f"{first.kind.upper()} " if first.kind in ("function", "procedure") else ""
    return f"{', '.join(privileges)} ON {word}{_named(first.object) if first.object else '*'}"
