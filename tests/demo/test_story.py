"""The whole story, by the programs that a user types."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pytest_visionforge.demo.demo import run
from pytest_visionforge.demo.generate import generate
from pytest_visionforge.outcome import Outcome, Verdict
from pytest_visionforge.record import newest

SCALE = 0.2  # enough for invoice 1234


def dump(directory: Path) -> list[str]:
    """The demo's database as SQL."""
    connection = sqlite3.connect(directory / "visionforge.db")
    lines = list(connection.iterdump())
    connection.close()
    return lines


def test_the_broken_migration_is_found_and_undone(tmp_path: Path) -> None:
    """The record names the row with both values; after the rollback the database is the one of before."""
    said: list[str] = []
    directory = tmp_path / "demo"
    assert run(directory, scale=SCALE, echo=said.append) == 0, "\n".join(said)
    after = newest(directory / "reports", phase="postmigration")
    assert after is not None
    assert after.verdict is Verdict.NO_GO
    rows = [
        (row.key, row.before, row.after)
        for found in after.results
        if found.outcome is Outcome.VIOLATED and found.finding
        for row in found.finding.sample
        if "amount" in row.before
    ]
    assert len(rows) == 1
    (key, before, now) = rows[0]
    assert (key["id"], before["amount"]) == ("1234", "19.9975")
    assert float(now["amount"] or 0) == 20
    connection = sqlite3.connect(directory / "visionforge.db")
    assert connection.execute("select amount from invoices where id = 1234").fetchone() == (19.9975,)
    assert connection.execute("select version_num from alembic_version").fetchone() == ("0001",)
    connection.close()


def test_the_fixed_migration_ends_in_go(tmp_path: Path) -> None:
    """Without the mistake, everything that the plan declares is all that changed."""
    said: list[str] = []
    assert run(tmp_path / "demo", fixed=True, scale=SCALE, echo=said.append) == 0, "\n".join(said)
    after = newest(tmp_path / "demo" / "reports", phase="postmigration")
    assert after is not None
    assert after.verdict is Verdict.GO


def test_the_data_after_the_rollback_are_those_of_before(tmp_path: Path) -> None:
    """Every row and every object of the schema is as it was generated."""
    run(tmp_path / "demo", scale=0.05, echo=lambda _: None)
    (tmp_path / "fresh").mkdir()
    generate(f"sqlite:///{tmp_path / 'fresh' / 'visionforge.db'}", scale=0.05)
    assert sorted(dump(tmp_path / "demo")) == sorted(dump(tmp_path / "fresh"))
