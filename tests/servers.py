"""Real servers for the tests: private ones on free ports, or those that the environment names.

`VISIONFORGE_TEST_POSTGRESQL` and `VISIONFORGE_TEST_MARIADB` may hold the URL of a server's
administrator (`postgresql://user:password@host/postgres`, `mysql://root@host/`); databases whose
names begin with `vf_test_` are made and dropped there. Otherwise a server is started from installed
binaries, under an ordinary user, in a folder of its own, and ended with the tests. Where the
binaries are missing and we may, Debian's packages are installed first.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

USER = "nobody" if os.geteuid() == 0 else None
START_SECONDS = 60
MEMORY = Path("/dev/shm")
ROOM = 6 << 30  # bytes that must be free, for data to be kept in memory


class Missing(Exception):
    """A server can neither be found nor installed; the message says what to do."""


class Server:
    """A running server: makes and drops databases."""

    def __init__(self, admin: URL) -> None:
        self.admin = admin
        self._engine = create_engine(admin, poolclass=NullPool, isolation_level="AUTOCOMMIT")

    def create(self, options: str = "") -> str:
        """A new, empty database; its URL with the administrator's rights."""
        name = f"vf_test_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name} {options}")
        return self.admin.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Drops a database and whatever is connected to it."""
        name = make_url(url).database
        force = " WITH (FORCE)" if self.admin.get_backend_name() == "postgresql" else ""
        self.run(f"DROP DATABASE IF EXISTS {name}{force}")

    def run(self, sql: str) -> None:
        """One statement as the administrator."""
        with self._engine.connect() as connection:
            connection.execute(text(sql))


@contextmanager
def postgresql(home: Path | None = None, *settings: str) -> Iterator[Server]:
    """A PostgreSQL server; its data outlive it in `home`, where one is given."""
    named = os.environ.get("VISIONFORGE_TEST_POSTGRESQL")
    if named:
        yield Server(make_url(named).set(drivername="postgresql+psycopg"))
        return
    initdb = _binary("initdb", "/usr/lib/postgresql/*/bin/initdb", package="postgresql")
    with _folder("postgresql") as folder:
        data, port = (home or folder) / "postgresql", _free_port()
        if not (data / "PG_VERSION").exists():
            options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
            _lay_out(data, initdb, lambda data: (initdb, "-D", data, *options))
        server = [
            str(Path(initdb).with_name("postgres")),
            *("-D", str(data), "-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1"),
            *("-c", "fsync=off", "-c", "max_connections=60", "-c", "shared_buffers=64MB"),
            *(part for setting in settings for part in ("-c", setting)),
        ]
        admin = URL.create("postgresql+psycopg", "postgres", host="127.0.0.1", port=port, database="postgres")
        with _running(server, folder, admin, stop=signal.SIGINT):
            yield Server(admin)


@contextmanager
def mariadb(home: Path | None = None, *settings: str) -> Iterator[Server]:
    """A MariaDB server; its data outlive it in `home`, where one is given."""
    named = os.environ.get("VISIONFORGE_TEST_MARIADB")
    if named:
        yield Server(make_url(named).set(drivername="mysql+pymysql"))
        return
    server = _binary("mariadbd", "/usr/sbin/mariadbd", package="mariadb-server")
    install = _binary("mariadb-install-db", "/usr/bin/mariadb-install-db", package="mariadb-server")
    with _folder("mariadb") as folder:
        data, port = (home or folder) / "mariadb", _free_port()
        if not (data / "mysql").exists():
            options = ("--auth-root-authentication-method=normal", f"--tmpdir={folder}")
            _lay_out(data, install, lambda data: (install, "--no-defaults", f"--datadir={data}", *options))
        command = [
            *(server, "--no-defaults", f"--datadir={data}", f"--socket={folder / 's'}", f"--port={port}"),
            *("--bind-address=127.0.0.1", f"--tmpdir={folder}", f"--pid-file={folder / 'pid'}"),
            *("--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--skip-name-resolve"),
            *(f"--{setting}" for setting in settings),
        ]
        admin = URL.create("mysql+pymysql", "root", host="127.0.0.1", port=port, query={"charset": "utf8mb4"})
        with _running(command, folder, admin, stop=signal.SIGTERM):
            yield Server(admin)


def program(name: str) -> str:
    """The path of a program that has a Debian package of its own name; Missing where it cannot be had."""
    return _binary(name, f"/usr/bin/{name}", package=name)


def _binary(name: str, pattern: str, *, package: str) -> str:
    """The path of a server's program; the newest where there are several."""
    with _alone():
        failure = "" if _newest(name, pattern) else _install(package)
    found = _newest(name, pattern)
    if found:
        return found
    raise Missing(
        f"{name} is not installed: apt-get install {package}, or name a server in the environment. {failure}"
    )


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time: workers that all miss a package must not all install it."""
    with (Path(tempfile.gettempdir()) / "visionforge-tests-install.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _newest(name: str, pattern: str) -> str | None:
    found = sorted((str(path) for path in Path("/").glob(pattern.lstrip("/"))), key=_version)
    return found[-1] if found else shutil.which(name)


def _version(path: str) -> tuple[int, ...]:
    return tuple(int(part) for part in path.split("/") if part.isdigit())


def _install(package: str) -> str:
    """Installs a Debian package, without starting the system's own server; what apt says if it fails."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return "It could not be installed here: that takes root, and apt-get."
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", package]):
        done = subprocess.run(
            ["apt-get", "-o", "DPkg::Lock::Timeout=300", *command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    return done.stderr[-500:]


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    """A folder of the server's user, removed afterwards (a short path: sockets need it); in memory if it has room."""
    path = Path(tempfile.mkdtemp(prefix=f"vf-{name}-", dir=MEMORY if _has_room() else None))
    try:
        if USER:
            shutil.chown(path, USER)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _has_room() -> bool:
    return MEMORY.is_dir() and min(psutil.virtual_memory().available, shutil.disk_usage(MEMORY).free) > ROOM


def _lay_out(data: Path, program: str, command: Callable[[Path], tuple[object, ...]]) -> None:
    """Makes a server's data directory: by its program the first time, from then on as a copy of that one."""
    stem = f"visionforge-tests-{data.name}-{os.geteuid()}-{Path(program).stat().st_mtime_ns:x}"
    kept = Path(tempfile.gettempdir()) / stem
    with _alone():
        if not kept.exists():
            made = kept.with_name(f"{stem}.new")  # one that was cut short is made anew
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir()
            if USER:
                shutil.chown(made, USER)
            _run(*command(made))
            made.rename(kept)
    data.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", f"{kept}/.", str(data)], check=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(*command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command], user=USER, cwd="/", capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Missing(f"{command[0]} failed: {done.stderr or done.stdout}")


@contextmanager
def _running(command: list[str], folder: Path, admin: URL, *, stop: signal.Signals) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, user=USER, cwd="/", stdout=log, stderr=log)
    try:
        _wait(lambda: Server(admin).run("SELECT 1"), process, folder / "log")
        yield
    finally:
        process.send_signal(stop)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(answers: Callable[[], None], process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            return answers()
        except DBAPIError:
            if process.poll() is not None or time.monotonic() > end:
                raise Missing(f"the server does not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.1)
