"""Whether a rule applies to the databases of a plan, by what its declaration and its files say."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from pytest_visionforge.errors import PlanError
from pytest_visionforge.statements import ANY

if TYPE_CHECKING:
    from pytest_visionforge.plan.values.sections import Checks
    from pytest_visionforge.rules import Rule
    from pytest_visionforge.scope import Scope, Server
    from pytest_visionforge.statements import Statement

ALL = "all"
# Reasons that hold for many rules, and are told once for all of them.
ASKED = "not asked for under [checks] also"
ELSEWHERE = "about other DBMS, or other ways"
SILENT = "its database does not answer"
NOTHING = "nothing of its kind is here"
MANY = (ASKED, ELSEWHERE, SILENT, NOTHING)


def refusal(rule: Rule, scope: Scope, argument: str) -> str:
    """Why a rule does not apply at all; "" where it does."""
    also = scope.plan.checks.also
    if rule.asked and rule.id not in also and ALL not in also:
        return ASKED
    if argument == "role":
        reasons = [on_role(rule, scope, role) for role in scope.plan.roles]
        return "" if "" in reasons else reasons[0]
    return on_role(rule, scope, scope.plan.migrated if argument == "written" else scope.role)


def on_role(rule: Rule, scope: Scope, role: str) -> str:
    """Why a rule does not apply to one of the databases; "" where it does."""
    server = scope.servers.get(role)
    if not rule.dialects or server is None:
        return ""
    if not {server.dialect, ANY} & set(rule.dialects):
        return ELSEWHERE
    if not _leads(scope, server, rule.towards):
        return ELSEWHERE
    if rule.statements is None:
        return ""
    if rule.statements.on == "target" and role != scope.plan.migrated:
        return ELSEWHERE
    if rule.statements.on == "pair" and len({each.dialect for each in scope.servers.values()}) > 1:
        return ELSEWHERE
    if not server.product:
        return SILENT
    reasons = [_of_file(file, server, scope) for file in rule.statements.of(server.dialect)]
    return "" if "" in reasons else reasons[0]


def _of_file(file: Statement, server: Server, scope: Scope) -> str:
    """Why one file of a rule is not for this server, this way or this schema; "" where it is."""
    if file.products and server.product not in file.products:
        return ELSEWHERE
    if not _leads(scope, server, file["towards"].split()):
        return ELSEWHERE
    return "" if _has(scope, file["table"]) else ELSEWHERE


def _leads(scope: Scope, server: Server, towards: Collection[str]) -> bool:
    """Does the migration lead from this server's DBMS to another one of those?"""
    target = scope.servers.get(scope.plan.migrated, server)
    return not towards or (target.dialect in towards and target.dialect != server.dialect)


def _has(scope: Scope, wanted: str) -> bool:
    """Is the table there that a file is about, `table(column)`, however its name is capitalised?"""
    name, _, column = wanted.lower().rstrip(")").partition("(")
    for table in scope.tables:
        if table.name.lower() == name and (not column or column in {c.name.lower() for c in table.columns}):
            return True
    return not name


def gathered(reasons: dict[str, str]) -> dict[str, str]:
    """The reasons by rule; one that holds for many is told once, with all of them."""
    found = {name: reason for name, reason in reasons.items() if reason not in MANY}
    for reason in MANY:
        names = sorted(name for name, given in reasons.items() if given == reason)
        if names:
            found[reason] = f"{len(names)} rule{'' if len(names) == 1 else 's'}: {', '.join(names)}"
    return found


def check_known(checks: Checks, rules: Iterable[Rule]) -> None:
    """PlanError where [checks] names a rule, or a number of one, that there is not."""
    by_id = {rule.id: rule for rule in rules}
    numbers = {
        f"{rule.id}.{name}"
        for rule in by_id.values()
        for file in (rule.statements.files if rule.statements else ())
        for name in file.limits
    }
    _known("also", (name for name in checks.also if name != ALL), by_id)
    _known("limits", checks.limits, numbers)


def _known(key: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, list(known), 1)
            hint = f'did you mean "{close[0]}"?' if close else "visionforge rules lists them"
            raise PlanError(f'checks.{key}: there is no "{name}"; {hint}')
