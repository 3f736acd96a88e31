from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from pytest_visionforge.errors import PlanError
from pytest_visionforge.plan.values.plan import Plan
from tests.plan import samples


def at(url: str) -> str:
    """Write a plan on one database."""
    return samples.SHORTEST.replace("$SHOP_DB", url)


def source(directory: Path, url: str, **environ: str) -> Plan:
    """Read a plan on one database, in a directory that stays."""
    return samples.plan_in(directory, at(url), environ=environ)


def wrong(url: str, **environ: str) -> str:
    """Tell what is said of an address that is wrong, and of nothing else."""
    (error,) = samples.errors(at(url), environ=environ)
    return error


def test_sqlite_is_relative_to_the_plan(tmp_path: Path) -> None:
    """The URL of a SQLite file is absolute, and it is shown as it is relative to the plan."""
    plan = source(tmp_path, "sqlite:///data/../shop.db")
    assert plan.source.url == f"sqlite:///{tmp_path}/shop.db"
    assert plan.source.shown == str(plan.source) == "sqlite:///shop.db"
    assert plan.in_place


def test_sqlite_elsewhere_is_shown_absolute(tmp_path: Path) -> None:
    """A SQLite file outside of the plan's directory is shown with its whole path."""
    plan = source(tmp_path, "sqlite+pysqlite:////srv/shop.db?timeout=5")
    assert plan.source.url == plan.source.shown == "sqlite+pysqlite:////srv/shop.db?timeout=5"


@pytest.mark.parametrize("name", ["100%.db", "what?.db", "a b.db", "grün.db", "%41.db"])
def test_any_file_name_survives(tmp_path: Path, name: str) -> None:
    """The library that opens the URL finds the very path that the plan means."""
    written = name.replace("%", "%25").replace("?", "%3F")
    (tmp_path / "50% off?").mkdir()
    plan = source(tmp_path / "50% off?", f"sqlite:///{written}")
    assert make_url(plan.source.url).database == str(tmp_path / "50% off?" / name)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://shop@db/shop", "postgresql://shop@db/shop"),
        ("postgresql+psycopg://shop:$PW@db:5432/shop", "postgresql+psycopg://shop:***@db:5432/shop"),
        ("mysql+pymysql://shop:${PW}@[::1]:3306/shop", "mysql+pymysql://shop:***@[::1]:3306/shop"),
        ("mariadb://shop@db/shop?ssl_ca=/ca.pem", "mariadb://shop@db/shop?ssl_ca=/ca.pem"),
        ("postgresql:///shop?host=/run&password=$PW", "postgresql:///shop?host=/run&password=***"),
        ("postgresql://:$PW@/shop", "postgresql://:***@/shop"),
    ],
)
def test_an_address_is_shown_without_its_password(tmp_path: Path, url: str, shown: str) -> None:
    """`shown` has all but the password; `url` is what the driver gets."""
    plan = source(tmp_path, url, PW="gehe#im")
    assert plan.source.shown == shown
    assert plan.source.url == url.replace("${PW}", "gehe#im").replace("$PW", "gehe#im")
    assert "gehe" not in repr(plan)


@given(
    st.text(st.characters(codec="ascii", min_codepoint=33), min_size=8),
    st.sampled_from(
        [
            "postgresql://shop:{}@db/shop",
            "postgresql://a.b@c:{}@db/shop",
            "postgresql://shop/x:{}@db/shop",
            "mysql://db/shop?password={}",
            "sqlite:///shop.db?password={}",
            "{}",
            "shop:{}@db",
            "host=db password={}",
        ]
    ),
)
def test_no_secret_is_shown_whatever_it_is(secret: str, pattern: str) -> None:
    """Whatever a password holds, no error, no repr and no `shown` gives it away."""
    url = pattern.replace("{}", f"geheim{secret}geheim")
    try:
        plan = samples.plan(samples.SHORTEST, environ={"SHOP_DB": url})
        said = f"{plan!r}{plan.source}"
    except PlanError:
        said = traceback.format_exc()
    assert "geheim" not in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://shop:hunter2@db/shop",
        "postgresql://shop:hunter2$PW@db/shop",
        "mysql://db/shop?user=shop&passwd=hunter2",
        "postgresql://$USER:hunter2@db/shop",
    ],
)
def test_a_password_in_the_file_is_refused_and_not_repeated(url: str) -> None:
    """A literal password is an error that says where it belongs."""
    says = wrong(url, PW="x", USER="x")
    assert says.startswith("database.url: holds a password: put it into an environment variable")
    assert "~/.pgpass" in says
    assert "hunter2" not in says


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("shop.db", "is no URL; for a SQLite file write sqlite:///shop.db"),
        ("$DIR/shop.db", "is no URL; for a SQLite file write sqlite:///$DIR/shop.db"),
        (
            "host=db dbname=shop",
            "is no URL; write sqlite:///shop.db, postgresql://user@host/name or mysql://",
        ),
        ("postgres://db/shop", 'its scheme is not that of a database here; did you mean "postgresql"?'),
        ("oracle://db/shop", "known here: mariadb, mysql, postgresql, sqlite"),
        ("sqlite://shop.db", "names no SQLite file; write sqlite:///shop.db (three slashes"),
        ("sqlite://", "names no SQLite file"),
        ("sqlite:///:memory:", "names no SQLite file"),
        ("sqlite:///file:shop.db?uri=true", "names no SQLite file"),
        ("postgresql://shop@db:port/shop", "cannot be read as a URL"),
        ("postgresql://shop:$ODD@db/shop", "write @ as %40"),
        ("$NOT_SET", "environment variable NOT_SET is not set (or empty)"),
        ("$EMPTY", "environment variable EMPTY is not set (or empty)"),
        ("postgresql://$A:${B}@db/$DIR/$A", "environment variable A, B is not set (or empty)"),
    ],
)
def test_an_address_that_is_none_is_told_with_its_remedy(url: str, says: str) -> None:
    """Each way in which an address is wrong has a message that says how to mend it."""
    told = wrong(url, DIR="data", ODD="p@ss", EMPTY="")
    assert told.startswith("database.url: ")
    assert says in told


def test_a_variable_is_expanded_once() -> None:
    """A value that itself holds a `$` is taken as it is."""
    plan = samples.plan(at("$ONE"), environ={"ONE": "postgresql://shop:$TWO@db/shop"})
    assert plan.source.url == "postgresql://shop:$TWO@db/shop"


def test_a_line_end_after_a_value_is_dropped() -> None:
    """A URL read from a file of secrets often ends with a line end."""
    plan = samples.plan(at("$ONE"), environ={"ONE": "postgresql://shop@db/shop\n"})
    assert plan.source.url == "postgresql://shop@db/shop"
