"""The whole way with a real web site as its service, forward and back, on each DBMS."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from sqlalchemy import make_url

from pytest_visionforge.cutover.runbook import runbook
from pytest_visionforge.demo import demo
from pytest_visionforge.demo.generate import generate
from tests.backup import shop as shops
from tests.cutover.project import PYTHON, TABLES, Project, execute
from tests.docs import evidence
from tests.soak import SOAK

APP = f"{PYTHON} -m pytest_visionforge.demo.app"
SERVICE = f"""
stop = "{APP} stop"
start = "{APP} start"
version = "echo 2.0"
"""
ENDPOINTS = """
[[endpoints]]
url = "http://127.0.0.1:$VISIONFORGE_DEMO_PORT/accounts/1"
body = '"email"'
samples = 10
[[endpoints]]
url = "http://127.0.0.1:$VISIONFORGE_DEMO_PORT/invoices/overdue"
samples = 10
[[queries]]
name = "open invoices"
sql = "select number from invoices where status = 'open' order by due_at limit 20"
slowdown = 100
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# Each way takes several runs of all checks: by default one DBMS goes each way, in a soak all go both.
USUAL = {
    ("sqlite", "test_a_good_migration_goes_all_the_way"),
    ("postgresql", "test_a_broken_migration_goes_back_by_itself"),
}


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def visionforge(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """The sample database on each DBMS in turn, its plan, its migration and its web site, started."""
    if not SOAK and (request.param, request.function.__name__) not in USUAL:
        pytest.skip("only under VISIONFORGE_SOAK=1: it takes its time")
    url = str(request.getfixturevalue(request.param))
    if make_url(url).get_backend_name() == "sqlite":
        Path(str(make_url(url).database)).unlink()
    generate(url, scale=0.02)
    folder = tmp_path / "project"
    port = _free_port()
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {"VISIONFORGE_DEMO_DB": url, "VISIONFORGE_DEMO_PORT": str(port), "PATH": path}
    made = Project(folder, url, environment)
    yield made
    with suppress(OSError, ValueError):
        psutil.Process(int((folder / "visionforge-app.pid").read_text("ascii"))).kill()
    shops.drop_kept(url)


def _lay_out(project: Project, *, fixed: bool, rollback: str = "never") -> None:
    dbms = make_url(project.url).get_backend_name()
    demo.lay_out(project.folder, fixed=fixed, dbms=dbms)
    path = project.folder / "visionforge.toml"
    text = path.read_text("utf-8")
    text = text.replace("[migration]\n", f"[migration]\n{SERVICE}", 1)
    text = text.replace("[backup]\n", f'[backup]\nrollback = "{rollback}"\n', 1)
    path.write_text(text + ENDPOINTS, "utf-8")


def _page(project: Project, path: str) -> bytes:
    address = f"http://127.0.0.1:{project.environment['VISIONFORGE_DEMO_PORT']}{path}"
    with urllib.request.urlopen(address, timeout=5) as answer:
        return bytes(answer.read())


def _start(project: Project) -> None:
    command = [PYTHON, "-m", "pytest_visionforge.demo.app", "start"]
    subprocess.run(command, cwd=project.folder, env=project.environ, check=True)


def test_a_good_migration_goes_all_the_way(visionforge: Project) -> None:
    """The site is measured, stopped, the database migrated and proved, the site started and asked again."""
    _lay_out(visionforge, fixed=True)
    _start(visionforge)
    before = _page(visionforge, "/accounts/1")
    code, output = visionforge.run("cutover", "--yes")
    assert code == 0, output
    assert _page(visionforge, "/accounts/1") == before
    assert visionforge.entries("cutover")[-1].facts["ending"] == "done"
    ended = [
        entry.action
        for entry in visionforge.entries()
        if entry.phase == "end" and entry.action.startswith("cutover ")
    ]
    assert ended == [
        f"cutover {step}"
        for step in ("measure", "stop", "premigration", "migrate", "postmigration", "start", "smoke")
    ]
    (migrated,) = [entry for entry in visionforge.entries("migrate") if entry.phase == "begin"]
    assert migrated.facts["version"] == "2.0"
    code, output = visionforge.run("gate", "--require", "postmigration", "--plan", "visionforge.toml")
    assert code == 0, output  # the two parts are one record, sealed
    code, output = visionforge.run("runbook")
    assert "(last time" in output
    assert "alembic upgrade head" in output
    assert visionforge.run("key", "ci.pem")[0] == 0
    (record, *_) = sorted((visionforge.folder / "reports").glob("*-postmigration-*"), reverse=True)
    code, output = visionforge.run("sign", str(record), "--key", "ci.pem")
    assert code == 0, output
    assert list(evidence.missing(visionforge.folder)) == []  # what the page for auditors promises is there


def test_a_broken_migration_goes_back_by_itself(visionforge: Project) -> None:
    """NO-GO where a value changed; the backup is put back, proved, and the previous version answers again."""
    _lay_out(visionforge, fixed=False, rollback="on-failure")
    _start(visionforge)
    before = _page(visionforge, "/invoices/overdue")
    code, output = visionforge.run("cutover", "--yes")
    assert code == 1, output
    assert "cutover: NO-GO: postmigration is NO-GO" in output
    end = visionforge.entries("cutover")[-1]
    assert end.facts["ending"] == "back", output
    assert _page(visionforge, "/invoices/overdue") == before
    assert '"verdict": "GO"' in visionforge.read("*-rollback-*/record.json")
    incident = visionforge.read("*-cutover-*/incident.md")
    assert "cutover postmigration | failed" in incident
    assert "cutover start previous | ok" in incident
    times = [line[2:26] for line in incident.splitlines() if line.startswith("| 20")]
    assert times == sorted(times)
    assert "no end" not in incident


@pytest.fixture
def project(tmp_path: Path, sqlite: str) -> Project:
    """A shop on SQLite, with services that only leave a trace."""
    execute(sqlite, *TABLES)
    return Project(tmp_path, sqlite)


MIGRATE = "import sqlite3; c = sqlite3.connect('test.db'); c.execute('{}'); c.commit()"
PLAN = f"""
[limits]
cpu = "100%"
memory = "100%"
[migration]
command = "{PYTHON} migrate.py"
stop = "echo stop >> services"
start = "echo start >> services"
start_previous = "echo previous >> services"
"""


SMOKE = '[[smoke]]\ncommand = "test -e answers"\n'
CONTACTS = """
[contacts.vendor]
name = "Example Hosting, contract 4711"
after = "30min"
[contacts.ana]
name = "Ana P."
role = "database"
phone = "+49 30 1234"
"""


def test_the_runbook_is_the_plans_own(project: Project) -> None:
    """Commands, limits and whom to ask, in the order of escalation, are those of the plan."""
    page = runbook(project.write(PLAN + CONTACTS))
    steps = [line for line in page.splitlines() if line.partition(".")[0].isdigit()]
    for number, said in enumerate(
        ("stop >>", "pytest -m premigration", "migrate.py", "-m postmigration", "start >>")
    ):
        assert steps[number].startswith(f"{number + 1}. ")
        assert said in steps[number]
    assert "echo previous >> services" in steps[-1]
    assert "CPU above 100%" in page
    assert page.index("at once: Ana P., database, +49 30 1234") < page.index("Example Hosting, contract 4711")


def _services(project: Project) -> list[str]:
    return (project.folder / "services").read_text("utf-8").split()


def test_the_default_touches_nothing_without_being_told(project: Project) -> None:
    """After a NO-GO the database stays as it is, the message says both ways on; mended, it goes on from there."""
    project.write(PLAN + SMOKE, migrate__py=MIGRATE.format("DELETE FROM items WHERE id = 2"))
    code, output = project.run("cutover", "--yes")
    assert (code, _services(project)) == (1, ["stop"]), output
    assert "visionforge cutover --rollback" in output
    assert "visionforge cutover --resume" in output
    assert "**Next**: the services are stopped" in project.read("*-cutover-*/incident.md")
    code, output = project.run("cutover", "--yes")
    assert code == 1
    assert "ended undecided" in output
    shutil.copy(project.folder / "test.db", project.folder / "broken.db")
    execute(project.url, "INSERT INTO items VALUES (2, 2)")  # mended by hand
    code, output = project.run("cutover", "--yes", "--resume")
    assert (code, _services(project)) == (1, ["stop", "start"]), output
    project.write(f"{PLAN}{SMOKE}# edited\n")
    (project.folder / "answers").touch()
    code, output = project.run("cutover", "--yes", "--resume")
    assert code == 0, output  # both parts are GO; of two plans they are no one record, and that is said
    assert "for the gate, run pytest -m postmigration once more: " in output
    assert "state of the plan" in output


def test_an_emergency_goes_back_without_a_question(project: Project) -> None:
    """`--emergency` stops, puts back, proves, starts the previous version, and writes the incident page."""
    project.write(PLAN + CONTACTS, migrate__py=MIGRATE.format("DELETE FROM items WHERE id = 2"))
    project.run("cutover", "--yes")
    code, output = project.run("cutover", "--emergency")
    assert (code, _services(project)) == (0, ["stop", "stop", "previous"]), output
    page = project.read("*-cutover-*/incident.md")
    assert "**back**: an emergency, after this: postmigration is NO-GO" in page
    assert "at once: Ana P., database, +49 30 1234" in page
    code, output = project.run("cutover", "--resume", "--yes")
    assert code == 1
    assert "there is no cutover to resume" in output


def test_what_is_not_ready_is_not_migrated(project: Project) -> None:
    """A NO-GO of premigration changes nothing, and the previous version runs again."""
    project.write(
        PLAN + '[tables.orders]\nrange = { total = "..20" }\n',
        migrate__py=MIGRATE.format("DELETE FROM items"),
    )
    code, output = project.run("cutover", "--yes")
    assert (code, _services(project)) == (1, ["stop", "previous"]), output
    assert project.entries("cutover")[-1].facts["ending"] == "untouched"
    assert project.entries("migrate") == []


def test_a_migration_that_failed_without_a_trace_is_no_reason_to_go_back(project: Project) -> None:
    """Where the migration undid itself, nothing is put back, and the previous version runs again."""
    project.write(PLAN.replace(f"{PYTHON} migrate.py", "echo 'ERROR: no'; exit 1"))
    code, output = project.run("cutover", "--yes")
    assert (code, _services(project)) == (1, ["stop", "previous"]), output
    assert project.entries("cutover")[-1].facts["ending"] == "untouched"
    assert not project.entries("rollback")


def test_two_at_once_are_refused(project: Project) -> None:
    """A second cutover of the same database is told who is there, and so is who wants to go back meanwhile."""
    project.write(PLAN.replace(f"{PYTHON} migrate.py", "echo here; sleep 30"))
    first = project.start("migrate")
    assert first.stdout
    first.stdout.readline()
    ends = [project.run(command, "--yes") for command in ("cutover", "rollback")]
    first.terminate()
    first.communicate()
    for code, output in ends:
        assert code == 3, output
        assert "is in use by migrate" in output
