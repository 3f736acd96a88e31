"""The rules of the way back, on backups of a small database."""

from __future__ import annotations

from pathlib import Path

from checks.recovery import check_retention
from pytest_visionforge import Evidence, Finding
from pytest_visionforge.backup import verify
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.sections import Address, BackupPlan, RecordPlan
from tests.backup.shop import back_up, fill


def test_retention_finds_what_nothing_keeps(sqlite: str, tmp_path: Path) -> None:
    """A backup that no rule keeps takes room for nothing; as long as each is kept, all is in order."""
    address = Address(fill(sqlite), "sqlite:///test.db")
    keep = BackupPlan(tmp_path / "backups", keep={"last": 2})
    record = RecordPlan(tmp_path / "reports")
    plan = Plan("shop", tmp_path, "0" * 64, address, address, backup=keep, record=record)
    made = [back_up(sqlite, plan.backup.directory) for _ in range(2)]
    for each in made:
        verify(each)
    found = check_retention(plan, "last")
    assert isinstance(found, Evidence)
    assert "last keeps 2" in str(found)
    verify(back_up(sqlite, plan.backup.directory))
    found = check_retention(plan, "last")
    assert isinstance(found, Finding)
    assert f"1 of 3 backups are kept by nothing: {made[0].id}" in str(found)
