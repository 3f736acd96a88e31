"""The drafted plan is a plan, as it stands and with every suggestion taken, whatever things are called."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, make_url
from sqlalchemy import text as sql_text

from pytest_visionforge.draft import draft, page
from pytest_visionforge.draft.toml import key, value, words
from pytest_visionforge.plan import read
from pytest_visionforge.plan.values.rules import TableRule
from pytest_visionforge.plan.values.sections import Address
from tests import samples
from tests.scenarios.site import Site
from tests.servers import Server
from tests.soak import SOAK, examples

PROGRAM = "from pytest_visionforge.cli import main; main()"

ODD = (
    "a b",
    "it's",
    'say "so"',
    "a.b",
    "zeile\nzwei",
    "größe",
    "#x",
    "[y]",
    "order",
    "<img src=x onerror=1>",
    "c\\d",
)


def taken(text: str) -> str:
    """The plan with every suggestion taken."""
    return re.sub(r"(?m)^#(?=\S)", "", text)


@pytest.mark.hypothesis
@settings(max_examples=examples(60), deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_toml(name: str, text: str) -> None:
    """A key and a value come back as they were, and a comment ends where its line does."""
    found = tomllib.loads(f"{key(name)} = {value([text, 1, True])}   # {words(text)}\nend = 1")
    assert found == {name: [text, 1, True], "end": 1}


def test_odd_names_are_read_back(tmp_path: Path) -> None:
    """Tables and columns of any name: the plan reads, and with all suggestions every rule holds on them."""
    path = tmp_path / "odd.db"
    with closing(sqlite3.connect(path)) as connection:
        for name in ODD:
            quoted = '"' + name.replace('"', '""') + '"'
            column = '"v' + quoted[1:]
            connection.execute(f"CREATE TABLE {quoted} (id INTEGER PRIMARY KEY, {column} INTEGER, t TEXT)")
            for n in range(30):
                state = f"{name} {n % 2}"
                connection.execute(f"INSERT INTO {quoted} VALUES (?, ?, ?)", (n, n, state))
        connection.commit()
    url = f"sqlite:///{path}"
    found = draft(Address(url, "odd"))
    assert {sight.table.name for sight in found.sights.values()} == set(ODD)
    text = page(found, 'the "odd" shop', [url], tmp_path)
    (tmp_path / "visionforge.toml").write_text(text, "utf-8")
    assert read(tmp_path / "visionforge.toml", {}).name == 'the "odd" shop'
    (tmp_path / "visionforge.toml").write_text(taken(text), "utf-8")
    rules = list(read(tmp_path / "visionforge.toml", {}).rules_of(TableRule))
    assert len(rules) == found.suggestions >= 2 * len(ODD) - 2


def test_a_migration_tool_is_recognised(tmp_path: Path) -> None:
    """What lies beside the plan says how it is migrated."""
    samples.execute(f"sqlite:///{_new(tmp_path)}", "CREATE TABLE t (id INTEGER PRIMARY KEY)")
    found = draft(Address(f"sqlite:///{tmp_path / 'new.db'}", "new"))
    assert "alembic" not in page(found, "p", ["$DB"], tmp_path)
    (tmp_path / "alembic.ini").touch()
    assert '#command = "alembic upgrade head"' in page(found, "p", ["$DB"], tmp_path)


def _new(folder: Path) -> Path:
    path = folder / "new.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")
    return path


def test_what_cannot_be_read_is_said(postgresql_server: Server, postgresql: str, tmp_path: Path) -> None:
    """A table that the role may not read, or sees only in part: the plan says so, and reads."""
    samples.execute(
        postgresql,
        *(f"CREATE TABLE {name} (id INT PRIMARY KEY)" for name in ("seen", "denied", "partly")),
        "ALTER TABLE partly ENABLE ROW LEVEL SECURITY",
    )
    postgresql_server.run("CREATE ROLE vf_draft LOGIN")
    try:
        samples.execute(postgresql, "GRANT SELECT ON seen, partly TO vf_draft")
        url = make_url(postgresql).set(username="vf_draft").render_as_string(hide_password=False)
        text = page(draft(Address(url, "weak")), "weak", ["$SHOP_DB"], tmp_path)
    finally:
        samples.execute(postgresql, "DROP OWNED BY vf_draft")
        postgresql_server.run("DROP ROLE vf_draft")
    assert re.search(r"(?m)^\[tables\.denied\] .*not read: permission denied", text)
    assert re.search(r"(?m)^\[tables\.seen\] .*0 rows", text)
    assert re.search(r"(?m)^# NOT SEEN: .*partly", text)
    assert set(tomllib.loads(text)["tables"]) == {"seen", "denied", "partly"}


def test_a_table_that_is_locked_holds_nothing_up(postgresql: str, tmp_path: Path) -> None:
    """What is not read in time is named, and the rest of the plan is there."""
    samples.execute(postgresql, "CREATE TABLE held (id INT PRIMARY KEY)", "CREATE TABLE free (id INT)")
    engine = create_engine(postgresql)
    with engine.connect() as other:
        other.execute(sql_text("LOCK TABLE held IN ACCESS EXCLUSIVE MODE"))
        found = draft(Address(postgresql, "busy"))
        other.rollback()
    engine.dispose()
    assert (found.sights["held"].rows, found.sights["free"].rows) == (None, 0)
    assert "not read: cancel" in page(found, "busy", ["$SHOP_DB"], tmp_path)


@pytest.mark.parametrize("dbms", ["sqlite", "postgresql", "mariadb"])
@pytest.mark.parametrize("sample", ["chinook", "employees"])
def test_samples_are_go_as_drafted(
    request: pytest.FixtureRequest, tmp_path: Path, data: Path, sample: str, dbms: str
) -> None:
    """The plan of a real database is GO: Employees' as it was written, Chinook's with every suggestion taken.

    (In a soak both are taken; that a plan runs as it was written is also seen in tests/cli/test_init.py.)
    """
    url = str(request.getfixturevalue(dbms))
    getattr(samples, sample)(url, data)
    site = Site(tmp_path, {"SHOP_DB": url})
    done = site.run(sys.executable, "-c", PROGRAM, "init", "$SHOP_DB", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["all_tried"]
    text = (tmp_path / "visionforge.toml").read_text("utf-8")
    assert all(f"[tables.{name}]" in text for name in facts["tables"])
    site.plan(taken(text) if sample == "chinook" or SOAK else text)
    rules = {rule.name for rule in read(tmp_path / "visionforge.toml", site.environment).rules_of(TableRule)}
    assert len(rules) == (facts["suggestions"] if sample == "chinook" or SOAK else 0)
    done = site.pytest("-q", "-m", "premigration")
    assert done.returncode == 0, done.stdout
    passed = {each["name"] for each in site.record("premigration")["results"] if each["outcome"] == "passed"}
    assert rules <= passed
