"""The migration run: what it prints is kept, what is an error is seen, and it ends with its whole tree."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import psutil
import pytest

from pytest_visionforge.cutover.migrate import Migrated, migrate
from pytest_visionforge.cutover.patterns import Patterns
from pytest_visionforge.cutover.process import Command, run, tree
from pytest_visionforge.cutover.veil import Veil
from pytest_visionforge.errors import MigrationError
from pytest_visionforge.plan.values.plan import Plan
from tests.cutover.project import PYTHON, TABLES, Project, engine, execute

ERRORS = {
    "PostgreSQL": (
        'psql:schema.sql:12: ERROR:  relation "orders" already exists',
        "FATAL:  terminating connection due to administrator command",
        "pg_restore: error: could not execute query",
    ),
    "MariaDB": (
        "ERROR 1064 (42000) at line 3: You have an error in your SQL syntax",
        "mysqldump: Got error: 1045: Access denied",
    ),
    "SQLite": ("Parse error near line 2: no such table: orders", "Error: near line 3: no such table: x"),
    "Python": ("Traceback (most recent call last):", "sqlalchemy.exc.OperationalError: (psycopg) no"),
    "Alembic": ("FAILED: Multiple head revisions are present", "ERROR [alembic.util.messaging] no"),
    "Django": ("CommandError: Conflicting migrations detected",),
    "Flyway": ("Migration V2__x.sql failed",),
    "Liquibase": ("Unexpected error running Liquibase: no",),
    "Rails": ("rails aborted!", "PG::UndefinedTable: x", "StandardError: An error has occurred"),
    "Node": ("npm ERR! code 1", "Error: P3009"),
    "Go": ("panic: runtime error", "error: Dirty database version 3. Fix and force version."),
    "log": (
        "2026-11-24 11:22:33,123 ERROR something broke",
        "[ERROR] something broke",
        "2026-11-24T11:22:33Z [main] FATAL: broke",
    ),
    "shell": ("/bin/sh: 1: alembic: not found", "sh: 1: ./run: Permission denied"),
}
HARMLESS = (
    "INFO  [alembic.runtime.migration] Running upgrade 0001 -> 0002, count errors in error_log",
    "Finished with 0 errors",
    "errors: 0, warnings: 0",
    'NOTICE:  table "error" does not exist, skipping',
    "Applying shop.0002_error_codes... OK",
    "CREATE TABLE ERROR_CODES",
    "test_no_ERROR passed",
    'Successfully applied 2 migrations to schema "public" (execution time 00:00.012s)',
    "Error rate: 0%",
    "fatalities: 3",
)


@pytest.mark.parametrize(("whose", "line"), [(w, line) for w, lines in ERRORS.items() for line in lines])
def test_errors_of_each_tool_are_seen(whose: str, line: str) -> None:
    """A line by which a tool or DBMS says that it failed is an error."""
    assert Patterns().whose(line), whose


@pytest.mark.parametrize("line", HARMLESS)
def test_harmless_lines_are_passed_over(line: str) -> None:
    """A line that only speaks of errors is none."""
    assert Patterns().whose(line) == ""


def test_the_plan_adds_and_takes_away() -> None:
    """The plan's `errors` are found anywhere in a line, and its `ignore` wins."""
    patterns = Patterns(["PROBLEM"], ["already exists"])
    assert patterns.whose("a PROBLEM here") == "the plan: PROBLEM"
    assert patterns.whose("psql:x:1: ERROR:  role already exists") == ""


@pytest.fixture
def project(tmp_path: Path, sqlite: str) -> Project:
    """A shop on SQLite."""
    execute(sqlite, *TABLES)
    return Project(tmp_path, sqlite)


def _migrate(plan: Plan) -> tuple[Migrated, list[str]]:
    said: list[str] = []
    return migrate(plan, echo=said.append), said


