"""The console commands: what they do, what they say, how they end."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pytest_visionforge.backup import lock
from pytest_visionforge.cli import cli
from pytest_visionforge.cutover.alone import LOCK
from tests.cli.conftest import Console
from tests.record import site

PLAN = 'plan = "shop"\n[database]\nurl = "sqlite:///shop.db"\n'


class Desk:
    """A folder with a plan and a database, where somebody types commands."""

    def __init__(self, folder: Path, visionforge: Console) -> None:
        self.folder, self.visionforge = folder, visionforge
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


@pytest.fixture
def desk(tmp_path: Path, console: Console) -> Desk:
    """A folder with a plan and a database of two rows."""
    return Desk(tmp_path, console)


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
    desk.execute("UPDATE t SET v = 'x'")
    done = desk.visionforge("rollback", "--tables", "t", "--yes")
    assert done.returncode == 0, done.stderr
    assert desk.rows() == before


def test_nothing_is_put_back_without_a_yes(desk: Desk) -> None:
    """Without an answer nothing is changed."""
    desk.visionforge("backup", "create")
    desk.execute("DELETE FROM t")
    done = desk.visionforge("rollback")
    assert done.returncode == 2
    assert desk.rows() == []


@pytest.mark.parametrize("words", [(), ("--tables", "t")])
def test_no_way_back_beside_a_migration(desk: Desk, words: tuple[str, ...]) -> None:
    """While somebody migrates nothing is put back, not even one table; nor where an option names no table."""
    desk.visionforge("backup", "create")
    desk.execute("DELETE FROM t")
    (directory,) = {
        path.parent for path in desk.folder.rglob("journal.jsonl") if path.parent.name != "reports"
    }
    with lock.held(directory, "migrate", alone=True, name=LOCK, patience=0):
        done = desk.visionforge("rollback", *words, "--yes")
    assert (done.returncode, desk.rows()) == (3, []), done.stderr
    for wrong in (("--closure",), ("--tables", " , ")):
        assert desk.visionforge("rollback", *wrong, "--yes").returncode == 4
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
        (("backup", "creat"), 4, 'did you mean "create"?'),
        (("doctor", "--jsn"), 4, "Did you mean"),
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


PAGES = {"demo", "runbook", "completion"}  # what they print is a page, or a script


def _commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        if isinstance(command, click.Group):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def test_every_command_speaks_json() -> None:
    """What a command finds, a program can read; but for those that print a page."""
    without = {
        name
        for name, command in _commands(cli)
        if not any("--json" in option.opts for option in command.params)
    }
    assert without == PAGES


def test_json_is_all_that_is_printed(desk: Desk, tmp_path: Path) -> None:
    """A key, a signature, a report: each command's output is one JSON value, and the same facts."""
    made = json.loads(desk.visionforge("key", "ana.pem", "--json").stdout)
    assert json.dumps(made["public"]) in made["plan"]
    records = desk.folder / "reports"
    run = site.lay_out(records).name
    signed = json.loads(desk.visionforge("sign", run, "--key", "ana.pem", "--json").stdout)
    assert Path(signed["signature"]).is_file()
    assert (signed["record"], signed["verdict"]) == (run, "NO-GO")
    drawn = json.loads(desk.visionforge("report", "--json").stdout)
    assert all((desk.folder / path).is_file() for path in drawn.values())
    assert set(drawn) == {"page", "index"}


@pytest.mark.parametrize(("command", "status"), [("true", 0), ("false", 1)])
def test_a_migration_is_told_as_json(desk: Desk, command: str, status: int) -> None:
    """What happens meanwhile goes to the errors; the exit code is the same."""
    (desk.folder / "visionforge.toml").write_text(PLAN + f"[migration]\ncommand = {json.dumps(command)}\n")
    done = desk.visionforge("migrate", "--json")
    facts = json.loads(done.stdout)
    assert (done.returncode, facts["went_well"]) == (status, not status)
    assert [step["status"] for step in facts["steps"]] == [status]
    assert Path(facts["output"]).is_file()
