"""The page on the plan file is true and complete."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from pytest_visionforge.plan import sections, tables
from pytest_visionforge.plan.values.changes import ColumnChanges, Declared, TableChange
from pytest_visionforge.plan.values.rules import BusinessRule, Calculated, Expectation, NotNull, TablePlan
from pytest_visionforge.plan.values.sections import (
    BackupPlan,
    Environment,
    Limits,
    Migration,
    RecordPlan,
    System,
    Waiver,
)
from tests.plan import samples

PAGE = (Path(__file__).parents[2] / "docs" / "plan.md").read_text("utf-8")
DATABASE = '[database]\nurl = "$SHOP_DB"\n'


@pytest.mark.parametrize("block", re.findall(r"```toml\n(.*?)```", PAGE, re.S))
def test_every_example_is_a_plan(block: str) -> None:
    """What the page shows can be put into a plan as it stands."""
    has_database = "[database]" in block or "[source]" in block
    start = "" if "plan =" in block else 'plan = "shop"\n' + ("" if has_database else DATABASE)
    assert samples.errors(start + block) == []


def test_the_errors_on_the_page_are_those_that_are_told() -> None:
    """The page's examples of errors are word for word what the plan says."""
    text = """
        plan = "shop"
        [source]
        url = "$SHOP_OLD_DB"
        [target]
        url = "$SHOP_NEW_DB"
        [tables.orders]
        acepted = { status = ["new"] }
        range = { total = "9..1" }
        [[waivers]]
        check = "orders.accepted.status"
        reason = "r"
        by = "b"
        until = "2026-12-31"
    """
    environ = {"SHOP_NEW_DB": "sqlite:///new.db"}
    files = {"rules/settled.sql": "-- severity: wran\nselect 1"}
    (shown,) = re.findall(r"```\n(visionforge.toml: .*?)```", PAGE, re.S)
    told = samples.errors(text, environ=environ, files=files)
    assert [line.removeprefix("visionforge.toml: ") for line in shown.splitlines()] == told


MADE: tuple[type[Any], ...] = (
    *(TablePlan, NotNull, Calculated, Expectation, BusinessRule),
    *(ColumnChanges, Declared, TableChange, Waiver, Migration),
    *(Environment, System, BackupPlan, Limits, RecordPlan),
)
ELSEWHERE = ("plan", "tables", "changes", "rules", "backup", "record")
OF_LISTS = ("url", "status", "body", "response_time", "slowdown", "command", "name")


def test_every_key_is_on_the_page() -> None:
    """No key of the plan is left for the reader to guess."""
    keys = {*tables.WORDS, *sections.READERS, *ELSEWHERE, *OF_LISTS}
    keys |= {field.name for made in MADE for field in fields(made)} - {"path", "table"}
    assert sorted(key for key in keys if not re.search(rf"\b{key}\b", PAGE)) == []
