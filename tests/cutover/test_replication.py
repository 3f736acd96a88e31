"""The watch sees real replicas and slots: how far behind they are, and how much of the log they hold back."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL

from pytest_visionforge.cutover.watch import Watch
from pytest_visionforge.database import Database
from pytest_visionforge.dialects.pulse import Pulse
from tests import servers
from tests.backup.shop import writing
from tests.cutover.project import TABLES, Project, execute


def _pulse(url: str) -> Pulse:
    with Database("target", url) as database, database.session() as session:
        return database.dialect.watch.pulse(session, database.url)


@contextmanager
def _replica(admin: URL, folder: Path) -> Iterator[str]:
    """A streaming replica of a PostgreSQL server, with a slot of its own; the URL to it."""
    programs = Path(
        servers._binary("initdb", "/usr/lib/postgresql/*/bin/initdb", package="postgresql")
    ).parent
    data, slot = folder / "data", f"vf_test_{folder.name.replace('-', '_').lower()}"
    servers._run(
        *(programs / "pg_basebackup", "-h", "127.0.0.1", "-p", admin.port, "-U", "postgres"),
        *("-D", data, "-X", "stream", "-C", "-S", slot, "-R", "-c", "fast"),
    )
    port = servers._free_port()
    command = [
        *(str(programs / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder)),
        *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=60"),
    ]
    at = admin.set(port=port)
    try:
        with servers._running(command, folder, at, stop=signal.SIGINT):
            yield at.set(drivername="postgresql").render_as_string(hide_password=False)
    finally:
        servers.Server(admin).run(f"SELECT pg_drop_replication_slot('{slot}')")


def test_a_replica_that_falls_behind_is_seen_and_told(
    postgresql: str, postgresql_server: servers.Server, tmp_path: Path
) -> None:
    """A real replica that applies nothing more: its lag is in each look, and past the limit it is an alert."""
    if postgresql_server.admin.host != "127.0.0.1":
        pytest.skip("a replica is made of a server of our own only")
    execute(postgresql, *TABLES)
    plan = Project(tmp_path, postgresql).write('[limits]\nreplication_lag = "500ms"\n')
    told: list[str] = []
    with (
        servers._folder("replica") as folder,
        _replica(postgresql_server.admin, folder) as replica,
        writing(replica) as run,
    ):
        run("SELECT pg_wal_replay_pause()")
        watch = Watch(plan, tmp_path / "watch.jsonl", lambda name, says: told.append(f"{name}: {says}"))
        with watch:
            end = time.monotonic() + 30
            number = 10
            while not told:
                assert time.monotonic() < end, watch.last
                execute(postgresql, f"INSERT INTO items VALUES ({number}, 1)")
                number += 1
                time.sleep(0.3)
        lag, slots = watch.last["lag"], watch.last["slots"]
    assert len(told) == 1
    assert told[0].startswith("replication_lag: a replica is ")
    assert isinstance(lag, float)
    assert lag > 0.5
    assert isinstance(slots, dict)
    assert any(name.startswith("vf_test_vf_replica_") for name in slots)


def test_a_slot_that_holds_back_the_log_is_seen(postgresql: str) -> None:
    """A replication slot that nobody reads is named, with the bytes it holds back, and they grow; then it is gone."""
    execute(postgresql, *TABLES)
    execute(postgresql, "SELECT pg_create_physical_replication_slot('vf_test_slot', true)")
    try:
        before = dict(_pulse(postgresql).slots)["vf_test_slot"]
        execute(postgresql, "INSERT INTO items SELECT i, i FROM generate_series(10, 2000) i")
        assert dict(_pulse(postgresql).slots)["vf_test_slot"] > before >= 0
    finally:
        execute(postgresql, "SELECT pg_drop_replication_slot('vf_test_slot')")
    assert "vf_test_slot" not in dict(_pulse(postgresql).slots)


@pytest.mark.parametrize("name", ["sqlite", "mariadb"])
def test_where_there_is_no_replication_none_is_told(name: str, request: pytest.FixtureRequest) -> None:
    """A database without replicas has no lag and no slots: that is not the same as a lag of nothing."""
    url = request.getfixturevalue(name)
    execute(url, *TABLES)
    pulse = _pulse(url)
    assert (pulse.lag, pulse.slots) == (None, ())
