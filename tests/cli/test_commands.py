"""The console commands: what they do, what they say, how they end."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

PLAN = 'plan = "shop"\n[database]\nurl = "sqlite:///shop.db"\n'
PROGRAM = "from pytest_visionforge.cli import main; main()"


class Desk:
    """A folder with a plan and a database, where somebody types commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "visionforge.toml").write_text(PLAN)
        self.execute(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')"
        )

    def execute(self, script: str) -> None:
        """Runs SQL on the database."""
        connection = sqlite3.connect(self.folder / "shop.db")
        connection.executescript(script)
        connection.close()

    def rows(self) -> list[tuple[object, ...]]:
        """What is in the table."""
        connection = sqlite3.connect(self.folder / "shop.db")
        found = connection.execute("SELECT * FROM t ORDER BY id").fetchall()
        connection.close()
        return found

    def visionforge(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command."""
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=self.folder,
            env={**os.environ, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A folder with a plan and a database of two rows."""
    return Desk(tmp_path)


def test_a_backup_is_created_listed_verified_and_restored(desk: Desk) -> None:
    """The four verbs of a backup do what they say."""
    made = desk.visionforge("backup", "create", "--json")
    assert made.returncode == 0, made.stderr
    id = json.loads(made.stdout)["id"]
    (listed,) = json.loads(desk.visionforge("backup", "list", "--json").stdout)
    assert (listed["id"], listed["level"]) == (id, "restored")
    assert desk.visionforge("backup", "verify", id[:12]).returncode == 0
    before = desk.rows()
    desk.execute("DELETE FROM t")
    restored = desk.visionforge("backup", "restore", id, "--yes")
    assert restored.returncode == 0, restored.stderr
    assert desk.rows() == before


@pytest.mark.parametrize("kind", ["schema", "data"])
def test_schema_and_data_have_backups_of_their_own(desk: Desk, kind: str) -> None:
    """What was asked for is what is kept."""
    assert desk.visionforge("backup", kind).returncode == 0
    (listed,) = json.loads(desk.visionforge("backup", "list", "--json").stdout)
    assert listed["kind"] == kind


def test_rollback_puts_the_proved_backup_back(desk: Desk) -> None:
    """After a migration that went wrong, one command leads back, and its own phase proves it."""
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m"]
    assert subprocess.run([*run, "premigration"], cwd=desk.folder, check=False).returncode == 0
    before = desk.rows()
    desk.execute("UPDATE t SET v = 'x'")
    assert subprocess.run([*run, "postmigration"], cwd=desk.folder, check=False).returncode == 1
    assert subprocess.run([*run, "rollback"], cwd=desk.folder, check=False).returncode == 1
    (record,) = desk.folder.glob("reports/*-postmigration-*")
    done = desk.visionforge("rollback", "--record", record.name, "--yes")
    assert done.returncode == 0, done.stderr
    assert desk.rows() == before
    assert subprocess.run([*run, "rollback"], cwd=desk.folder, check=False).returncode == 0


def test_rollback_leads_before_the_migration(desk: Desk) -> None:
    """A backup that was taken and proved after the damage is not what rollback puts back."""
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "premigration"]
    assert subprocess.run(run, cwd=desk.folder, check=False).returncode == 0
    before = desk.rows()
    desk.execute("DELETE FROM t")
    assert desk.visionforge("backup", "create").returncode == 0
    assert desk.visionforge("rollback", "--yes").returncode == 0
    assert desk.rows() == before


def test_nothing_is_put_back_without_a_yes(desk: Desk) -> None:
    """Without an answer nothing is changed."""
    desk.visionforge("backup", "create")
    desk.execute("DELETE FROM t")
    done = desk.visionforge("rollback")
    assert done.returncode == 2
    assert desk.rows() == []


def test_no_proved_backup_no_rollback(desk: Desk) -> None:
    """What has not proved that it restores is not put over a database."""
    desk.visionforge("backup", "create", "--no-verify")
    done = desk.visionforge("rollback", "--yes")
    assert done.returncode == 3
    assert "visionforge backup verify" in done.stderr


def test_a_rule_explains_itself(desk: Desk) -> None:
    """`explain` finds a rule by its id, its word or a check's name."""
    for name in ("integrity.accepted", "accepted", "orders.accepted.status"):
        done = desk.visionforge("explain", name)
        assert done.returncode == 0
        assert done.stdout.startswith("integrity.accepted\n")
    facts = json.loads(desk.visionforge("explain", "accepted", "--json").stdout)
    assert facts["phases"] == ["premigration", "postmigration"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("explain", "integrity.uniqe"), 4, 'did you mean "integrity.unique"?'),
        (("bakup",), 4, 'did you mean "backup"?'),
        (("backup", "list", "--plan", "nowhere.toml"), 4, "there is no such plan"),
        (("backup", "verify"), 3, "visionforge backup create"),
        (("backup", "verify", "../../etc"), 3, "cannot be the id of a backup"),
        (("rollback", "--record", "nothing", "--yes"), 3, "cannot be read"),
    ],
)
def test_a_users_mistake_is_one_message(desk: Desk, arguments: tuple[str, ...], code: int, says: str) -> None:
    """What was tried, what was found, how to mend it; no traceback."""
    done = desk.visionforge(*arguments)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_help_shows_examples(desk: Desk) -> None:
    """Each command's help has a line to copy."""
    for command in (
        (),
        ("backup",),
        ("backup", "create"),
        ("backup", "verify"),
        ("rollback",),
        ("demo",),
        ("explain",),
    ):
        assert "visionforge" in desk.visionforge(*command, "--help").stdout.partition("\n")[2]