def test_a_good_run_is_kept_whole(project: Project) -> None:
    """Output with times, version, plan, notes and settings are kept, and the journal holds begin and end."""
    plan = project.write(
        '[migration]\ncommand = "echo one; echo two >&2"\nversion = "echo 4.2.1"\nnotes = "by night"\n'
    )
    done, said = _migrate(plan)
    assert done.went_well
    assert [line.partition("| ")[2] for line in said] == ["one", "two"]
    log = (done.directory / "output.log").read_text("utf-8").splitlines()
    assert [line[-3:] for line in log] == ["one", "two"]
    assert log[0].startswith("20")
    begin, end = project.entries("migrate")
    assert (begin.facts["version"], begin.facts["notes"], begin.facts["plan"]) == (
        "4.2.1",
        "by night",
        plan.sha256,
    )
    assert begin.facts["settings"]["journal_mode"] == "delete"
    assert end.result == "ok"
    assert json.loads((done.directory / "migration.json").read_text("utf-8"))["failure"] == ""
    looks = [json.loads(line) for line in (done.directory / "watch.jsonl").read_text("utf-8").splitlines()]
    assert looks
    assert 0 <= looks[0]["memory"] <= 1
    assert looks[0]["size"] > 0


def test_a_run_that_exits_0_but_prints_an_error_has_failed(project: Project) -> None:
    """The exit status is believed only if nothing was printed that is an error."""
    plan = project.write("[migration]\ncommand = \"echo 'psql:x.sql:1: ERROR:  no'; exit 0\"\n")
    done, said = _migrate(plan)
    assert "ended with status 0, but printed 1 errors: psql:x.sql:1: ERROR:  no" in done.failure
    assert any("ALERT error" in line for line in said)
    assert [entry.result for entry in project.entries("migrate")] == ["", "failed"]


def test_a_run_whose_process_is_killed_has_failed(project: Project) -> None:
    """A command that ends by a signal has failed by it."""
    done, _ = _migrate(project.write('[migration]\ncommand = "kill -9 $$"\n'))
    assert done.failure == "migration was ended by signal 9"


def test_a_run_goes_on_where_nobody_listens(project: Project) -> None:
    """What a closed pipe or a lost terminal cannot show any more is no reason to end a migration in the middle."""
    project.write('[migration]\ncommand = "echo 1; sleep 0.5; echo 2; sleep 0.5; echo 3; touch ran"\n')
    process = project.start("migrate")
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    process.wait(60)
    assert (project.folder / "ran").exists()
    assert project.entries("migrate")[-1].result == "ok"


def test_a_version_that_never_comes_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command for the version that hangs ends in one message, and nothing is run."""
    monkeypatch.setattr("pytest_visionforge.cutover.migrate.VERSION_SECONDS", 0.2)
    plan = project.write('[migration]\nversion = "sleep 60"\ncommand = "touch ran"\n')
    with pytest.raises(MigrationError, match=r"migration.version: `sleep 60` has not ended within 0.2 s"):
        migrate(plan, echo=print)
    assert not (project.folder / "ran").exists()


def test_the_exit_status_is_honoured(project: Project) -> None:
    """A status other than 0 is a failure, and the message names it."""
    done, _ = _migrate(project.write('[migration]\ncommand = "exit 7"\n'))
    assert done.failure == "migration ended with status 7"


def test_what_hangs_is_ended_with_its_tree(project: Project) -> None:
    """After the timeout the command and all below it end, those too that left the session."""
    left = "import os, time; os.setsid() if os.fork() == 0 else None; time.sleep(600)"
    plan = project.write(
        '[migration]\ncommand = "python child.py & sleep 600"\ntimeout = "1s"\n'.replace("python", PYTHON),
        child__py=left,
    )
    done, _ = _migrate(plan)
    assert "it took longer than 1 s, and its processes were ended" in done.failure
    mark = project.entries("migrate")[0].facts["mark"]
    assert tree(mark) == ()


def test_a_secret_is_in_no_output(project: Project) -> None:
    """Passwords that the migration prints are neither shown nor kept."""
    project.environment["SHOP_DB"] = "postgresql://shop:s3cr%40tpw@127.0.0.1:1/shop"
    plan = project.write('[migration]\ncommand = "echo $SHOP_DB; echo s3cr@tpw; exit 1"\n')
    command = Command(
        plan.migration.command, plan.directory, "m", {"SHOP_DB": project.environment["SHOP_DB"]}
    )
    veil, lines = Veil(plan), list[str]()
    run(command, seconds=10, line=lambda text: lines.append(veil(text)))
    assert len(lines) == 2
    assert not [line for line in lines if "s3cr" in line]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_its_tree_and_says_where(project: Project, sign: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end the whole tree, and the journal says in which step it was."""
    project.write('[migration]\ncommand = "echo begun; sleep 600"\n')
    process = project.start("migrate")
    assert process.stdout
    assert process.stdout.readline().strip() == "migration| begun"
    mark = project.entries("migrate")[0].facts["mark"]
    assert tree(mark)
    process.send_signal(sign)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 2, output
    assert tree(mark) == ()
    *_, step, whole = project.entries()
    assert (step.action, step.object, step.result) == ("migrate step", "migration", "failed")
    assert (whole.action, whole.result) == ("migrate", "failed")


