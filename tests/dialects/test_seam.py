"""The seam: every DBMS has the same rooms, and each room answers what is asked of it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from types import FunctionType

import pytest

from pytest_visionforge import dialects
from pytest_visionforge.dialects.rooms.archive import ArchiveRoom
from pytest_visionforge.dialects.rooms.canonical import CanonicalRoom
from pytest_visionforge.dialects.rooms.catalog import CatalogRoom
from pytest_visionforge.dialects.rooms.explain import ExplainRoom
from pytest_visionforge.dialects.rooms.join import JoinRoom
from pytest_visionforge.dialects.rooms.language import LanguageRoom
from pytest_visionforge.dialects.rooms.remedy import RemedyRoom
from pytest_visionforge.dialects.rooms.session import SessionRoom
from pytest_visionforge.dialects.rooms.watch import WatchRoom

ROOMS = {
    "session": SessionRoom,
    "language": LanguageRoom,
    "catalog": CatalogRoom,
    "canonical": CanonicalRoom,
    "archive": ArchiveRoom,
    "remedy": RemedyRoom,
    "watch": WatchRoom,
    "explain": ExplainRoom,
    "join": JoinRoom,
}
NAMES = ("sqlite", "postgresql", "mysql")


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("name", NAMES)
def test_rooms(name: str, room: str) -> None:
    """A room has every function of its Protocol, with the same parameters in the same order."""
    found = getattr(dialects.named(name), room)
    asked = {key: value for key, value in vars(ROOMS[room]).items() if isinstance(value, FunctionType)}
    for function in (key for key in asked if not key.startswith("_")):
        there = list(inspect.signature(getattr(found, function)).parameters)
        assert there == list(inspect.signature(asked[function]).parameters)[1:], function


@pytest.mark.parametrize(
    ("text", "name", "driver"),
    [
        ("sqlite:///a.db", "sqlite", "pysqlite"),
        ("postgresql://me@host/db", "postgresql", "psycopg"),
        ("postgresql+psycopg2://me@host/db", "postgresql", "psycopg"),
        ("mysql://me@host/db", "mysql", "pymysql"),
        ("mariadb+mariadbconnector://me@host/db", "mysql", "pymysql"),
    ],
)
def test_url(text: str, name: str, driver: str) -> None:
    """A URL leads to its dialect, by our driver whatever driver it names."""
    url = dialects.parse_url(text)
    assert dialects.of(url) is dialects.named(name)
    assert url.get_driver_name() == driver


def test_rooms_are_entered_late() -> None:
    """A dialect loads no driver, and only the rooms that are entered."""
    code = (
        "import sys; from pytest_visionforge import dialects;"
        "dialects.named('postgresql').language.now();"
        "print([name for name in sys.modules if 'psycopg' in name or 'archive' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
