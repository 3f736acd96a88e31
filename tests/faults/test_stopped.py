"""A server that goes away, a definition that changes, an environment that misleads: nothing half, nothing wrong."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from pytest_visionforge.backup import Disproved, restore, verify
from pytest_visionforge.cutover import journal
from pytest_visionforge.errors import BackupError, VisionForgeError
from tests import servers
from tests.backup.shop import back_up, databases, digests, writing
from tests.faults.aftermath import nothing_is_left, the_next_run_works
from tests.soak import SOAK

TABLES = (
    "CREATE TABLE customers (id int PRIMARY KEY, name varchar(20))",
    "CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers (id))",
    "INSERT INTO customers VALUES (1, 'Ana'), (2, 'Bo')",
    "INSERT INTO orders VALUES (7, 1), (8, 2)",
)
EXTRA = pytest.mark.skipif(not SOAK, reason="only under VISIONFORGE_SOAK=1: it takes its time")
SERVERS = ["postgresql", "mariadb"]


def _make(url: str) -> str:
    with writing(url) as run:
        for statement in TABLES:
            run(statement)
    return url


def _stop(url: str) -> None:
    """Stops the server itself, at once."""
    with writing(url) as run:
        if make_url(url).get_backend_name() == "postgresql":
            postmaster = psutil.Process(run("SELECT pg_backend_pid()").scalar()).parent()
            assert postmaster
            postmaster.send_signal(signal.SIGQUIT)
        else:
            with suppress(DBAPIError):
                run("SHUTDOWN")
    end = time.monotonic() + 30
    while _answers(url):
        assert time.monotonic() < end
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with writing(url) as run:
            run("SELECT 1")
    except DBAPIError:
        return False
    return True


@contextmanager
def _server(name: str, home: Path) -> Iterator[servers.Server]:
    """A server of our own, whose data stay in `home`."""
    with getattr(servers, name)(home) as server:
        if server.admin.host != "127.0.0.1":
            pytest.skip("only a server of our own may be stopped")
        yield server


def _when(begins: str, act: Callable[[], None]) -> Callable[[str], None]:
    """Progress that acts once, when it says a word."""
    done: list[str] = []

    def tell(word: str) -> None:
        if word.startswith(begins) and not done:
            done.append(word)
            act()

    return tell


@pytest.mark.parametrize("name", ["postgresql", pytest.param("mariadb", marks=EXTRA)])
def test_a_server_that_is_stopped_in_the_middle_loses_nothing(name: str, backups: Path) -> None:
    """Stopped within a backup and within a restore: an error, nothing half; started again, both just work."""
    with servers._folder("stopped") as home:
        with _server(name, home) as server:
            url = _make(server.create())
            before = digests(url)
            with pytest.raises(VisionForgeError) as caught:
                back_up(
                    url,
                    backups,
                    progress=_when("pg_dump" if name == "postgresql" else "mariadb-dump", lambda: _stop(url)),
                )
            assert "Traceback" not in str(caught.value)
            nothing_is_left(backups)
        with _server(name, home) as server:
            url = str(make_url(url).set(port=server.admin.port).render_as_string(hide_password=False))
            made = back_up(url, backups)
            with writing(url) as run:
                run("DELETE FROM orders")
            between = digests(url)
            with pytest.raises(VisionForgeError):
                restore(made, url, replace=True, progress=_when("comparing", lambda: _stop(url)))
            end = list(journal.read(backups / "journal.jsonl"))[-1]
            assert (end.phase, end.result) == ("end", "failed")
        with _server(name, home) as server:
            url = str(make_url(url).set(port=server.admin.port).render_as_string(hide_password=False))
            assert digests(url) == between
            restore(made, url, replace=True, keep_old=False)
            assert digests(url) == before
            assert databases(url) == []


def test_a_definition_that_changes_during_a_dump_stops_the_backup(mariadb: str, backups: Path) -> None:
    """MariaDB's catalogue is of no snapshot: a table that is made meanwhile leaves no backup."""
    _make(mariadb)
    with writing(mariadb) as run:
        with pytest.raises(
            BackupError, match=r"the schema changed during the backup: .*meanwhile.*; back up again"
        ):
            back_up(
                mariadb,
                backups,
                progress=_when(
                    "mariadb-dump: programs", lambda: run("CREATE TABLE meanwhile (id int PRIMARY KEY)")
                ),
            )
        nothing_is_left(backups)
    the_next_run_works(mariadb, backups)


