"""The watch sees who waits for whom, tells each thing once, and costs next to nothing."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pytest_visionforge.cutover.migrate import migrate
from pytest_visionforge.cutover.watch import Machine, Watch
from pytest_visionforge.database import Database
from pytest_visionforge.dialects.pulse import Activity, Pulse, Replica, Wait
from pytest_visionforge.errors import MigrationError
from pytest_visionforge.plan.values.plan import Plan
from tests.cutover.project import TABLES, Project, engine, execute


@pytest.fixture(params=["postgresql", "mariadb"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """A shop on a server."""
    url = request.getfixturevalue(request.param)
    execute(url, *TABLES)
    return Project(tmp_path, url)


@contextmanager
def _queue(url: str) -> Iterator[None]:
    """A reader in a transaction, an ALTER that waits for it, and a reader that waits for that."""
    made = engine(url)
    with made.connect() as first, made.connect() as second:
        first.exec_driver_sql("SELECT * FROM orders").all()

        def alter() -> None:
            with suppress(Exception):
                second.exec_driver_sql("ALTER TABLE orders ADD COLUMN note INTEGER")

        thread = threading.Thread(target=alter)
        thread.start()
        try:
            yield
        finally:
            first.rollback()
            thread.join()
    made.dispose()


def test_the_tree_of_waits_is_seen(served: Project) -> None:
    """On a real server: the waiter, whom it waits for, and what for, once; then a line of looks for each second."""
    plan = served.write('[migration]\nlock_wait_max = "1s"\n')
    told: list[tuple[str, str]] = []
    path = served.folder / "watch.jsonl"
    with _queue(served.url), Watch(plan, path, lambda name, says: told.append((name, says))):
        time.sleep(3.4)
    waits = [says for name, says in told if name == "lock_wait"]
    assert len(waits) == 1, told
    assert "ALTER TABLE orders ADD COLUMN note INTEGER <- " in waits[0]
    looks = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(looks) >= 3
    assert any(look["waits"] for look in looks)
    assert looks[0]["size"] > 0
    assert looks[0]["connections"] >= 2


def _pulse(url: str) -> Pulse:
    with Database("target", url) as database, database.session() as session:
        return database.dialect.watch.pulse(session, database.url)


def test_progress_is_seen(postgresql: str) -> None:
    """A long operation of PostgreSQL is told with its table, while it runs and no longer."""
    execute(postgresql, *TABLES)
    made = engine(postgresql)
    with made.connect() as connection:
        cursor = connection.connection.cursor()
        with cursor.copy("COPY items FROM STDIN") as rows:
            for number in range(10, 20_000):
                rows.write(b"%d\t1\n" % number)
            _until(lambda: any(each.startswith("copy of items") for each in _pulse(postgresql).progress))
        connection.rollback()
    made.dispose()
    assert _pulse(postgresql).progress == ()


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_dump_keeps_the_migration_from_starting(postgresql: str, tmp_path: Path) -> None:
    """While pg_dump runs, however young, its locks would make the migration wait: it is named, nothing is run."""
    execute(postgresql, *TABLES)
    plan = Project(tmp_path, postgresql).write('[migration]\ncommand = "touch ran"\n')
    made = engine(postgresql)
    with made.connect() as connection:
        connection.exec_driver_sql("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        url = make_url(postgresql).set(drivername="postgresql").render_as_string(hide_password=False)
        dump = subprocess.Popen(["pg_dump", "-f", "/dev/null", url])
        try:
            _until(lambda: any("pg_dump" in each.who for each in _pulse(postgresql).transactions))
            with pytest.raises(MigrationError, match=r"queue behind .*pg_dump"):
                migrate(plan, echo=print)
        finally:
            dump.kill()
            dump.wait()
    made.dispose()
    assert not (tmp_path / "ran").exists()


def _watch(plan: Plan, told: list[tuple[str, str]], path: Path) -> Watch:
    return Watch(plan, path, lambda name, says: told.append((name, says)), lambda: 100.0)


def _judged(watch: Watch, machine: Machine | None, pulse: Pulse | None) -> None:
    """One look's judgement, without the look."""
    watch._replicas.look(pulse.replicas if pulse else (), time.monotonic())
    for name, key, says in (
        *(watch._of_machine(machine) if machine else ()),
        *(watch._of_pulse(pulse) if pulse else ()),
    ):
        watch._raise(name, key, says)


