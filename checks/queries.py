"""Rules that are SQL files: the check that each of them becomes, and how a query is judged."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.specifiers import SpecifierSet

from pytest_visionforge import CannotTell, Evidence, Finding, Offender, rule
from pytest_visionforge.database import verbatim
from pytest_visionforge.errors import CannotConnect, DatabaseError, TimeLimit
from pytest_visionforge.statements import Statement, Statements, rules_in

from .kinds import kind_of, scale_of, size_of
from .offenders import Offence, displayed, judge
from .scope import as_shown, scope_of_table
from .sight import tell_unlisted

if TYPE_CHECKING:
    from pytest_visionforge.database import Column, Database, Session, Table
    from pytest_visionforge.names import Names
    from pytest_visionforge.plan.values.plan import Plan

    from .scope import Scope

Check = Callable[..., Evidence | Finding]
SQL = Path(__file__).parent / "sql"
WIDEST = 8  # columns of a query's row that a finding shows
SAYS, REMEDY = "says", "remedy"  # columns of a query that speak: of the row, and of how to mend it
_NO_PARAMETERS = r"""'(?:[^']|'')*'|"[^"]*"|--[^\n]*|/\*.*?\*/"""  # where a colon is a colon


def checks_of(suite: str) -> dict[str, Check]:
    """A check for each rule of the suite that is an SQL file, by its name."""
    return {f"check_{each.word}": _check(each) for each in rules_in(SQL, suite)}


def _check(statements: Statements) -> Check:
    """The check of one rule; what it asks for says what it is run on."""
    check = _on_table(statements) if statements.is_condition else _ON[statements.on](statements)
    check.__name__ = check.__qualname__ = f"check_{statements.word}"
    check.__module__ = f"{__package__}.{statements.suite}"
    law, why, remedy = map(statements.said, ("law", "why", "remedy"))
    check.__doc__ = "\n\n".join(filter(None, (law, why, remedy and f"Remedy: {remedy}")))
    declare = rule(
        *statements.phases, severity=statements.severity, asked=statements.asked, statements=statements
    )
    return declare(check)


# ---------------------------------------------------------------- on what it runs


def _on_database(statements: Statements) -> Check:
    def check(plan: Plan, database: Database) -> Evidence | Finding:
        return offenders_of(statements, plan, database)

    return check


def _on_role(statements: Statements) -> Check:
    def check(plan: Plan, unopened: Callable[[str], Database], role: str) -> Evidence | Finding:
        return offenders_of(statements, plan, unopened(role))

    return check


def _on_pair(statements: Statements) -> Check:
    def check(plan: Plan, unopened: Callable[[str], Database], pair: tuple[str, str]) -> Evidence | Finding:
        source, target = map(unopened, pair)
        return _differences(statements, plan, source, target)

    return check


def _on_table(statements: Statements) -> Check:
    def check(plan: Plan, database: Database, names: Names, table: Table) -> Evidence | Finding:
        return _values(statements, plan, scope_of_table(plan, database, names, table))

    return check


_ON: Mapping[str, Callable[[Statements], Check]] = {
    "": _on_database,
    "source and target": _on_role,
    "target": _on_role,
    "pair": _on_pair,
}


# ---------------------------------------------------------------- statements


def offenders_of(statements: Statements, plan: Plan, database: Database) -> Evidence | Finding:
    """Evidence where the rule's statement gives no row, else a finding with the rows."""
    statement = statements.of(database.dialect.name)[0]
    _tell_version(statement, database)
    if statement["listed"]:
        tell_unlisted(database)
    limits = _limits(statement, plan)
    sql = _located(statement, with_parameters(statement.sql, limits), database)
    with database.session() as session:
        try:
            if said := _nothing_there(session, statement, database):
                return said
            count, rows = violations(session, sql, limits, plan.record.sample)
        except (TimeLimit, CannotConnect):
            raise
        except DatabaseError as error:
            raise CannotTell(str(error), _grant(statement, database) or error.remedy) from None
    if not count:
        return Evidence("none")
    return _finding(database, sql, limits, count, rows)


def _finding(
    database: Database, sql: str, limits: Mapping[str, float], count: int, rows: list[Mapping[str, Any]]
) -> Finding:
    """What the rows say, and how all of them are mended."""
    offenders = tuple(_offender(row) for row in rows)
    listed = ", ".join(str(each) for each in offenders[:3])
    return Finding(
        says=f"{count:,} found: {listed}" + (", ..." if count > len(offenders[:3]) else ""),
        count=count,
        sample=offenders,
        remedy="; ".join(dict.fromkeys(str(row[REMEDY]) for row in rows if row.get(REMEDY))),
        reproduce=displayed(database, sql, limits),
    )


def _offender(row: Mapping[str, Any]) -> Offender:
    key = {name: as_shown(value) for name, value in row.items() if name not in (SAYS, REMEDY)}
    return Offender(key, str(row.get(SAYS) or ""))


def _tell_version(statement: Statement, database: Database) -> None:
    """CannotTell where the server is older than the statement needs."""
    product = database.identity.dbms
    wanted = statement.products.get(product, "")
    found = ".".join(map(str, database.version))
    if wanted and not SpecifierSet(wanted).contains(found):
        raise CannotTell(f"it takes {product} {wanted}, this is {found}", "look by hand, or upgrade")


