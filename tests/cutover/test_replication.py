"""The watch sees real replicas and slots: how far behind they are, and how much of the log they hold back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from pytest_visionforge.cutover.replicas import Replicas, of_slots
from pytest_visionforge.cutover.watch import Watch
from pytest_visionforge.database import Database
from pytest_visionforge.dialects.pulse import Pulse, Replica, Slot
from pytest_visionforge.plan.values.sections import Limits
from tests import servers
from tests.backup.shop import writing
from tests.cutover.project import TABLES, Project, execute
from tests.scenarios.site import Site
from tests.soak import SOAK


def _pulse(url: str) -> Pulse:
    with Database("target", url) as database, database.session() as session:
        return database.dialect.watch.pulse(session, database.url)


def _slots(url: str) -> dict[str, Slot]:
    return {slot.name: slot for slot in _pulse(url).slots}


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


def _told(told: list[str], number: int, meanwhile: Callable[[], None]) -> str:
    """The alert with this number, once it is there; `meanwhile` is done again and again."""
    end = time.monotonic() + 30
    while len(told) <= number:
        assert time.monotonic() < end, told
        meanwhile()
        time.sleep(0.3)
    return told[number]


def _in_step(watch: Watch) -> None:
    """Waits until the replica has applied all, so that what comes next is news."""
    end = time.monotonic() + 30
    while watch._raised or watch.last.get("lag") != 0:
        assert time.monotonic() < end, watch.last
        time.sleep(0.1)


def test_a_replica_that_falls_behind_freezes_or_goes_is_told(
    postgresql: str, postgresql_server: servers.Server, tmp_path: Path
) -> None:
    """A real replica that applies nothing more, whose receiver is frozen, that is gone: each is an alert, once."""
    if postgresql_server.admin.host != "127.0.0.1":
        pytest.skip("a replica is made of a server of our own only")
    execute(postgresql, *TABLES)
    plan = Project(tmp_path, postgresql).write('[limits]\nreplication_lag = "500ms"\n')
    told: list[str] = []
    numbers = iter(range(10, 10_000))

    def write() -> None:
        execute(postgresql, f"INSERT INTO items VALUES ({next(numbers)}, 1)")

    with (
        servers._folder("replica") as folder,
        Watch(plan, tmp_path / "watch.jsonl", lambda name, says: told.append(f"{name}: {says}")) as watch,
    ):
        with _replica(postgresql_server.admin, folder) as replica, writing(replica) as run:
            run("SELECT pg_wal_replay_pause()")
            assert _told(told, 0, write).startswith(
                "replication_lag: the replica walreceiver at 127.0.0.1 is "
            )
            slots = watch.last["slots"]
            assert isinstance(slots, dict)
            assert any(name.startswith("vf_test_vf_replica_") for name in slots)
            run("SELECT pg_wal_replay_resume()")
            _in_step(watch)
            receiver = run("SELECT pid FROM pg_stat_wal_receiver").scalar()
            os.kill(receiver, signal.SIGSTOP)
            try:
                assert "s behind, the limit is 0.5 s" in _told(told, 1, write)
            finally:
                os.kill(receiver, signal.SIGCONT)
            _in_step(watch)
        assert "walreceiver at 127.0.0.1 is not connected any more" in _told(told, 2, write)
    assert len(told) == 3


def test_standing_still_counts_only_where_there_is_something_to_do() -> None:
    """Behind and unmoved is behind since then; idle, moving or unknown is not; gone is gone until it is back."""
    found, limits = Replicas(), Limits(replication_lag=10)

    def look(moment: float, *replicas: Replica) -> list[str]:
        found.look(replicas, moment)
        return [says for _, _, says in found.alerts(limits) if says]

    assert look(0, Replica("r", 0.0, False, "1")) == []
    assert look(100, Replica("r", 0.0, False, "1")) == []
    assert look(101, Replica("r", 0.0, True, "1")) == []
    assert look(110, Replica("r", 0.0, True, "1")) == []
    assert look(120, Replica("r", 0.0, True, "2")) == []
    assert look(131, Replica("r", 0.0, True, "2")) == ["r is 11 s behind, the limit is 10 s"]
    assert found.lag == 11
    assert look(132, Replica("r", 12.0, True, "3")) == ["r is 12 s behind, the limit is 10 s"]
    assert look(133, Replica("r")) == []
    assert found.lag is None
    assert look(134)[0].startswith("r is not connected any more")
    assert look(135, Replica("r")) == []


def test_a_slot_is_told_by_what_it_keeps_and_by_its_reader() -> None:
    """Past its limit a slot is told, with whether anybody reads it; a lost one always; a small one never."""
    slots = (
        Slot("a", 5_000_000),
        Slot("b", 50_000_000),
        Slot("c", 50_000_000, read=False),
        Slot("d", 0, lost=True),
    )
    told = [says for _, _, says in of_slots(slots, Limits(replication_slot=10_000_000)) if says]
    assert told == [
        "the replication slot b, whose reader does not keep up, keeps 50 MB of the log, the limit is 10 MB;"
        " the disk may fill",
        "the replication slot c, that nobody reads, keeps 50 MB of the log, the limit is 10 MB;"
        " the disk may fill",
        "the replication slot d is lost: its reader must be built anew",
    ]


@pytest.fixture(scope="module")
def logical_server() -> Iterator[servers.Server]:
    """A server whose log can be decoded."""
    with servers.postgresql(None, "wal_level=logical", "max_replication_slots=4") as server:
        yield server


def test_a_logical_slot_that_nobody_reads_is_named(logical_server: servers.Server, tmp_path: Path) -> None:
    """Premigration warns of it, and the watch tells it once it keeps more of the log than it may."""
    url = logical_server.create()
    slot = f"vf_{make_url(url).database}"
    execute(url, *TABLES)
    try:
        with writing(url) as run:
            run(f"SELECT pg_create_logical_replication_slot('{slot}', 'test_decoding')")
    except Exception as refused:  # a server that the environment names
        pytest.skip(f"no logical slot here: {refused}")
    try:
        here = Site(tmp_path, {"SHOP_DB": url})
        here.plan('plan = "shop"\n[database]\nurl = "$SHOP_DB"\n[limits]\nreplication_slot = "100kB"\n')
        here.pytest("-m", "premigration", "-k", "replication_slots")
        (warned,) = here.record("premigration")["results"]
        assert (warned["outcome"], warned["finding"]["sample"][0]["key"]["slot"]) == ("warned", slot)
        plan = Project(tmp_path, url).write('[limits]\nreplication_slot = "100kB"\n')
        told: list[str] = []
        with Watch(plan, tmp_path / "watch.jsonl", lambda name, says: told.append(f"{name}: {says}")):
            execute(url, "INSERT INTO items SELECT i, i FROM generate_series(10, 20000) i")
            said = _told(told, 0, lambda: None)
        assert said.startswith(f"replication_slot: the replication slot {slot}, that nobody reads, keeps ")
        assert len(told) == 1
    finally:
        execute(url, f"SELECT pg_drop_replication_slot('{slot}')")
        logical_server.drop(url)


def test_a_slot_that_holds_back_the_log_is_seen(postgresql: str) -> None:
    """A replication slot that nobody reads is named, with the bytes it holds back, and they grow; then it is gone."""
    execute(postgresql, *TABLES)
    execute(postgresql, "SELECT pg_create_physical_replication_slot('vf_test_slot', true)")
    try:
        before = _slots(postgresql)["vf_test_slot"]
        execute(postgresql, "INSERT INTO items SELECT i, i FROM generate_series(10, 2000) i")
        after = _slots(postgresql)["vf_test_slot"]
        assert after.held > before.held >= 0
        assert (after.read, after.lost) == (False, False)
    finally:
        execute(postgresql, "SELECT pg_drop_replication_slot('vf_test_slot')")
    assert "vf_test_slot" not in _slots(postgresql)


@pytest.mark.parametrize("name", ["sqlite", "mariadb"])
def test_where_there_is_no_replication_none_is_told(name: str, request: pytest.FixtureRequest) -> None:
    """A database without replicas has no lag and no slots: that is not the same as a lag of nothing."""
    url = request.getfixturevalue(name)
    execute(url, *TABLES)
    pulse = _pulse(url)
    assert (pulse.replicas, pulse.slots) == ((), ())


@pytest.mark.skipif(not SOAK, reason="only under VISIONFORGE_SOAK=1: it takes its time")
def test_a_mariadb_replica_that_stands_still_is_told(tmp_path: Path) -> None:
    """On the replica: behind since it stands still, though no lag is told; on its source: that it is gone."""
    told: list[str] = []
    with (
        servers.mariadb(None, "log-bin", "server-id=1") as source,
        servers.mariadb(None, "server-id=2") as target,
    ):
        if source.admin.port == target.admin.port:
            pytest.skip("a replica is made of servers of our own only")
        target.run(
            f"CHANGE MASTER TO master_host='127.0.0.1', master_port={source.admin.port}, master_user='root',"
            " master_log_pos=4"
        )
        target.run("START SLAVE")
        url = source.create()
        execute(url, *TABLES)
        copy = make_url(url).set(port=target.admin.port).render_as_string(hide_password=False)
        end = time.monotonic() + 30
        while not _known(copy) or _pulse(copy).replicas[0].behind:
            assert time.monotonic() < end
            time.sleep(0.2)
        assert [each.name for each in _pulse(url).replicas] == ["the replica root at 127.0.0.1"]
        plans = {
            name: Project(_made(tmp_path / name), at).write('[limits]\nreplication_lag = "1s"\n')
            for name, at in (("source", url), ("copy", copy))
        }
        with (
            Watch(plans["source"], tmp_path / "1", lambda name, says: told.append(f"source {says}")),
            Watch(plans["copy"], tmp_path / "2", lambda name, says: told.append(f"copy {says}")),
        ):
            time.sleep(1.5)
            target.run("STOP SLAVE")
            numbers = iter(range(10, 10_000))  # a source learns that a reader is gone when it writes to it
            _told(told, 1, lambda: execute(url, f"INSERT INTO items VALUES ({next(numbers)}, 1)"))
    assert any(each.startswith("source the replica root at 127.0.0.1 is not connected") for each in told)
    assert any(each.startswith("copy this replica of 127.0.0.1 is ") for each in told)


def _known(url: str) -> bool:
    with writing(make_url(url).set(database="").render_as_string(hide_password=False)) as run:
        return bool(run(f"SHOW DATABASES LIKE '{make_url(url).database}'").all())


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
