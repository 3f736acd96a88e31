"""Pytester, and the databases that the tests share: SQLite, PostgreSQL and MariaDB, all real."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests import servers, soak
from tests.checks.matrix import pytest_terminal_summary as pytest_terminal_summary

# Hundreds of programs are started here: where the environment forbids compiled files, each compiles all anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

pytest_plugins = ["pytester"]

DATA = Path(__file__).parent.parent / "shared" / "data"
DEAR = (
    *("scenarios", "faults", "cutover", "backup", "packaging", "compare"),
    *("plugin", "damages", "docs", "demo", "draft", "checks"),
)


def pytest_configure() -> None:
    """Property tests that say no number of examples try more of them in a soak, too."""
    if soak.SOAK:
        from hypothesis import settings

        settings.register_profile("soak", max_examples=soak.examples(settings().max_examples))
        settings.load_profile("soak")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what does more in a soak, and puts the folders whose files take long first.

    At the end no worker is left alone with one.
    """
    for item in items:
        if isinstance(item, pytest.Function) and soak.asks(item.module):
            item.add_marker("soak")
    items.sort(key=lambda item: [*DEAR, item.path.parent.name].index(item.path.parent.name))


@pytest.fixture(scope="session", autouse=True)
def _lean() -> Iterator[None]:
    """Spares the tests, and the programs that they start, what is loaded again and again and never used.

    The runs of pytest do without Hypothesis, whose plugin loads all of it to say nothing. PyMySQL reads every
    authority's certificate for each connection, and asks none of them; here no server has one.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_ADDOPTS", f"{os.environ.get('PYTEST_ADDOPTS', '')} -p no:hypothesispytest")
        patch.setenv("SSL_CERT_FILE", os.devnull)
        yield


def _started(server: AbstractContextManager[servers.Server]) -> Iterator[servers.Server]:
    try:
        with server as running:
            yield running
    except servers.Missing as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))  # in CI every DBMS is tested
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[servers.Server]:
    """A PostgreSQL server."""
    yield from _started(servers.postgresql())


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[servers.Server]:
    """A MariaDB server."""
    yield from _started(servers.mariadb())


@pytest.fixture
def postgresql(postgresql_server: servers.Server) -> Iterator[str]:
    """The URL of a new PostgreSQL database."""
    url = postgresql_server.create()
    yield url
    postgresql_server.drop(url)


@pytest.fixture
def mariadb(mariadb_server: servers.Server) -> Iterator[str]:
    """The URL of a new MariaDB database."""
    url = mariadb_server.create("CHARACTER SET utf8mb4")
    yield url
    mariadb_server.drop(url)


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """The URL of a new SQLite database: an empty one, whose file exists."""
    import sqlite3

    path = tmp_path / "test.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 1")  # writes the header
    connection.close()
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of a new database, on each DBMS in turn."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of sample databases; skips where it is absent."""
    if not DATA.is_dir():
        pytest.skip("the sample databases are not beside the project (../shared/data)")
    return DATA
