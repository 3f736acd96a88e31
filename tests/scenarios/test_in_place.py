"""Chinook, migrated in place on each DBMS: what is declared is GO, each defect is NO-GO and named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests import samples
from tests.scenarios import chinook

PLAN = """
plan = "chinook in place"
[database]
url = "$CHINOOK"
[tables.{invoice}]
aggregate = {{ {total} = "sum({line}.{price} * {quantity})" }}
"""


@dataclass
class Site:
    """A folder with nothing but a plan, and the database that it is about."""

    dbms: str
    url: str
    folder: Path

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs pytest there as a user does."""
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        environment = {**os.environ, "CHINOOK": self.url}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def record(self, phase: str) -> dict[str, Any]:
        """The newest record of a phase."""
        newest = max(self.folder.glob(f"reports/*-{phase}-*/record.json"), key=lambda p: p.stat().st_mtime_ns)
        data: dict[str, Any] = json.loads(newest.read_text("utf-8"))
        return data


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Chinook on one DBMS: checked, migrated as declared, and checked again."""
    dbms = request.param
    data = Path(__file__).parents[3] / "shared" / "data"
    if not data.is_dir():
        pytest.skip("the sample databases are not beside the project (../shared/data)")
    folder = tmp_path_factory.mktemp(dbms)
    if dbms == "sqlite":
        (folder / "chinook.db").write_bytes((data / "chinook" / "Chinook_Sqlite.sqlite").read_bytes())
        url, server = f"sqlite:///{folder / 'chinook.db'}", None
    else:
        server = request.getfixturevalue(f"{dbms}_server")
        url = server.create()
        samples.chinook(url, data)
    chinook.execute(url, *chinook.ADDED[dbms], *chinook.ADDED_ROWS)
    yield _migrated(Site(dbms, url, folder))
    if server:
        server.drop(url)


def _migrated(site: Site) -> Site:
    p = chinook.NAMES[site.dbms].plain
    names = {"invoice": "Invoice", "total": "Total", "line": "InvoiceLine", "price": "UnitPrice"}
    plan = PLAN.format(quantity=p("Quantity"), **{word: p(name) for word, name in names.items()})
    (site.folder / "visionforge.toml").write_text(plan + chinook.changes(site.dbms), "utf-8")
    premigration = site.pytest("-m", "premigration")
    assert premigration.returncode == 0, premigration.stdout
    chinook.execute(site.url, *chinook.migration(site.dbms))
    postmigration = site.pytest("-m", "postmigration")
    assert postmigration.returncode == 0, postmigration.stdout
    return site


def test_a_declared_migration_is_go(site: Site) -> None:
    """What the plan declares, and nothing else, leads to GO before and after."""
    for phase in ("premigration", "postmigration"):
        record = site.record(phase)
        assert record["verdict"] == "GO"
        assert record["completeness"]["planned"] == record["completeness"]["ran"] > 40


def test_clean_totals_raise_no_alarm(site: Site) -> None:
    """The 412 totals of clean invoices are equal to the sums of their lines."""
    name = f"{chinook.NAMES[site.dbms].plain('Invoice')}.aggregate.{chinook.NAMES[site.dbms].plain('Total')}"
    (result,) = [each for each in site.record("premigration")["results"] if each["name"] == name]
    assert result["outcome"] == "passed"
    assert result["evidence"]["rows"] == 412


@pytest.mark.parametrize("number", range(11))
def test_a_planted_defect_is_named(site: Site, number: int) -> None:
    """Each defect alone is NO-GO, and the record names the row or object."""
    defect = chinook.defects(site.dbms)[number]
    chinook.execute(site.url, *defect.plant)
    try:
        done = site.pytest("-m", "postmigration")
    finally:
        chinook.execute(site.url, *defect.mend)
    assert done.returncode == 1, f"{defect}: {done.stdout}"
    record = site.record("postmigration")
    assert record["verdict"] == "NO-GO"
    violated = [json.dumps(each).lower() for each in record["results"] if each["outcome"] == "violated"]
    missing = [text for text in defect.says if not any(text.lower() in each for each in violated)]
    assert not missing, f"{defect}: {missing} not in {violated}"
