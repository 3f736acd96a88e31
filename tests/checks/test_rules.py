"""The rules as they are declared, and as the documentation tells them."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType

import pytest

from checks import (
    baseline,
    consistency,
    expectations,
    integrity,
    kinds,
    performance,
    readiness,
    recovery,
    smoke,
)
from pytest_visionforge.database import Column
from pytest_visionforge.rules import Rule, facts_of

MODULES = (readiness, integrity, consistency, expectations, recovery, baseline, smoke, performance)
PAGE = Path(__file__).parents[2] / "docs" / "checks.md"


def _rules(module: ModuleType) -> list[Rule]:
    names = [name for name in vars(module) if name.startswith("check_")]
    functions = [vars(module)[name] for name in names if inspect.isfunction(vars(module)[name])]
    rules = [facts_of(function) for function in functions]
    assert all(rules), f"a check of {module.__name__} is not declared with @rule"
    return [rule for rule in rules if rule]


@pytest.mark.parametrize("module", MODULES)
def test_rules_tell_their_law_why_and_remedy(module: ModuleType) -> None:
    """Every rule states a law, says why it matters or how to mend it, and when it runs."""
    for rule in _rules(module):
        assert rule.law.endswith("."), rule.id
        assert rule.why or rule.remedy, rule.id
        assert rule.phases, rule.id


@pytest.mark.parametrize("module", MODULES)
def test_the_page_of_rules_is_true(module: ModuleType) -> None:
    """docs/checks.md tells every rule with its law."""
    page = " ".join(PAGE.read_text("utf-8").split())
    for rule in _rules(module):
        assert f"`{rule.id}`" in page, rule.id
        assert rule.law in page, rule.law


@pytest.mark.parametrize("module", [integrity, consistency])
def test_integrity_and_consistency_run_before_and_after(module: ModuleType) -> None:
    """What must hold must hold before the migration, and after it."""
    assert {rule.phases for rule in _rules(module)} == {("premigration", "postmigration")}


KINDS = {
    "integer": ("INTEGER", "bigint(20) unsigned", "int8", "bigserial"),
    "number": ("NUMERIC(10,2)", "double precision", "float", "REAL", "money"),
    "text": ("character varying(40)", "longtext", "enum('int','date')", "NVARCHAR(9)"),
    "moment": ("timestamp without time zone", "datetime(6)"),
    "date": ("DATE",),
    "boolean": ("boolean", "BOOL"),
    "bytes": ("BLOB", "bytea", "varbinary(16)"),
    "other": ("interval", "point", "integer[]", "uuid", "", "time without time zone"),
}


@pytest.mark.parametrize(("kind", "type"), [(kind, type) for kind in KINDS for type in KINDS[kind]])
def test_kinds(kind: str, type: str) -> None:
    """The name of a type says what kind of value a column holds."""
    assert kinds.kind_of(Column("c", type)) == kind


TOLERANCES = {
    "NUMERIC(10,2)": "0.005", "decimal(12, 4)": "0.00005", "double(8,3)": "0.0005", "numeric(10,0)": "0.5",
    "decimal(10)": "0.5", "int(11)": "0", "REAL": "None", "numeric": "None",
}  # fmt: skip


@pytest.mark.parametrize(("type", "tolerance"), TOLERANCES.items())
def test_tolerances(type: str, tolerance: str) -> None:
    """The tolerance of a column is half a unit of its last declared decimal."""
    allowed = kinds.tolerance_of(Column("c", type))
    assert (f"{allowed:f}" if allowed is not None else "None") == tolerance
