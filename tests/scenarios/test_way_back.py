"""The way back on each DBMS: a migration that went wrong, one command, and the proof of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import samples
from tests.scenarios import chinook
from tests.scenarios.site import Site

PLAN = 'plan = "there and back"\n[database]\nurl = "$CHINOOK"\n'
PROGRAM = "from pytest_visionforge.cli import main; main()"


@pytest.mark.parametrize("dbms", ["sqlite", "postgresql", "mariadb"])
def test_one_command_leads_back(
    request: pytest.FixtureRequest, tmp_path: Path, data: Path, dbms: str
) -> None:
    """After the rollback its own phase is GO, and so is postmigration: the database is the one it was."""
    url = str(request.getfixturevalue(dbms))
    samples.chinook(url, data)
    site = Site(tmp_path, {"CHINOOK": url})
    site.plan(PLAN)
    n = chinook.NAMES[dbms]
    assert site.pytest("-m", "premigration").returncode == 0
    chinook.execute(url, f"UPDATE {n('Invoice')} SET {n('Total')} = 0", f"DELETE FROM {n('PlaylistTrack')}")
    assert site.pytest("-m", "postmigration").returncode == 1
    assert site.pytest("-m", "rollback").returncode == 1
    back = site.run(sys.executable, "-c", PROGRAM, "rollback", "--yes")
    assert back.returncode == 0, back.stderr
    assert site.pytest("-m", "rollback").returncode == 0
    assert site.pytest("-m", "postmigration").returncode == 0