def test_steps_stop_at_the_first_that_fails(project: Project) -> None:
    """The failed step is named, what came before is done, what comes after is not, and the advice is true."""
    steps = """
        [[migration.steps]]
        name = "one"
        command = "echo 1"
        [[migration.steps]]
        name = "two"
        command = "exit 3"
        repeatable = true
        [[migration.steps]]
        name = "three"
        command = "touch three"
    """
    done, _ = _migrate(project.write(steps))
    assert [(each.step, each.status) for each in done.steps] == [("one", 0), ("two", 3)]
    assert done.failure == "two (step 2 of 3) ended with status 3"
    assert "visionforge migrate --from two" in done.advice
    assert not (project.folder / "three").exists()
    code, output = project.run("migrate", "--from", "three")
    assert code == 0, output
    assert (project.folder / "three").exists()


CHANGE = (
    "import sqlite3; c = sqlite3.connect('test.db'); c.execute('delete from items where id = 2'); c.commit()"
)


def test_what_a_failed_step_touched_is_named(project: Project) -> None:
    """Against the baseline, the tables that are not as before are named, and untouched ones are not."""
    project.write(
        '[migration]\ncommand = "python change.py; exit 1"\n'.replace("python", PYTHON), change__py=CHANGE
    )
    project.pytest("-m", "premigration")
    code, output = project.run("migrate")
    assert code == 1
    assert "items: 3 rows, then 2" in output
    assert "orders" not in output
    assert "visionforge rollback" in output


def test_a_failed_run_that_changed_nothing_may_be_repeated(project: Project) -> None:
    """Where every row and object is as before, the message says so."""
    project.write('[migration]\ncommand = "exit 1"\n')
    project.pytest("-m", "premigration")
    code, output = project.run("migrate")
    assert code == 1
    assert "the database is as before: mend the migration and run it again" in output


def test_a_killed_migration_is_not_run_twice_unawares(project: Project) -> None:
    """After a kill (-9) it is run again only where all is as before; else it is said what is, and the way back."""
    (project.folder / "hold").touch()
    project.write(
        f'[migration]\ncommand = "test -e harmless || {PYTHON} change.py; echo here; test ! -e hold || sleep 60"\n',
        change__py=CHANGE,
    )
    project.pytest("-m", "premigration")
    for harmless in (True, False):
        (project.folder / "harmless").touch() if harmless else (project.folder / "harmless").unlink()
        process = project.start("migrate")
        assert process.stdout
        while "| here" not in process.stdout.readline():
            assert process.poll() is None
        process.kill()
        process.communicate()
    (project.folder / "hold").unlink()
    for _ in range(2):
        code, output = project.run("migrate")
        assert code == 3
        assert (
            "was killed (step migration), and the database is not as before: items: 3 rows, then 2" in output
        )
    code, output = project.run("rollback", "--yes")
    assert code == 0, output
    code, output = project.run("migrate")
    assert code == 0, output


