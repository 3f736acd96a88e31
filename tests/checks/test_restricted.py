"""Roles that may not see everything: what they cannot see is no pass, and what they can see is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import make_url

from pytest_visionforge import CannotTell, Evidence, Finding
from pytest_visionforge.rules import facts_of
from tests import soak
from tests.checks.defects import DEFECTS
from tests.checks.field import SUITES, Field, Look
from tests.checks.test_defects import field as field
from tests.checks.test_defects import grounds as grounds

# A role and what is run for it once the defect is there: SELECT on all, on nothing of it, on its rows in part.
ROLES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "postgresql": {
        "reader": ("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",),
        "blind": ("GRANT SELECT ON customers TO {role}",),
        "filtered": (
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
            """DO $$ DECLARE t regclass; BEGIN
                FOR t IN SELECT oid FROM pg_class
                WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
                LOOP EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t); END LOOP; END $$""",
        ),
    },
    "mysql": {
        "reader": ("GRANT SELECT ON `{db}`.* TO {role}",),
        "blind": ("GRANT SELECT ON `{db}`.customers TO {role}",),
        "lister": ("GRANT INSERT ON `{db}`.* TO {role}",),
    },
}
LEFT = {"postgresql": "DROP OWNED BY {role};;DROP ROLE {role}", "mysql": "DROP USER {role}"}
MADE = {"postgresql": "CREATE ROLE {role} LOGIN", "mysql": "CREATE USER {role}"}
OPEN = """DO $$ DECLARE t regclass; BEGIN
    FOR t IN SELECT oid FROM pg_class WHERE relrowsecurity
    LOOP EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', t); END LOOP; END $$"""
TABLES = (
    "CREATE TABLE parts (id integer NOT NULL PRIMARY KEY, customer integer, word varchar(20),"
    " CHECK (id > 0), FOREIGN KEY (customer) REFERENCES customers (id));;"
    "INSERT INTO parts VALUES (1, 1, 'a');;"
    "CREATE VIEW words AS SELECT word FROM parts"
)


@contextmanager
def seen_by(field: Field, role: str) -> Iterator[Field]:
    """The same place, for a role."""
    name = f"vf_{role}" if field.dialect == "postgresql" else f"vf_{role}@'%'"
    alone = field.alone

    def told(sql: str) -> str:
        return sql.replace("{role}", name).replace("{db}", field.name)

    alone(told(MADE[field.dialect]), *map(told, ROLES[field.dialect][role]))
    try:
        url = make_url(field.url).set(username=f"vf_{role}", password=None)
        yield replace(field, url=url.render_as_string(hide_password=False))
    finally:
        opened = [OPEN] if role == "filtered" else []
        alone(*opened, *told(LEFT[field.dialect]).split(";;"))


def outcomes(field: Field) -> dict[str, list[Any]]:
    """What every rule about databases and their servers says."""
    checks = [each for suite in SUITES.values() for each in vars(suite).values() if callable(each)]
    wanted = [each for each in checks if (rule := facts_of(each)) and rule.suite != "consistency"]
    return {rule.id: said for rule, said in Look({}).all_outcomes(wanted, field)}


def untold(said: Mapping[str, list[Any]]) -> dict[str, list[CannotTell]]:
    """The rules that cannot tell, each with why."""
    reasons = {id: [each for each in found if isinstance(each, CannotTell)] for id, found in said.items()}
    return {id: each for id, each in reasons.items() if each}


@pytest.fixture
def shop(field: Field) -> Iterator[Field]:
    """A place with a second table, which has a foreign key and a CHECK, and a view."""
    field.run(TABLES)
    yield field
    field.run("DROP VIEW words;;DROP TABLE parts")


@pytest.mark.parametrize("dialect", ROLES)
def test_every_rule_says_what_a_role_cannot_see(shop: Field, dialect: str) -> None:
    """Each role is told what it can see, and of the rest which right would mend it; who may SELECT sees all data."""
    admin = outcomes(shop)
    for role in ROLES[dialect]:
        with seen_by(shop, role) as theirs:
            said = outcomes(theirs)
        blind = untold(said)
        for id in untold(admin):
            blind.pop(id, None)
        assert all(map(mended, (each for reasons in blind.values() for each in reasons))), (role, blind)
        if role == "reader":
            assert {id.partition(".")[0] for id in blind} == {"readiness"}
        found = {id for id, each in said.items() if any(isinstance(one, Finding) for one in each)}
        wrong = {id for id, each in admin.items() if any(isinstance(one, Finding) for one in each)}
        assert found - wrong <= {"readiness.privileges", *MACHINE}, role
        sees_all = role == "reader" and dialect == "postgresql"
        privileged = all(isinstance(each, Evidence) for each in said["readiness.privileges"])
        assert privileged == sees_all, role


def mended(said: CannotTell) -> bool:
    """Does it say which right would mend it?"""
    return "GRANT" in said.remedy.upper() or "superuser" in said.remedy


MACHINE = {"readiness.cpu", "readiness.memory", "readiness.disk_space"}  # as busy as it is by itself
PLANTED = [
    (dialect, rule)
    for dialect in ROLES
    for rule, defect in DEFECTS[dialect].items()
    if rule.startswith("integrity.") and isinstance(defect.plant, str)
]


@pytest.mark.parametrize(("dialect", "rule"), PLANTED[:: 1 if soak.examples(1) > 1 else 4])
def test_a_defect_that_a_role_cannot_see_is_no_pass(field: Field, dialect: str, rule: str) -> None:
    """With the defect there, whoever may not read its table is not told that all is well with it."""
    defect = DEFECTS[dialect][rule]
    look = Look(defect.limits, defect.target, defect.plan)
    try:
        for script in filter(None, (defect.base, defect.plant)):
            field.run(str(script))
        objects = len(look.outcomes(rule, field))
        for role in ROLES[dialect]:
            with seen_by(field, role) as theirs:
                said = look.outcomes(rule, theirs)
            # A table that is not even listed has no item: readiness.privileges cannot tell then.
            assert len(said) < objects or not all(isinstance(each, Evidence) for each in said), (role, said)
    finally:
        if defect.undo.startswith("!"):
            field.alone(defect.undo[1:])
        elif defect.undo:
            field.run(defect.undo)
