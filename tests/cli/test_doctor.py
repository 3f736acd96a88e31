"""`visionforge doctor`: what is wrong is named, with what mends it; what is well is well."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests import samples
from tests.cli.conftest import Console
from tests.servers import Server

PLAN = 'plan = "shop"\n[database]\nurl = "$SHOP_DB"\n'
SQLITE = {"SHOP_DB": "sqlite:///shop.db"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a database and the shortest plan."""
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
    connection.close()
    (tmp_path / "visionforge.toml").write_text(PLAN)
    return tmp_path


Doctor = Callable[..., dict[str, dict[str, str]]]


@pytest.fixture
def doctor(console: Console) -> Doctor:
    """What the doctor says, by what it is about."""

    def ask(
        folder: Path, environ: Mapping[str, str], *arguments: str, code: int | None = None
    ) -> dict[str, dict[str, str]]:
        done = console("doctor", "--json", *arguments, folder=folder, **environ)
        assert "Traceback" not in done.stderr
        looks = json.loads(done.stdout)
        states = [look["state"] for look in looks]
        assert done.returncode == (1 if "wrong" in states else 3 if "unknown" in states else 0), done.stdout
        assert code in (None, done.returncode), done.stdout
        assert all(look["remedy"] for look in looks if look["state"] != "ok" and look["about"] != "plan")
        return {look["about"]: look for look in looks}

    return ask


@pytest.mark.parametrize("dbms", ["sqlite", "postgresql", "mariadb"])
def test_all_is_well(request: pytest.FixtureRequest, folder: Path, dbms: str, doctor: Doctor) -> None:
    """On each DBMS: everything is looked at, nothing is wrong, and nothing is left of the trial."""
    url = SQLITE["SHOP_DB"] if dbms == "sqlite" else str(request.getfixturevalue(dbms))
    if dbms != "sqlite":
        samples.execute(url, "CREATE TABLE t (id INT PRIMARY KEY)")
    before = sorted(folder.rglob("*"))
    found = doctor(folder, {"SHOP_DB": url}, code=0)
    assert {"visionforge", "plan", "connect source", "privileges source", "clock source"} <= set(found)
    assert {"backup directory", "backup and scratch database", "disk backup"} <= set(found)
    assert "restored" in found["backup and scratch database"]["says"]
    assert sorted(folder.rglob("*")) == before


def test_no_plan(folder: Path, doctor: Doctor) -> None:
    """Without a plan it says so, and what is installed."""
    found = doctor(folder, {}, "--plan", "none.toml", code=1)
    assert "there is no such plan" in found["plan"]["says"]
    assert found["visionforge"]["state"] == "ok"


def test_a_plan_that_cannot_be_read(folder: Path, doctor: Doctor) -> None:
    """An error of the plan is told as the plan tells it."""
    (folder / "visionforge.toml").write_text(f"{PLAN}[backup]\ndirectroy = 'b'\n")
    assert 'did you mean "directory"?' in doctor(folder, SQLITE, code=1)["plan"]["says"]


def test_a_database_that_is_not_there(folder: Path, doctor: Doctor) -> None:
    """What does not answer is wrong; what hangs on it is unknown, and no pass."""
    found = doctor(folder, {"SHOP_DB": "sqlite:///gone.db"}, code=1)
    assert found["connect source"]["state"] == "wrong"
    assert found["privileges source"]["state"] == "unknown"
    assert found["backup and scratch database"]["state"] == "unknown"
    assert not (folder / "gone.db").exists()


def test_a_directory_that_cannot_be_made(folder: Path, doctor: Doctor) -> None:
    """Backups need a directory."""
    (folder / "file").touch()
    (folder / "visionforge.toml").write_text(f"{PLAN}[backup]\ndirectory = 'file/backups'\n")
    found = doctor(folder, SQLITE, code=1)["backup directory"]
    assert (found["state"], "Not a directory" in found["says"]) == ("wrong", True)


def test_a_directory_in_which_everybody_writes(folder: Path, doctor: Doctor) -> None:
    """Who else may write where backups lie is doubtful, and what mends it is said."""
    (folder / "backups").mkdir()
    (folder / "backups").chmod(0o777)
    found = doctor(folder, SQLITE)["backup directory"]
    assert (found["state"], "chmod -R go-w" in found["says"]) == ("doubtful", True)


def test_what_the_plan_needs_and_is_not_there(folder: Path, doctor: Doctor) -> None:
    """Programs, packages and variables that the plan names."""
    needs = '[environment]\nprograms = ["pg_dumb>=15"]\npackages = ["alembic>=99"]\nvariables = ["NOT_SET"]\n'
    (folder / "visionforge.toml").write_text(PLAN + needs)
    found = doctor(folder, SQLITE, code=1)
    wrong = {about for about, look in found.items() if look["state"] == "wrong"}
    assert wrong == {"programs pg_dumb>=15", "packages alembic>=99", "variables NOT_SET"}


def test_a_role_without_rights(
    folder: Path, postgresql_server: Server, postgresql: str, doctor: Doctor
) -> None:
    """A role that may not read every table, nor make a database: both are told, and what to grant."""
    samples.execute(postgresql, "CREATE TABLE t (id INT PRIMARY KEY)")
    postgresql_server.run("CREATE ROLE vf_weak LOGIN")
    try:
        url = make_url(postgresql).set(username="vf_weak").render_as_string(hide_password=False)
        found = doctor(folder, {"SHOP_DB": url}, code=1)
    finally:
        postgresql_server.run("DROP ROLE vf_weak")
    assert "GRANT SELECT ON t" in found["privileges source"]["remedy"]
    assert found["backup and scratch database"]["state"] == "wrong"


def test_a_client_program_that_is_missing(folder: Path, mariadb: str, tmp_path: Path, doctor: Doctor) -> None:
    """Where the program that dumps is not on the PATH, the backup says which package brings it."""
    samples.execute(mariadb, "CREATE TABLE t (id INT PRIMARY KEY)")
    found = doctor(folder, {"SHOP_DB": mariadb, "PATH": str(tmp_path)}, code=1)
    assert "apt-get install" in found["backup and scratch database"]["says"]


def test_an_alert_is_tried(folder: Path, doctor: Doctor) -> None:
    """The plan's own command gets a test; without one, or where it fails, that is wrong."""
    assert doctor(folder, SQLITE, "--test-alert", code=1)["alert"]["state"] == "wrong"
    (folder / "visionforge.toml").write_text(
        f"{PLAN}[alerts]\ncommand = 'echo \"$VISIONFORGE_ALERT\" > told'\n"
    )
    assert doctor(folder, SQLITE, "--test-alert", code=0)["alert by command"]["state"] == "ok"
    assert "test" in (folder / "told").read_text()
    (folder / "visionforge.toml").write_text(f"{PLAN}[alerts]\ncommand = 'exit 3'\n")
    assert "status 3" in doctor(folder, SQLITE, "--test-alert", code=1)["alert by command"]["says"]


def test_one_line_each_with_its_remedy(folder: Path, console: Console) -> None:
    """For people: a mark and a line for each look, and below it what mends it."""
    done = console("doctor", SHOP_DB="sqlite:///gone.db")
    lines = done.stdout.splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("✗ connect source: "))
    assert lines[place + 1].startswith("    ")
    assert all(line[0] in "✓✗!? " for line in lines)