def test_a_plan_without_a_migration_is_told(project: Project) -> None:
    """Without a command there is nothing to run, and the message says what to write."""
    with pytest.raises(MigrationError, match=r"write \[migration\]"):
        migrate(project.write(""), echo=print)


@pytest.fixture(params=["postgresql", "mariadb"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """A shop on a server."""
    url = request.getfixturevalue(request.param)
    execute(url, *TABLES)
    return Project(tmp_path, url)


ALTER = """
import os, sys
from tests.cutover.project import execute
execute(os.environ["SHOP_DB"], "ALTER TABLE orders ADD COLUMN note INTEGER")
"""


def test_a_long_transaction_keeps_the_migration_from_starting(served: Project) -> None:
    """Whoever has a transaction open behind which all would queue is named, and nothing is run."""
    plan = served.write('[limits]\ntransaction = "1s"\n[migration]\ncommand = "touch ran"\n')
    other = engine(served.url)
    with other.connect() as connection:
        connection.exec_driver_sql("SELECT * FROM orders").all()
        time.sleep(2.2)
        with pytest.raises(MigrationError, match=r"queue behind .* s in its transaction") as refused:
            migrate(plan, echo=print)
        assert refused.value.exit_code == 3
    other.dispose()
    assert not (served.folder / "ran").exists()
    assert migrate(plan, echo=print).went_well


def test_a_migration_that_waits_for_a_lock_is_ended_by_its_alert(served: Project) -> None:
    """Who waits for whom is told, the migration ends, and its session does not stay in the queue."""
    plan = served.write(
        f'[migration]\ncommand = "{PYTHON} alter.py"\nlock_wait_max = "1s"\ntimeout = "60s"\n'
        '[alerts]\nabort = ["lock_wait"]\n',
        alter__py=ALTER,
    )
    served.environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    other = engine(served.url)
    with other.connect() as connection, pytest.MonkeyPatch.context() as patch:
        for name, value in served.environ.items():
            patch.setenv(name, value)
        connection.exec_driver_sql("SELECT * FROM orders").all()
        done, _ = _migrate(plan)
        assert "ended by an alert: lock_wait: waiting for" in done.failure
        assert "ALTER TABLE orders" in done.failure
        # nobody queues behind the dead migration
        execute(served.url, "INSERT INTO orders VALUES (4, 40)")
    other.dispose()


def test_a_memory_hog_is_named(project: Project) -> None:
    """Processes of the migration that hold more than they may are an alert, which may end them."""
    plan = project.write(
        f'[limits]\nmigration_memory = "60MB"\n[alerts]\nabort = ["memory"]\n'
        f'[migration]\ncommand = "{PYTHON} hog.py"\ntimeout = "60s"\n',
        hog__py="import time; x = b'x' * 90_000_000; time.sleep(600)",
    )
    done, _ = _migrate(plan)
    assert "ended by an alert: memory: the migration's processes hold" in done.failure
    assert "the limit is 60 MB" in done.failure


def test_whoever_writes_to_the_file_meanwhile_is_named(project: Project) -> None:
    """On SQLite, a process of others that keeps the file locked is the one who is waited for."""
    holder = (
        "import sqlite3, time; c = sqlite3.connect('test.db'); c.execute('begin immediate');"
        " print(1, flush=True); time.sleep(60)"
    )
    other = psutil.Popen([PYTHON, "-c", holder], cwd=project.folder, stdout=-1)
    try:
        other.stdout.readline()
        plan = project.write(
            '[migration]\ncommand = "sleep 60"\nlock_wait_max = "1s"\n[alerts]\nabort = ["lock_wait"]\n'
        )
        with pytest.raises(MigrationError, match=f"process {other.pid}"):
            migrate(plan, echo=print)
        done = migrate(plan, echo=print, despite=True)
        assert f"(process {other.pid}) has kept everybody from writing" in done.failure
    finally:
        other.kill()
        other.communicate()
