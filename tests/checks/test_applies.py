"""Whether a rule applies: by DBMS, product, way, table, and what the plan asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from checks import integrity, readiness
from pytest_visionforge import applies
from pytest_visionforge.database import Column, Schema, Table
from pytest_visionforge.errors import PlanError
from pytest_visionforge.objects import of_rule
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.sections import Address, Checks
from pytest_visionforge.rules import Rule, facts_of, shipped
from pytest_visionforge.scope import Scope, Server
from tests.checks.conftest import make_plan

SQLITE = Server("sqlite", "SQLite", (3, 40, 1))
POSTGRESQL = Server("postgresql", "PostgreSQL", (15, 6))
MARIADB = Server("mysql", "MariaDB", (10, 11, 6))


def rule(name: str) -> Rule:
    """The facts of a rule."""
    suite, _, word = name.partition(".")
    found = facts_of(vars({"readiness": readiness, "integrity": integrity}[suite])[f"check_{word}"])
    assert found
    return found


def scope(source: Server, target: Server | None = None, also: tuple[str, ...] = (), *tables: Table) -> Scope:
    """A migration in place, or to a target."""
    plan: Plan = replace(make_plan("sqlite:///s.db", Path()), checks=Checks(also=also))
    servers = {"source": source}
    if target:
        plan = replace(plan, target=Address("sqlite:///t.db", "t.db"))
        servers["target"] = target
    return Scope(plan, "premigration", Schema(tables={each.id: each for each in tables}), servers=servers)


def ids(name: str, place: Scope) -> list[str] | None:
    """The ids of a rule's objects; None for a rule that runs once."""
    objects = of_rule(rule(name), place)
    return None if objects is None else [each.id for each in objects]


def test_a_rule_runs_on_the_dbms_that_it_names() -> None:
    """A rule runs on each database whose DBMS it names, and on no other."""
    assert ids("readiness.lock_waits", scope(POSTGRESQL)) == ["source"]
    assert ids("readiness.lock_waits", scope(SQLITE)) == []
    assert ids("readiness.lock_waits", scope(SQLITE, MARIADB)) == ["target"]
    assert ids("readiness.lock_waits", scope(POSTGRESQL, MARIADB)) == ["source", "target"]
    assert ids("integrity.disabled_triggers", scope(POSTGRESQL)) is None
    assert ids("integrity.disabled_triggers", scope(MARIADB)) == []


def test_a_rule_about_the_target_leaves_the_source_alone() -> None:
    """Whether the source takes writes does not matter; in place it is the target."""
    assert ids("readiness.target_writable", scope(POSTGRESQL, MARIADB)) == ["target"]
    assert ids("readiness.target_writable", scope(POSTGRESQL)) == ["source"]
    assert ids("readiness.file_writable", scope(MARIADB, SQLITE)) == ["target"]
    assert ids("readiness.file_writable", scope(SQLITE, MARIADB)) == []


def test_a_rule_about_a_pair_wants_one_dbms() -> None:
    """Settings are compared within a DBMS."""
    assert ids("readiness.settings", scope(MARIADB, MARIADB)) == ["source-target"]
    assert ids("readiness.settings", scope(POSTGRESQL, MARIADB)) == []


def test_a_rule_about_a_way_wants_that_way() -> None:
    """What only another DBMS refuses is looked at on the way to it."""
    table = Table("t", columns=(Column("name", "text"),))
    assert ids("integrity.nul", scope(SQLITE, POSTGRESQL, (), table)) == ["t"]
    assert ids("integrity.nul", scope(SQLITE, MARIADB, (), table)) == []
    assert ids("integrity.nul", scope(SQLITE, None, (), table)) == []
    assert ids("integrity.unique_on_target", scope(POSTGRESQL, MARIADB, (), table)) == ["t"]
    assert ids("integrity.unique_on_target", scope(MARIADB, MARIADB, (), table)) == []


def test_a_rule_about_a_tool_wants_its_table() -> None:
    """The table must be there, with its column, however its name is capitalised."""
    for columns, found in (((), []), (("dirty",), None), (("DIRTY",), None)):
        table = Table("Schema_Migrations", columns=tuple(Column(name, "boolean") for name in columns))
        assert ids("readiness.migrate_dirty", scope(SQLITE, None, (), table)) == found


def test_a_rule_that_costs_runs_when_asked() -> None:
    """What costs or only informs waits for the plan to name it."""
    table = Table("t", columns=(Column("name", "text"),))
    for also, found in (((), []), (("integrity.trimmed",), ["t"]), (("all",), ["t"])):
        assert ids("integrity.trimmed", scope(SQLITE, None, also, table)) == found


def test_a_database_that_does_not_answer() -> None:
    """Nothing is asked of a database that does not answer, and that is told."""
    place = scope(Server("postgresql"))
    assert ids("readiness.lock_waits", place) == []
    assert place.not_applicable == {"readiness.lock_waits": applies.SILENT}


def test_reasons_that_many_share_are_told_once() -> None:
    """The record counts what did not apply, and names it in one line."""
    told = applies.gathered({"a.b": applies.ELSEWHERE, "a.c": applies.ELSEWHERE, "t.rows": "dropped"})
    assert told == {"t.rows": "dropped", applies.ELSEWHERE: "2 rules: a.b, a.c"}


@pytest.mark.parametrize(
    ("checks", "says"),
    [
        (Checks(also=("integrity.trimed",)), 'checks.also: .* did you mean "integrity.trimmed"'),
        (Checks(limits={"readiness.connections.shar": 1}), 'did you mean "readiness.connections.share"'),
        (Checks(also=("nonsense",)), "visionforge rules lists them"),
    ],
)
def test_a_rule_that_is_not_there_is_an_error(checks: Checks, says: str) -> None:
    """The plan cannot ask for a rule that there is not."""
    applies.check_known(Checks(also=("all", "integrity.trimmed")), shipped())
    with pytest.raises(PlanError, match=says):
        applies.check_known(checks, shipped())
