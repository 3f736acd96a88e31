"""Interrupted, or deserted by a child: nothing is left, nothing is changed, no child goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from sqlalchemy import make_url

from pytest_visionforge import backup
from pytest_visionforge.backup import catalogue, incomplete, restore
from pytest_visionforge.cutover import journal
from pytest_visionforge.database import Database
from pytest_visionforge.errors import BackupError
from tests.backup.shop import back_up, change, databases, digests, fill, writing
from tests.soak import SOAK

ROOT = Path(__file__).parents[2]


def _at(number: int) -> Callable[[str], None]:
    """Progress that is interrupted at one word of it."""
    left = number

    def tell(_: str) -> None:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1

    return tell


def _interrupted(run: Callable[[Callable[[str], None]], object], step: int = 1) -> int:
    """Runs again and again, interrupted `step` words later each time; how many words there were."""
    number = 0
    while True:
        try:
            run(_at(number))
        except KeyboardInterrupt:
            number += step
        else:
            return number
        assert psutil.Process().children() == _CHILDREN


_CHILDREN: list[psutil.Process] = []


@pytest.fixture(autouse=True)
def _servers(request: pytest.FixtureRequest) -> None:
    """The servers of the tests are children of this process, too; they stay."""
    request.getfixturevalue("postgresql_server")
    request.getfixturevalue("mariadb_server")
    _CHILDREN[:] = psutil.Process().children()


def test_an_interrupted_backup_leaves_nothing(shop: str, backups: Path) -> None:
    """Interrupted before it is published, a backup leaves no file, no child, and its end in the journal."""

    def run(tell: Callable[[str], None]) -> None:
        back_up(shop, backups, digests={}, progress=tell)

    times = _interrupted(run)
    assert times >= 3
    assert incomplete(backups) == ()
    assert len(catalogue(backups)) <= 2  # the last words come when it is already whole
    assert journal.unfinished(backups / "journal.jsonl") == ()


def test_an_interrupted_restore_changes_nothing(shop: str, backups: Path) -> None:
    """Interrupted at any step, a restore leaves the old state or the new one whole, and no scratch."""
    wanted = digests(shop)
    made = back_up(shop, backups)
    change(shop)
    between = digests(shop)

    def run(tell: Callable[[str], None]) -> None:
        try:
            restore(made, shop, progress=tell, replace=True)
        finally:
            assert digests(shop) in (wanted, between)
            assert not [name for name in databases(shop) if "scratch" in name]

    every = SOAK or make_url(shop).get_backend_name() == "sqlite"
    assert _interrupted(run, 1 if every else 4) >= 4
    assert digests(shop) == wanted


def test_a_dump_program_that_is_killed_leaves_nothing(postgresql: str, backups: Path) -> None:
    """When pg_dump dies the backup fails, says so, and nothing is left."""
    fill(postgresql)
    with writing(postgresql) as run:

        def hold(word: str) -> None:
            if word == "pg_dump: schema":
                run("BEGIN")
                run("LOCK TABLE log IN ACCESS EXCLUSIVE MODE")
                threading.Thread(target=_kill_child, args=("pg_dump",)).start()

        with (
            Database("source", postgresql) as database,
            database.session() as session,
            pytest.raises(BackupError, match="pg_dump ended with status -9"),
        ):
            backup.create(session, backups, url=database.url, kind="schema", progress=hold)
    assert catalogue(backups) == ()
    assert incomplete(backups) == ()


def _kill_child(name: str) -> None:
    while True:
        for child in psutil.Process().children(recursive=True):
            if child.name() == name:
                child.send_signal(signal.SIGKILL)
                return
        time.sleep(0.01)


def test_a_server_that_ends_the_dump_leaves_nothing(postgresql: str, backups: Path) -> None:
    """When the server ends the connection of pg_dump the backup fails, and nothing is left."""
    fill(postgresql)
    with writing(postgresql) as run, writing(postgresql) as other:

        def hold(word: str) -> None:
            if word == "pg_dump: schema":
                run("BEGIN")
                run("LOCK TABLE log IN ACCESS EXCLUSIVE MODE")
                threading.Thread(target=_end_dump, args=(other,)).start()

        with (
            Database("source", postgresql) as database,
            database.session() as session,
            pytest.raises(BackupError, match="pg_dump ended with status 1: pg_dump: error"),
        ):
            backup.create(session, backups, url=database.url, kind="schema", progress=hold)
    assert catalogue(backups) == ()
    assert incomplete(backups) == ()


def _end_dump(run: Callable[[str], object]) -> None:
    query = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LOCK TABLE%ACCESS SHARE%'"
    )
    while not run(query).all():  # type: ignore[attr-defined]
        time.sleep(0.01)


_PARENT = """
import sys
from pathlib import Path
from sqlalchemy import make_url

from pytest_visionforge import backup
from pytest_visionforge.database import Database
with Database("source", sys.argv[1]) as database, database.session() as session:
    def tell(word):
        print(word, flush=True)
        if word.startswith("pg_dump"):
            sys.stdin.readline()
    backup.create(session, Path(sys.argv[2]), url=database.url, kind="schema", progress=tell)
"""


def test_a_child_ends_with_its_parent(postgresql: str, backups: Path) -> None:
    """When we are killed, the dump program does not go on by itself."""
    fill(postgresql)
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, postgresql, str(backups)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdin
    assert parent.stdout
    with writing(postgresql) as run:
        while parent.stdout.readline() != b"pg_dump: schema\n":
            pass
        run("BEGIN")
        run("LOCK TABLE log IN ACCESS EXCLUSIVE MODE")
        parent.stdin.write(b"\n")
        parent.stdin.flush()
        dump = _child_of(parent.pid, "pg_dump")
        parent.kill()
        parent.wait()
        assert psutil.wait_procs([dump], timeout=30)[1] == []
    parent.stdin.close()
    parent.stdout.close()


def _child_of(pid: int, name: str) -> psutil.Process:
    while True:
        for child in psutil.Process(pid).children(recursive=True):
            if child.name() == name:
                return child
        time.sleep(0.01)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_asked_to_end_tidies_up(sign: signal.Signals, sqlite: str, tmp_path: Path) -> None:
    """Ended by systemd, a CI job or a closed terminal, a backup leaves nothing half and its end in the journal."""
    fill(sqlite)
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho $$ > begun\nexec sleep 60\n", "ascii")
    tool.chmod(0o755)
    own = f'[backup.own]\ncreate = "{tool}"\nrestore = "true"\n'
    plan = f'plan = "shop"\n[database]\nurl = "{sqlite}"\n{own}'
    (tmp_path / "visionforge.toml").write_text(plan, "utf-8")
    code = "import sys; from pytest_visionforge.cli import main; sys.exit(main())"
    process = subprocess.Popen([sys.executable, "-c", code, "backup", "create"], cwd=tmp_path)
    begun, end = tmp_path / "begun", time.monotonic() + 60
    while (
        process.poll() is None
        and not (begun.exists() and begun.read_text("ascii").strip())
        and time.monotonic() < end
    ):
        time.sleep(0.05)
    process.send_signal(sign)
    assert process.wait(60) == 2
    assert not psutil.pid_exists(int(begun.read_text("ascii")))
    assert incomplete(tmp_path / "backups") == ()
    last = list(journal.read(tmp_path / "backups" / "journal.jsonl"))[-1]
    assert (last.phase, last.result) == ("end", "failed")
