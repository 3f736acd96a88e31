"""A folder with a small shop on SQLite and the shortest plan."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

PLAN = """
plan = "shop"
[database]
url = "sqlite:///shop.db"
"""

SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL, country TEXT);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), total NUMERIC(10, 2));
INSERT INTO customers VALUES (1, 'ana@example.org', 'DE'), (2, 'bo@example.org', 'NO');
INSERT INTO orders VALUES (10, 1, 9.99), (11, 2, 20), (12, 2, 0.5);
"""


class Shop:
    """What a user has: a folder, a database, a plan."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.plan()
        self.execute(SHOP)

    def plan(self, more: str = "", whole: str = PLAN) -> None:
        """Writes the plan."""
        (self.path / "visionforge.toml").write_text(whole + more, "utf-8")

    def execute(self, script: str) -> None:
        """Runs SQL on the database."""
        connection = sqlite3.connect(self.path / "shop.db")
        connection.executescript(script)
        connection.close()

    def run(self, *arguments: str) -> pytest.RunResult:
        """Runs pytest there as a user does."""
        return self.pytester.runpytest_subprocess("-p", "no:hypothesispytest", *arguments)

    def records(self, phase: str = "*") -> list[dict[str, Any]]:
        """The records, oldest first."""
        found = sorted(self.path.glob(f"reports/*-{phase}-*/record.json"), key=lambda p: p.stat().st_mtime_ns)
        return [json.loads(path.read_text("utf-8")) for path in found]

    def record(self, phase: str = "*") -> dict[str, Any]:
        """The newest record."""
        return self.records(phase)[-1]

    def outcomes(self, phase: str = "*") -> dict[str, str]:
        """The outcome of each check by its name."""
        return {each["name"]: each["outcome"] for each in self.record(phase)["results"]}

    @property
    def reports(self) -> Path:
        """The newest record's folder."""
        return max(self.path.glob("reports/*/"), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture
def shop(pytester: pytest.Pytester) -> Shop:
    """A small shop, clean."""
    return Shop(pytester)