def _nothing_there(session: Session, statement: Statement, database: Database) -> Evidence | None:
    """Evidence where there is nothing to look at; CannotTell where our role sees too little."""
    if statement["over"] and is_here(database):
        return Evidence("the server is on this machine")
    if statement["if"] and not session.value(verbatim(statement["if"])):
        return Evidence(statement["otherwise"])
    if statement["rights"] and not session.value(verbatim(statement["rights"])):
        raise CannotTell("our role may not see all of it", _grant(statement, database))
    return None


def is_here(database: Database) -> bool:
    """Is the server on this machine, so that nothing travels?"""
    host = database.url.host or str(database.url.query.get("host", ""))
    if not host or host.startswith("/"):
        return True
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ip_address(str(address[0])).is_loopback for *_, address in found)


def _grant(statement: Statement, database: Database) -> str:
    grant = statement["grant"].replace("{database}", str(database.url.database))
    return grant.replace("{role}", str(database.url.username or "ROLE"))


def _limits(statement: Statement, plan: Plan) -> dict[str, float]:
    """The parameters: the file's, unless the plan says otherwise."""
    given = plan.checks.limits
    return {name: given.get(f"{statement.id}.{name}", value) for name, value in statement.limits.items()}


def _located(statement: Statement, sql: str, database: Database) -> str:
    """The SQL with the name of the table that it is about, as it is written there."""
    name = statement["table"].partition("(")[0]
    tables = database.schema.tables.values() if name else ()
    found = next((table for table in tables if table.name.lower() == name.lower()), None)
    return sql.replace("{table}", database.name_of(found)) if found else sql


def _differences(
    statements: Statements, plan: Plan, source: Database, target: Database
) -> Evidence | Finding:
    """What source and target say otherwise, by the first column of the statement."""
    (statement,) = statements.of(source.dialect.name)
    found = []
    for database in (source, target):
        with database.session() as session:
            found.append({str(row[0]): as_shown(row[1]) for row in session.all(verbatim(statement.sql))})
    ours, theirs = found
    names = [name for name in ours if name in theirs and ours[name] != theirs[name]]
    if not names:
        return Evidence(f"{len(ours)} compared")
    offenders = [
        Offender({"setting": name}, "", {"value": ours[name]}, {"value": theirs[name]}) for name in names
    ]
    shown = tuple(offenders[: plan.record.sample])
    return Finding("; ".join(map(str, offenders)), len(names), len(ours), shown)


def violations(
    session: Session, sql: str, parameters: Mapping[str, Any], limit: int
) -> tuple[int, list[Mapping[str, Any]]]:
    """How many rows a query returns, and the first of them; the rest is counted as it streams by."""
    count, sample = 0, list[Mapping[str, Any]]()
    for count, row in enumerate(session.rows(sql, **parameters), start=1):
        if count <= limit:
            sample.append({str(name): value for name, value in list(row._mapping.items())[:WIDEST]})
    return count, sample


def with_parameters(text: str, parameters: Iterable[str]) -> str:
    """SQL in which only the given parameters are parameters: `::date` and '12:30' are not."""
    names = "|".join(map(re.escape, parameters)) or "(?!)"
    pattern = rf"{_NO_PARAMETERS}|(?<![:\w])\\:(?P<name>{names})(?![:\w\\])"
    return re.sub(
        pattern, lambda match: f":{match['name']}" if match["name"] else match[0], verbatim(text), flags=re.S
    )


# ---------------------------------------------------------------- conditions on columns


def _values(statements: Statements, plan: Plan, scope: Scope) -> Evidence | Finding:
    """Evidence where no value of the table's columns meets a condition, else a finding."""
    if scope.table.kind in ("virtual", "foreign"):
        return Evidence(f"a {scope.table.kind} table keeps its values elsewhere")
    reasons = {}
    limits = dict[str, float]()
    for condition in statements.of(scope.database.dialect.name):
        limits |= _limits(condition, plan)
        for column in scope.table.columns:
            if not column.generated and (sql := condition_on(condition, column, scope.quoted(column))):
                words = condition["says"].replace("{column}", column.name).replace("{type}", column.type)
                reasons[words] = sql
    if not reasons:
        return Evidence("no column of this kind")
    return judge(scope, Offence(reasons, parameters=limits))


def condition_on(condition: Statement, column: Column, quoted: str) -> str:
    """The condition on a column; "" where it is not about such a one."""
    kinds, types = condition["columns"].split(), condition["types"]
    if (kinds and kind_of(column) not in kinds) or (types and not re.search(types, column.type, re.I)):
        return ""
    sql = _escaped(condition)
    for name, value in (("{size}", size_of(column)), ("{scale}", scale_of(column))):
        if name in sql and value is None:
            return ""
        sql = sql.replace(name, str(value))
    return sql.replace("{column}", quoted)


@cache
def _escaped(condition: Statement) -> str:
    """The SQL of a condition, in which only its limits are parameters."""
    return with_parameters(condition.sql, condition.limits)
