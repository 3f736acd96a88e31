"""What would stop a backup or its proof is said before a row is read, and before a service is stopped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pytest_visionforge import backup
from pytest_visionforge import plan as plans
from pytest_visionforge.backup import catalogue, incomplete
from pytest_visionforge.cutover import journal
from pytest_visionforge.cutover.cutover import cutover
from pytest_visionforge.database import Database
from pytest_visionforge.dialects.postgresql import programs
from pytest_visionforge.errors import BackupError
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.sections import OwnBackup, Store
from pytest_visionforge.prepare import prepare
from pytest_visionforge.run import BASELINE, Prepared, Run
from tests.backup.shop import back_up, fill, writing

MISSING = {
    "postgresql": r"pg_dump \d+ or newer is not installed; install it: apt-get install postgresql-client-\d+",
    "mariadb": "mariadb-dump is not installed; install it: apt-get install mariadb-client",
}
WAIVER = '[[waivers]]\ncheck = "recovery.restores"\nreason = "on paper"\nby = "ana"\nuntil = 2999-12-31\n'
SERVICES = '[migration]\ncommand = "true"\nstop = "touch stopped"\nstart = "true"\n'


@pytest.fixture(params=list(MISSING))
def bare(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The URL of a shop on a machine without the DBMS's programs, and what must be said of it."""
    url = fill(request.getfixturevalue(request.param))
    monkeypatch.setattr(programs, "PLACES", ())
    monkeypatch.setenv("PATH", "/nonexistent")
    return url, MISSING[request.param]


@contextmanager
def _clerk(url: str) -> Iterator[str]:
    """The URL with a user who may read all and make no database."""
    name, role = make_url(url).database, "vf_test_clerk"
    known = make_url(url).get_backend_name() == "postgresql"
    before = (
        [f"DROP ROLE IF EXISTS {role}", f"CREATE ROLE {role} LOGIN", f"GRANT pg_read_all_data TO {role}"]
        if known
        else [
            f"CREATE OR REPLACE USER {role}@'%'",
            f"GRANT ALL ON `{name}`.* TO {role}@'%'",
            f"GRANT SELECT ON mysql.proc TO {role}@'%'",
        ]
    )
    with writing(url) as run:
        for statement in before:
            run(statement)
    try:
        yield make_url(url).set(username=role).render_as_string(hide_password=False)
    finally:
        with writing(url) as run:
            run(f"DROP ROLE {role}" if known else f"DROP USER {role}@'%'")


def _plan(folder: Path, url: str, more: str = "") -> Plan:
    path = folder / "visionforge.toml"
    path.write_text(f'plan = "shop"\n[database]\nurl = "$SHOP"\n{more}', "utf-8")
    return plans.read(path, {"SHOP": url})


def _prepared(plan: Plan, *, due: bool = True) -> tuple[Prepared, bool, list[str]]:
    """What is left word of, whether there is a baseline, and what was being done meanwhile."""
    run, told = Run(plan, "20261124T052300Z", "abcdef", plan.record.directory), list[str]()
    run.phase = "premigration"
    try:
        return prepare(run, told.append, due=due), (run.directory / BASELINE).is_file(), told
    finally:
        run.close()


def test_no_baseline_is_taken_for_a_backup_that_cannot_be_made(bare: tuple[str, str], tmp_path: Path) -> None:
    """Without the dump program premigration reads no row, says which package has it, and the journal knows."""
    url, says = bare
    plan = _plan(tmp_path, url)
    found, taken, told = _prepared(plan)
    assert re.match(f"no backup: backup of .*{says}$", found.failed)
    assert "see recovery.backup" in found.baseline_error
    assert (taken, told) == (False, [])
    assert (catalogue(plan.backup.directory), incomplete(plan.backup.directory)) == ((), ())
    last = list(journal.read(plan.backup.directory / "journal.jsonl"))[-1]
    assert (last.action, last.phase, last.result) == ("backup create full", "end", "failed")


def test_who_asks_for_no_backup_gets_the_baseline(bare: tuple[str, str], tmp_path: Path) -> None:
    """Where the checks of the backup were not selected, its failure is no reason to take no baseline."""
    url, says = bare
    found, taken, _ = _prepared(_plan(tmp_path, url), due=False)
    assert (taken, found.baseline_error) == (True, "")
    assert re.search(says, found.failed)


def test_a_backup_of_the_schema_has_a_baseline_beside_it(sqlite: str, tmp_path: Path) -> None:
    """Whatever kind of backup the plan wants, the rows are known before the migration."""
    found, taken, _ = _prepared(_plan(tmp_path, fill(sqlite), '[backup]\nkind = "schema"\n'))
    assert (found.failed, bool(found.backup), taken) == ("", True, True)


