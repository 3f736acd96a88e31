"""Who would make everybody wait behind the migration's locks is named before it begins, on real servers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pymysql
import pytest
from sqlalchemy import make_url

from pytest_visionforge.cutover.migrate import migrate
from pytest_visionforge.database import Database
from pytest_visionforge.dialects.pulse import Pulse
from pytest_visionforge.errors import MigrationError
from pytest_visionforge.plan.values.plan import Plan
from tests import servers
from tests.backup.shop import writing
from tests.cutover.project import TABLES, Project, execute

MIGRATION = '[migration]\ncommand = "touch ran"\n'


def _pulse(url: str) -> Pulse:
    with Database("target", url) as database, database.session() as session:
        return database.dialect.watch.pulse(session, database.url)


def _until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def _refused(plan: Plan, by: str) -> None:
    """The migration is not begun, and the message names who is in the way."""
    with pytest.raises(MigrationError, match=f"queue behind .*{by}") as refused:
        migrate(plan, echo=print)
    assert refused.value.exit_code == 3
    assert not (plan.directory / "ran").exists()


def _begins(plan: Plan) -> None:
    """Nobody is in the way any more."""
    assert migrate(plan, echo=print).went_well
    assert (plan.directory / "ran").exists()


@pytest.fixture
def shop(mariadb: str, tmp_path: Path) -> Plan:
    """A shop on MariaDB, and a plan whose migration leaves a trace."""
    execute(mariadb, *TABLES)
    return Project(tmp_path, mariadb).write(MIGRATION)


@contextmanager
def _altering(url: str) -> Iterator[None]:
    """Somebody who wants to alter a table, and waits."""

    def alter() -> None:
        with suppress(Exception), writing(url) as run:
            run("ALTER TABLE orders ADD COLUMN note INTEGER")

    thread = Thread(target=alter)
    thread.start()
    try:
        yield
    finally:
        thread.join(30)


def test_a_prepared_transaction_of_postgresql_is_named(tmp_path: Path) -> None:
    """However young, and though nobody is connected for it: before the migration, and as whom others wait for."""
    with servers.postgresql(None, "max_prepared_transactions=2") as server:
        url = server.create()
        execute(url, *TABLES)
        plan = Project(tmp_path, url).write(MIGRATION)
        with writing(url) as run:
            if run("SHOW max_prepared_transactions").scalar() == "0":
                pytest.skip("the server that the environment names takes no prepared transactions")
            run("BEGIN")
            run("UPDATE orders SET total = 11 WHERE id = 1")
            run("PREPARE TRANSACTION 'vf_forgotten'")
        try:
            _refused(
                plan, r"prepared transaction 'vf_forgotten'; COMMIT PREPARED or ROLLBACK PREPARED ends it"
            )
            with _altering(url):
                _until(lambda: _pulse(url).waits)
                (wait,) = _pulse(url).waits
                with writing(url) as run:
                    run("ROLLBACK PREPARED 'vf_forgotten'")
            assert "prepared transaction 'vf_forgotten'" in str(wait.blocker)
            assert wait.on == "orders"
        finally:
            with suppress(Exception), writing(url) as run:
                run("ROLLBACK PREPARED 'vf_forgotten'")
        _begins(plan)
        server.drop(url)


def test_a_prepared_transaction_of_mariadb_is_named(shop: Plan, mariadb: str) -> None:
    """XA PREPARE keeps its locks when its session is gone: it is named as it must be written to end it."""
    statements = ("XA START", "UPDATE orders SET total = 11 WHERE id = 1", "XA END", "XA PREPARE")
    url = make_url(mariadb)
    connection = pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
    )
    for statement in statements:
        connection.cursor().execute(
            f"{statement} 'vf_forgotten'" if statement.startswith("XA") else statement
        )
    connection.close()
    try:
        _refused(shop, "prepared transaction 'vf_forgotten'; XA COMMIT or XA ROLLBACK ends it")
        with _altering(mariadb):
            _until(lambda: _pulse(mariadb).waits)
            (wait,) = _pulse(mariadb).waits
            with writing(mariadb) as run:
                run("XA ROLLBACK 'vf_forgotten'")
        assert "prepared transaction 'vf_forgotten'" in str(wait.blocker)
    finally:
        with suppress(Exception), writing(mariadb) as run:
            run("XA ROLLBACK 'vf_forgotten'")
    _begins(shop)


def test_a_dump_of_mariadb_is_named(shop: Plan, mariadb: str) -> None:
    """A mariadb-dump that reads a table, however young, is named as what it is."""
    url = make_url(mariadb)
    execute(
        mariadb,
        "CREATE TABLE big (id INT PRIMARY KEY, fill LONGTEXT)",
        "INSERT INTO big SELECT seq, REPEAT('x', 1000000) FROM seq_1_to_30",
    )
    for option in ("--single-transaction", "--lock-tables"):
        dump = subprocess.Popen(
            ["mariadb-dump", "--no-defaults", f"--host={url.host}", f"--port={url.port}", "--protocol=tcp",
             f"--user={url.username}", *([f"--password={url.password}"] if url.password else []),
             option, str(url.database), "big"],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            assert dump.stdout
            dump.stdout.read(100_000)  # nobody reads on, so it stands in the middle of the table
            _refused(shop, "a dump")
        finally:
            dump.kill()
            dump.communicate()
    _until(lambda: not _pulse(mariadb).transactions)
    _begins(shop)


def test_tables_that_somebody_locks_are_named(shop: Plan, mariadb: str) -> None:
    """LOCK TABLES is no transaction, and whoever holds it may do nothing for hours: it is named all the same."""
    with writing(mariadb) as run:
        run("LOCK TABLES orders READ")
        number = run("SELECT CONNECTION_ID()").scalar()
        _refused(shop, f"orders.*connection {number}")
        with _altering(mariadb):
            _until(lambda: _pulse(mariadb).waits)
            (wait,) = _pulse(mariadb).waits
            run("UNLOCK TABLES")
        assert "LOCK TABLES on orders" in str(wait.blocker)
    _begins(shop)