def _machine(**facts: object) -> Machine:
    values: dict[str, object] = {"cpu": 0.1, "memory": 0.1, "tree_cpu": 0.0, "tree_memory": 0, "disk": {}}
    return Machine(**{**values, **facts})  # type: ignore[arg-type]


def test_each_limit_raises_its_alert_once(tmp_path: Path) -> None:
    """What passes a limit is told once until it is over; what does not is not told."""
    plan = Project(tmp_path, "sqlite:///x.db").write(
        '[limits]\nmigration_memory = "1GB"\ntransaction = "1min"\n'
    )
    told: list[tuple[str, str]] = []
    watch = _watch(plan, told, tmp_path / "w")
    _judged(watch, _machine(), Pulse(replicas=(Replica("r", 1.0),)))
    assert told == []
    for _ in range(3):
        _judged(watch, _machine(memory=0.95, tree_memory=2 * 10**9), Pulse(replicas=(Replica("r", 100.0),)))
    assert [name for name, _ in told] == ["memory", "memory", "replication_lag"]
    _judged(watch, _machine(), Pulse(replicas=(Replica("r"),)))
    _judged(watch, _machine(memory=0.95), Pulse(replicas=(Replica("r"),)))
    assert [name for name, _ in told][3:] == ["memory"]


def test_one_busy_second_is_no_news(tmp_path: Path) -> None:
    """The CPU's share counts over ten looks."""
    told: list[tuple[str, str]] = []
    watch = _watch(Project(tmp_path, "sqlite:///x.db").write(""), told, tmp_path / "w")
    for _ in range(9):
        _judged(watch, _machine(cpu=1.0), None)
    assert told == []
    _judged(watch, _machine(cpu=1.0), None)
    assert told == [("cpu", "100% of the machine in use, the limit is 80%")]


def test_a_disk_that_fills_before_the_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From how fast it fills it is known when it will be full; one that fills slowly enough is no alert."""
    plan = Project(tmp_path, "sqlite:///x.db").write("")
    clock = iter(range(1000))
    monkeypatch.setattr("pytest_visionforge.cutover.watch.time.monotonic", lambda: float(next(clock)))
    for rate, expected in ((10**7, []), (10**8, ["/data: full in about"])):
        told: list[tuple[str, str]] = []
        watch = _watch(plan, told, tmp_path / "w")
        for second in range(25):
            _judged(watch, _machine(disk={"/data": (6 * 10**9 - second * rate, 10**10)}), None)
        assert [says[:20] for _, says in told] == expected
    told = []
    _judged(_watch(plan, told, tmp_path / "w"), _machine(disk={"/data": (10**8, 10**10)}), None)
    assert told == [("disk", "/data: 99.0% in use, 100 MB left")]


def test_the_chain_leads_to_the_one_that_waits_for_nobody(tmp_path: Path) -> None:
    """A waits for b, b for c: told is a <- b <- c; a circle is told once round."""
    plan = Project(tmp_path, "sqlite:///x.db").write('[migration]\nlock_wait_max = "1ms"\n')
    a, b, c = (Activity(each, f"session {each}") for each in "abc")
    told: list[tuple[str, str]] = []
    watch = _watch(plan, told, tmp_path / "w")
    for _ in range(3):
        _judged(watch, None, Pulse(waits=(Wait(a, b, "orders"), Wait(b, c), Wait(c, b))))
        time.sleep(0.01)
    assert len(told) == 3
    assert told[0][1].endswith("on orders: session a (a) <- session b (b) <- session c (c)")