def test_a_session_says_it_before_the_first_check(bare: tuple[str, str], pytester: pytest.Pytester) -> None:
    """What stops the backup is a line of its own before the checks, and one failure among them."""
    url, says = bare
    pytester.path.joinpath("visionforge.toml").write_text(f'plan = "shop"\n[database]\nurl = "{url}"\n')
    pytester.makeconftest(
        "from pytest_visionforge.dialects.postgresql import programs\nprograms.PLACES = ()\n"
    )
    found = pytester.runpytest_subprocess("-m", "premigration", "-k", "recovery or baseline")
    lines = found.outlines
    first = next(number for number, line in enumerate(lines) if line.startswith("visionforge: no backup: "))
    assert re.search(says, lines[first])
    assert first < next(
        number for number, line in enumerate(lines) if "visionforge.toml" in line[:20] and "%" in line
    )
    assert "Traceback" not in found.stdout.str() + found.stderr.str()


def test_no_service_is_stopped_for_a_cutover_without_a_way_back(
    bare: tuple[str, str], tmp_path: Path
) -> None:
    """Without the dump program a cutover is not begun: nothing is stopped, and there is nothing to resume."""
    url, says = bare
    plan = _plan(tmp_path, url, SERVICES)
    with pytest.raises(BackupError, match=f"^nothing was done, for there would be no way back: .*{says}$"):
        cutover(plan, echo=lambda _: None)
    assert not (tmp_path / "stopped").exists()
    assert not (plan.backup.directory / "journal.jsonl").exists()
    assert incomplete(plan.backup.directory) == ()


@pytest.mark.parametrize("dbms", ["postgresql", "mariadb"])
def test_a_role_that_may_make_no_scratch_database_is_told_before_a_row_is_read(
    dbms: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Where the proof could not be made, no hours are lost on the rest, unless a waiver accepts it."""
    url = fill(request.getfixturevalue(dbms))
    with _clerk(url) as clerk:
        with pytest.raises(BackupError, match=r"scratch.*CREATEDB|Access denied.*GRANT ALL ON"):
            back_up(clerk, tmp_path / "backups", level="restored")
        found, taken, _ = _prepared(_plan(tmp_path, clerk))
        assert "no backup" in found.failed
        assert not taken
        found, taken, _ = _prepared(_plan(tmp_path, clerk, WAIVER))
        assert taken
        assert found.backup
        assert "the backup is not proved" in found.failed


def test_what_a_role_may_not_read_is_told_with_its_grant(postgresql: str, tmp_path: Path) -> None:
    """Five of the tables that would be missing, how many more there are, and the statement that shows them."""
    with _clerk(fill(postgresql)) as clerk:
        with writing(postgresql) as run:
            run("REVOKE pg_read_all_data FROM vf_test_clerk")
            run("CREATE TABLE z (id int)")
        with pytest.raises(
            BackupError, match=r"would not be whole: .*\(and \d+ more\); GRANT SELECT ON \w+ TO"
        ):
            back_up(clerk, tmp_path / "backups")


def test_a_broken_view_is_told_before_a_row_is_read(mariadb: str, tmp_path: Path) -> None:
    """What the dump program reaches only after all rows, and cannot dump, is known before the first."""
    with writing(fill(mariadb)) as run:
        run("CREATE TABLE gone (id int)")
        run("CREATE VIEW broken AS SELECT id FROM gone")
        run("DROP TABLE gone")
    found, taken, _ = _prepared(_plan(tmp_path, mariadb))
    assert re.search(r"no backup: .*broken.*; mend or drop what is broken there", found.failed)
    assert not taken


@pytest.mark.parametrize(
    "store",
    [
        Store(repository="/tmp/nowhere/repository"),
        Store(recipients=("age1nobody",)),
        Store(own=OwnBackup(create=("no-such-tool", "backup"), restore=("no-such-tool", "restore"))),
    ],
    ids=["restic", "age", "own"],
)
def test_whatever_stores_it_is_tried_before_a_row_is_read(
    store: Store, sqlite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing restic, a recipient that is none, a command of the plan's that is not there: named at once."""
    monkeypatch.setenv("PATH", "/nonexistent")
    says = r"restic.*install|recipient 1 of .* age1|no-such-tool cannot be run"
    with (
        Database("source", fill(sqlite)) as database,
        database.session() as session,
        pytest.raises(BackupError, match=says),
    ):
        backup.prepare(session, tmp_path / "backups", url=database.url, store=store)
    assert list((tmp_path / "backups").iterdir()) == []
