"""The good migration does what the plan declares, and the broken one exactly two things more."""

from __future__ import annotations

from argparse import Namespace
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, inspect

from pytest_visionforge.demo.demo import HOME, lay_out
from pytest_visionforge.demo.generate import generate
from pytest_visionforge.demo.tables import connect
from tests.demo.samples import Upgrade, rows

UNTOUCHED = ("projects", "invoices", "invoice_lines", "payments", "audit_events")
KEPT = {
    "accounts": "id, email, country, phone, tier, credit_limit, active, created_at",
    "models": "id, project_id, parent_id, name, version, accuracy, settings, created_at",
    "runs": "id, model_id, asset_id, retry_of, status, note, created_at, started_at, finished_at",
}


def content(engine: Engine, table: str, columns: str = "*") -> list[str]:
    """The rows of a table as a sorted multiset."""
    return sorted(map(repr, rows(engine, f"select {columns} from {table}")))


def shape(engine: Engine, table: str) -> dict[str, Any]:
    """Constraints and indexes of a table, by name."""
    seen = inspect(engine)
    return {
        "key": seen.get_pk_constraint(table)["constrained_columns"],
        "foreign": {(k["name"], *k["constrained_columns"]) for k in seen.get_foreign_keys(table)},
        "unique": {(k["name"], *k["column_names"]) for k in seen.get_unique_constraints(table)},
        "checks": {k["name"] for k in seen.get_check_constraints(table)},
        "indexes": {(k["name"], *k["column_names"]) for k in seen.get_indexes(table)},
    }


def test_names_are_split_at_the_first_blank(engine: Engine, upgrade: Upgrade) -> None:
    """First_name and last_name are the first word and the rest, '' where there is none."""
    names = rows(engine, "select id, name from accounts order by id")
    upgrade(engine, fixed=True)
    split = rows(engine, "select id, first_name, last_name from accounts order by id")
    assert split == [(number, name.partition(" ")[0], name.partition(" ")[2]) for number, name in names]


def test_the_schema_changes_as_declared(engine: Engine, upgrade: Upgrade) -> None:
    """Columns, a table's name and a width change; keys, checks, indexes, the view and the log stay."""
    before = {table: shape(engine, table) for table in (*UNTOUCHED, *KEPT, "assets")}
    upgrade(engine, fixed=True)
    seen = inspect(engine)
    assert {"name", "fax"}.isdisjoint(column["name"] for column in seen.get_columns("accounts"))
    assert "assets" not in seen.get_table_names()
    width = next(column["type"] for column in seen.get_columns("models") if column["name"] == "name")
    assert getattr(width, "length", None) == 200
    assert rows(engine, "select distinct priority from runs") == [(0,)]
    assert seen.get_view_names() == ["account_balances"]
    assert {t: shape(engine, "media" if t == "assets" else t) for t in before} == before
    assert rows(engine, "select version_num from alembic_version") == [("0002",)]


def test_the_good_migration_changes_no_other_value(engine: Engine, upgrade: Upgrade) -> None:
    """Every row and column that is not declared to change comes out as it was."""
    wanted = {**dict.fromkeys(UNTOUCHED, "*"), **KEPT}
    before = {table: content(engine, table, columns) for table, columns in wanted.items()}
    assets = content(engine, "assets")
    upgrade(engine, fixed=True)
    assert {table: content(engine, table, columns) for table, columns in wanted.items()} == before
    assert content(engine, "media") == assets


def test_the_broken_migration_rounds_one_row_and_loses_one_index(engine: Engine, upgrade: Upgrade) -> None:
    """One amount differs, 19.9975 became 20, and one index is gone: no other defect hides the first."""
    columns = "id, amount"
    before = set(rows(engine, f"select {columns} from invoices"))
    others = [table for table in UNTOUCHED if table != "invoices"]
    unchanged = {table: content(engine, table) for table in others}
    indexes = shape(engine, "invoices")["indexes"]
    upgrade(engine, fixed=False)
    ((number, was),) = before - set(rows(engine, f"select {columns} from invoices"))
    ((same, now),) = set(rows(engine, f"select {columns} from invoices")) - before
    assert (float(was), float(now), same) == (19.9975, 20.0, number)
    assert indexes - shape(engine, "invoices")["indexes"] == {("ix_invoices_due_at", "due_at")}
    assert {table: content(engine, table) for table in others} == unchanged


def test_the_broken_migration_is_the_good_one_and_lines_more() -> None:
    """The two variants cannot drift apart: the broken one only adds lines."""
    name = "0002_split_account_name.py"
    good, broken = (
        (HOME / "migrations" / folder / name).read_text("utf-8").splitlines()
        for folder in ("versions", "broken")
    )
    changed = [line for line in unified_diff(good, broken, lineterm="", n=0) if line[:1] in "+-"][2:]
    removed = [line for line in changed if line[0] == "-"]
    assert removed == [f'-"""{good[0][3:]}'] or not removed
    assert any("round(" in line for line in changed)


def test_the_base_makes_what_the_generator_makes(url: str, upgrade: Upgrade, tmp_path: Path) -> None:
    """Revision 0001 on an empty database gives the schema of a generated one."""
    generate(f"sqlite:///{tmp_path / 'made.db'}", scale=0.001)
    made, empty = connect(f"sqlite:///{tmp_path / 'made.db'}"), connect(url)
    upgrade(empty, fixed=True, revision="0001")
    assert set(inspect(empty).get_table_names()) == set(inspect(made).get_table_names())
    assert inspect(empty).get_view_names() == inspect(made).get_view_names()
    for engine in (made, empty):
        engine.dispose()


def test_without_an_address_nothing_is_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no default database: the error names the variable."""
    monkeypatch.delenv("VISIONFORGE_DEMO_DB", raising=False)
    lay_out(tmp_path, fixed=True)
    with pytest.raises(CommandError, match="set VISIONFORGE_DEMO_DB"):
        command.upgrade(Config(tmp_path / "alembic.ini"), "head")


def test_the_address_may_be_given_on_the_command_line(sqlite: str, tmp_path: Path) -> None:
    """`alembic -x url=...` names the database."""
    generate(sqlite, scale=0.001)
    lay_out(tmp_path / "project", fixed=True)
    given = Namespace(x=[f"url={sqlite}"])
    command.upgrade(Config(tmp_path / "project" / "alembic.ini", cmd_opts=given), "head")
    engine = connect(sqlite)
    assert rows(engine, "select version_num from alembic_version") == [("0002",)]
    engine.dispose()
