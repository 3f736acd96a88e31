"""The rules of a plan, each as a query written by hand: how many rows break it."""

from __future__ import annotations

import re
from functools import singledispatch

from sqlalchemy import Connection, text

from pytest_visionforge.demo.tables import metadata
from pytest_visionforge.plan.values import rules


def broken(connection: Connection, rule: rules.TableRule, table: str) -> int:
    """How many rows of a table, named as it is at this time, break a rule."""
    if isinstance(rule, rules.Pattern):
        values = connection.execute(text(f"select {rule.column} from {table}")).scalars()
        return sum(value is not None and not re.fullmatch(rule.regex, value) for value in values)
    return _count(connection, _query(rule, table))


def offenders(connection: Connection, rule: rules.BusinessRule) -> int:
    """How many rows a business rule returns."""
    return len(connection.execute(text(rule.sql[""])).all())


def _count(connection: Connection, query: str) -> int:
    return int(connection.execute(text(query)).scalar_one())


def _where(table: str, condition: str) -> str:
    return f"select count(*) from {table} t where {condition}"


def _link(child: str, parent: str) -> str:
    """The column of a child table that points to its parent."""
    keys = metadata.tables[child].foreign_keys
    return str(next(key.parent.name for key in keys if key.column.table.name == parent))


@singledispatch
def _query(rule: rules.TableRule, table: str) -> str:
    raise NotImplementedError(type(rule))


@_query.register
def _(rule: rules.NotNull, table: str) -> str:
    return _where(table, f"{rule.column} is null")


@_query.register
def _(rule: rules.Unique, table: str) -> str:
    columns = ", ".join(rule.columns)
    return f"select count(*) from (select 1 from {table} group by {columns} having count(*) > 1) twice"


@_query.register
def _(rule: rules.Accepted, table: str) -> str:
    return _where(table, f"{rule.column} not in ({', '.join(map(repr, rule.values))})")


@_query.register
def _(rule: rules.Range, table: str) -> str:
    sides = ((rule.low, "<"), (rule.high, ">"))
    return _where(table, " or ".join(f"{rule.column} {sign} {side}" for side, sign in sides if side))


@_query.register
def _(rule: rules.NotFuture, table: str) -> str:
    return _where(table, f"{rule.column} > current_timestamp")


@_query.register
def _(rule: rules.Rows, table: str) -> str:
    return f"select case when count(*) < {rule.low} then 1 else 0 end from {table}"


@_query.register
def _(rule: rules.Reference, table: str) -> str:
    known = f"select 1 from {rule.parent} p where p.{rule.parent_column} = t.{rule.column}"
    return _where(table, f"{rule.column} is not null and not exists ({known})")


@_query.register
def _(rule: rules.Has, table: str) -> str:
    return _where(table, f"not exists (select 1 from {rule.child} c where c.{rule.child_column} = t.id)")


@_query.register
def _(rule: rules.Order, table: str) -> str:
    pairs = [(a, b) for i, a in enumerate(rule.columns) for b in rule.columns[i + 1 :]]
    return _where(table, " or ".join(f"{a} > {b}" for a, b in pairs))


@_query.register
def _(rule: rules.After, table: str) -> str:
    link = _link(rule.table, rule.parent)
    earlier = f"p.id = t.{link} and t.{rule.column} < p.{rule.parent_column}"
    return _where(table, f"exists (select 1 from {rule.parent} p where {earlier})")


@_query.register
def _(rule: rules.Calculated, table: str) -> str:
    return _where(table, f"abs({rule.column} - ({rule.expression})) > 0.00005")


@_query.register
def _(rule: rules.Aggregate, table: str) -> str:
    link, of = _link(rule.child, rule.table), rule.expression or "*"
    condition = f" and ({rule.condition})" if rule.condition else ""
    total = f"select {rule.function}({of}) from {rule.child} c where c.{link} = t.id{condition}"
    return _where(table, f"abs({rule.column} - coalesce(({total}), 0)) > 0.00005")


@_query.register
def _(rule: rules.Holds, table: str) -> str:
    return _where(table, f"not ({rule.expression})")
