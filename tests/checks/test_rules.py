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
from pytest_visionforge.objects import OBJECTS
from pytest_visionforge.rulebook import ON, page
from pytest_visionforge.rules import Rule, facts_of, shipped
from pytest_visionforge.statements import PER_RULE, WrongFile, read, rules_in

MODULES = (readiness, integrity, consistency, expectations, recovery, baseline, smoke, performance)
PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


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


def test_the_page_of_rules_is_current() -> None:
    """docs/rules.md ends in what `visionforge rules --markdown` writes."""
    _, _, written = PAGE.read_text("utf-8").partition("visionforge rules --markdown -->\n\n")
    assert written == page(shipped()), "visionforge rules --markdown writes the new one"


def test_what_a_check_runs_on_has_words() -> None:
    """Whatever a check may be parametrized over is told in the lists of the rules."""
    assert ON.keys() >= OBJECTS.keys()


def test_the_files_of_a_rule_say_one_thing() -> None:
    """Law, severity and phases of a rule are the same in all its files, and every file tells the law."""
    for rule in shipped():
        for file in rule.statements.files if rule.statements else ():
            assert file["law"] == rule.law, file.path
            for key in PER_RULE:
                told = {each[key] for each in rule.statements.files if each[key]}  # type: ignore[union-attr]
                assert len(told) <= 1, (rule.id, key)


def test_a_condition_names_its_columns() -> None:
    """A condition says which columns it is about, and what it says of them."""
    for rule in shipped():
        for file in rule.statements.files if rule.statements else ():
            if file.is_condition:
                assert file["columns"] or file["types"], file.path
                assert "{column}" in file["says"], file.path
                assert "{column}" in file.sql, file.path


@pytest.mark.parametrize(
    "text",
    ["-- law: It holds.\n-- sevrity: warn\nSELECT 1", "-- law: It holds.", "-- on: everything\nSELECT 1"],
)
def test_a_file_that_is_wrong_is_told(text: str, tmp_path: Path) -> None:
    """A key that nobody knows, or a file without SQL, does not go unnoticed."""
    path = tmp_path / "readiness.new.sql"
    path.write_text(text)
    with pytest.raises(WrongFile, match=r"readiness\.new\.sql"):
        read(path)


def test_one_file_is_a_rule(tmp_path: Path) -> None:
    """The 198th rule takes one file: the same name in two folders is one rule."""
    for dialect in ("sqlite", "mysql"):
        (tmp_path / dialect).mkdir()
        (tmp_path / dialect / "readiness.new.sql").write_text(
            "-- law: It holds.\n-- why: Because\n--   it must.\n-- limits: least = 3\nSELECT :least;\n"
        )
    (found,) = rules_in(tmp_path, "readiness")
    assert (found.id, found.dialects, found.said("why")) == (
        "readiness.new",
        ("mysql", "sqlite"),
        "Because it must.",
    )
    assert found.of("sqlite")[0].sql == "SELECT :least"
    assert found.of("sqlite")[0].limits == {"least": 3.0}
    assert found.of("postgresql") == ()


@pytest.mark.parametrize("module", [integrity, consistency])
def test_integrity_and_consistency_run_before_and_after(module: ModuleType) -> None:
    """What must hold must hold before the migration, and after it."""
    once = {"integrity.sequences", "integrity.unique_on_target"}  # baseline and target look after it
    phases = {rule.phases for rule in _rules(module) if rule.id not in once}
    assert phases == {("premigration", "postmigration")}


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