def test_a_row_that_the_server_does_not_take_back_is_told_with_the_setting(
    mariadb: str, backups: Path
) -> None:
    """A row is longer in a dump than it was: where the server refuses it, the message says what mends it."""
    with writing(mariadb) as run:
        run("CREATE TABLE t (id int PRIMARY KEY, x longblob)")
        run("INSERT INTO t VALUES (1, repeat('a', 12000000))")
        before = int(run("SELECT @@GLOBAL.max_allowed_packet").scalar())
        made = back_up(mariadb, backups)
        with pytest.raises(BackupError, match=r"SET GLOBAL max_allowed_packet = 1073741824") as caught:
            verify(made, scratch_url=mariadb)
        assert not isinstance(caught.value, Disproved)
        try:
            run("SET GLOBAL max_allowed_packet = 1073741824")
            assert verify(made, scratch_url=mariadb).holds
        finally:
            run(f"SET GLOBAL max_allowed_packet = {before}")


MISLEADING = {
    "postgresql": {
        "PGOPTIONS": "-c search_path=nowhere",
        "PGDATABASE": "nowhere",
        "PGSSLMODE": "disable",
    },
    "mariadb": {"MYSQL_HOST": "203.0.113.1", "MYSQL_TCP_PORT": "1", "MYSQL_UNIX_PORT": "/nowhere"},
}


@pytest.mark.parametrize("name", SERVERS)
def test_an_environment_that_misleads_its_programs_is_not_heard(
    name: str, request: pytest.FixtureRequest, backups: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables and start-up files of the client programs lead no dump and no restore to another place."""
    url = _make(str(request.getfixturevalue(name)))
    for variable, value in MISLEADING[name].items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".my.cnf").write_text("[client]\nhost=203.0.113.1\n[mariadb-dump]\nno-data\n", "utf-8")
    made = back_up(url, backups)
    assert made.rows == 4
    assert verify(made, scratch_url=url).holds


def test_a_mariadb_user_that_does_not_see_all_makes_no_backup(mariadb: str, backups: Path) -> None:
    """Without a right, triggers, events, routines or views would be missing in silence: it is refused."""
    _make(mariadb)
    name = make_url(mariadb).database
    clerk = make_url(mariadb).set(username="vf_test_clerk", password="s3cr3t-p4ss")
    url = clerk.render_as_string(hide_password=False)
    rights = ("SELECT", "SHOW VIEW", "TRIGGER", "EVENT")
    with writing(mariadb) as run:
        run("CREATE PROCEDURE two () SELECT 2")
        run("CREATE VIEW seen AS SELECT id FROM customers")
        run("CREATE TRIGGER noted BEFORE INSERT ON orders FOR EACH ROW SET NEW.id = NEW.id + 0")
        run("DROP USER IF EXISTS vf_test_clerk@'%'")
        run("CREATE USER vf_test_clerk@'%' IDENTIFIED BY 's3cr3t-p4ss'")
        try:
            for right in rights:
                run(f"GRANT {right} ON `{name}`.* TO vf_test_clerk@'%'")
            for right in (*rights, "routines"):
                if right in rights:
                    run("GRANT SELECT ON mysql.proc TO vf_test_clerk@'%'")
                    run(f"REVOKE {right} ON `{name}`.* FROM vf_test_clerk@'%'")
                else:
                    run("REVOKE SELECT ON mysql.proc FROM vf_test_clerk@'%'")
                with pytest.raises(
                    BackupError, match=r"would not be whole|Access denied|privileges"
                ) as caught:
                    back_up(url, backups)
                assert "s3cr3t" not in str(caught.value), right
                nothing_is_left(backups)
                if right in rights:
                    run(f"GRANT {right} ON `{name}`.* TO vf_test_clerk@'%'")
            run("GRANT SELECT ON mysql.proc TO vf_test_clerk@'%'")
            assert verify(back_up(url, backups), scratch_url=mariadb).holds
        finally:
            run("DROP USER vf_test_clerk@'%'")


def test_a_routine_whose_body_is_hidden_is_told_with_the_grant(mariadb: str, backups: Path) -> None:
    """Who may call a routine and not read it gets no backup, and the right that is missing is named."""
    _make(mariadb)
    name = make_url(mariadb).database
    clerk = make_url(mariadb).set(username="vf_test_clerk", password="s3cr3t-p4ss")
    url = clerk.render_as_string(hide_password=False)
    with writing(mariadb) as run:
        run("CREATE PROCEDURE two () SELECT 2")
        run("DROP USER IF EXISTS vf_test_clerk@'%'")
        run("CREATE USER vf_test_clerk@'%' IDENTIFIED BY 's3cr3t-p4ss'")
        try:
            run(f"GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON `{name}`.* TO vf_test_clerk@'%'")
            with pytest.raises(
                BackupError, match=r"privileges to SHOW CREATE PROCEDURE.*; GRANT SELECT ON mysql\.proc"
            ):
                back_up(url, backups)
            nothing_is_left(backups)
            run("GRANT SELECT ON mysql.proc TO vf_test_clerk@'%'")
            assert verify(back_up(url, backups), scratch_url=mariadb).holds
        finally:
            run("DROP USER vf_test_clerk@'%'")
