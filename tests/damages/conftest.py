"""The sample on every DBMS twice, loaded once; a place of each pair of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.damages.places import PLACES, Place, Side
from tests.servers import Server


class Sides:
    """The databases before and after, each made when it is asked for first."""

    def __init__(self, request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> None:
        self._request = request
        self._folder = factory.mktemp("damages")
        self._made: dict[tuple[str, str], Side] = {}
        self._places: dict[tuple[str, str], Place] = {}
        self.stack = ExitStack()

    def place(self, before: str, after: str) -> Place:
        """The place of a pair."""
        if (before, after) not in self._places:
            sides = self._side(before, "before"), self._side(after, "after")
            self._places[before, after] = Place(*sides, self._folder)
        return self._places[before, after]

    def _side(self, dbms: str, when: str) -> Side:
        if (dbms, when) not in self._made:
            self._made[dbms, when] = self.stack.enter_context(closing(Side(dbms, self._url(dbms, when))))
        return self._made[dbms, when]

    def _url(self, dbms: str, when: str) -> str:
        if dbms == "sqlite":
            return f"sqlite:///{self._folder}/{when}.db"
        server: Server = self._request.getfixturevalue(f"{dbms}_server")
        url = server.create("CHARACTER SET utf8mb4" if dbms == "mariadb" else "")
        self.stack.callback(server.drop, url)
        return url


@pytest.fixture(scope="module")
def sides(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    """The databases of a module's tests."""
    made = Sides(request, tmp_path_factory)
    with made.stack:
        yield made


@pytest.fixture(scope="module", params=PLACES, ids="-".join)
def place(request: pytest.FixtureRequest, sides: Sides) -> Place:
    """Each place in turn."""
    return sides.place(*request.param)
