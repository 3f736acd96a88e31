"""A cutover with writers still on is NO-GO: rows that changed after the baseline are found and named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.cutover.project import execute
from tests.scenarios.site import Site
from tests.soak import SOAK

TABLES = (
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, total INTEGER, changed TIMESTAMP NULL)",
    "INSERT INTO orders VALUES (1, 10, '2024-01-01 10:00:00'), (2, 20, '2024-01-02 10:00:00'), (3, 30, NULL)",
)
PLAN = """
plan = "shop"
[source]
url = "$SHOP_DB"
[target]
url = "$SHOP_NEW_DB"
[limits]
cpu = "100%"
memory = "100%"
[tables.orders]
changed_at = "changed"
"""
PARTS = "postmigration and baseline"


@pytest.fixture
def source(url: str, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Site, str]:
    """A source (on each DBMS in a soak), its premigration, and its copy on SQLite as the target."""
    if not SOAK and request.node.callspec.params["url"] != "mariadb":
        pytest.skip("only under VISIONFORGE_SOAK=1: it takes its time")
    target = tmp_path / "new.db"
    source_url = url
    execute(source_url, *TABLES)
    target.touch()
    execute(f"sqlite:///{target}", *(text.replace("TIMESTAMP NULL", "TIMESTAMP") for text in TABLES))
    here = Site(tmp_path, {"SHOP_DB": source_url, "SHOP_NEW_DB": f"sqlite:///{target}"})
    here.plan(PLAN)
    here.pytest("-m", "premigration and baseline")
    return here, source_url


def test_a_write_after_the_baseline_is_named(source: tuple[Site, str]) -> None:
    """A row of the source that changed later is found by its time, one without a time by its digest."""
    here, url = source
    here.pytest("-m", PARTS, "-k", "recent_changes or quiet_source")
    assert here.violated("postmigration") == {}
    outcomes = {each["rule"]: each["outcome"] for each in here.record("postmigration")["results"]}
    assert outcomes == {"baseline.recent_changes": "passed", "baseline.quiet_source": "passed"}
    execute(
        url,
        "UPDATE orders SET total = 31 WHERE id = 3",
        "UPDATE orders SET changed = '2037-01-01' WHERE id = 2",
    )
    here.pytest("-m", PARTS, "-k", "recent_changes or quiet_source")
    violated = {each["rule"]: each["finding"] for each in here.violated("postmigration").values()}
    assert violated["baseline.recent_changes"]["count"] == 1
    assert violated["baseline.recent_changes"]["sample"][0]["key"] == {"id": "2"}
    assert "orders: 3 rows, then 3" in violated["baseline.quiet_source"]["says"]


def test_in_place_a_writer_beside_the_migration_is_named(tmp_path: Path, sqlite: str) -> None:
    """In place, a row that was written while the migration ran is named; a time that the plan declares is not."""
    execute(sqlite, *TABLES)
    here = Site(tmp_path, {"SHOP_DB": sqlite})
    plan = PLAN.replace(
        '[source]\nurl = "$SHOP_DB"\n[target]\nurl = "$SHOP_NEW_DB"', '[database]\nurl = "$SHOP_DB"'
    )
    here.plan(plan)
    here.pytest("-m", "premigration and baseline")
    database = Path(str(make_url(sqlite).database))
    shutil.copy(database, tmp_path / "before.db")
    execute(sqlite, "UPDATE orders SET total = 31, changed = '2037-01-01' WHERE id = 1")
    here.pytest("-m", PARTS, "-k", "recent_changes")
    assert list(here.violated("postmigration")) == ["orders.recent_changes.changed"]
    here.plan(plan + "[changes.tables.orders]\ncolumns.values = { changed = \"'2037-01-01'\" }\n")
    here.pytest("-m", PARTS, "-k", "recent_changes")
    assert here.violated("postmigration") == {}
