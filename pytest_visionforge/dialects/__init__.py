"""What each DBMS does its own way, and nothing else: one folder each, the same rooms in each.

`session` opens and limits, `language` writes SQL, `catalog` reads the schema, `canonical` gives the
one text per value on which all agree, `archive` backs up and restores, `remedy` puts back, `watch`
and `explain` say what goes on, `join` sees two databases at once. What each room must have stands in
`rooms`. Above this package nobody asks which DBMS it has; a new one is a new folder here and a line
in `_PACKAGES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from pytest_visionforge.errors import PlanError

if TYPE_CHECKING:
    from pytest_visionforge.dialects.rooms.archive import ArchiveRoom
    from pytest_visionforge.dialects.rooms.canonical import CanonicalRoom
    from pytest_visionforge.dialects.rooms.catalog import CatalogRoom
    from pytest_visionforge.dialects.rooms.explain import ExplainRoom
    from pytest_visionforge.dialects.rooms.join import JoinRoom
    from pytest_visionforge.dialects.rooms.language import LanguageRoom
    from pytest_visionforge.dialects.rooms.remedy import RemedyRoom
    from pytest_visionforge.dialects.rooms.session import SessionRoom
    from pytest_visionforge.dialects.rooms.watch import WatchRoom

_PACKAGES = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}
_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}


@dataclass(frozen=True)
class Dialect:
    """The rooms of one DBMS, each imported when it is entered first."""

    name: str

    @cached_property
    def session(self) -> SessionRoom:
        """How it is opened."""
        room: SessionRoom = self._room("session")
        return room

    @cached_property
    def language(self) -> LanguageRoom:
        """How it says things in SQL."""
        room: LanguageRoom = self._room("language")
        return room

    @cached_property
    def catalog(self) -> CatalogRoom:
        """How its objects are read."""
        room: CatalogRoom = self._room("catalog")
        return room

    @cached_property
    def canonical(self) -> CanonicalRoom:
        """How its values become canonical text."""
        room: CanonicalRoom = self._room("canonical")
        return room

    @cached_property
    def archive(self) -> ArchiveRoom:
        """How it is backed up and restored."""
        room: ArchiveRoom = self._room("archive")
        return room

    @cached_property
    def watch(self) -> WatchRoom:
        """How it is watched while others work."""
        room: WatchRoom = self._room("watch")
        return room

    @cached_property
    def explain(self) -> ExplainRoom:
        """How it would read a query's tables."""
        room: ExplainRoom = self._room("explain")
        return room

    @cached_property
    def remedy(self) -> RemedyRoom:
        """How its objects are put back."""
        room: RemedyRoom = self._room("remedy")
        return room

    @cached_property
    def join(self) -> JoinRoom:
        """How two of its databases are joined."""
        room: JoinRoom = self._room("join")
        return room

    def _room(self, room: str) -> Any:
        return import_module(f"{__name__}.{self.name}.{room}")


def parse_url(text: str | URL) -> URL:
    """A database's URL, with the driver that we use; PlanError where it is not one of ours."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise PlanError(
            "not a database URL; write sqlite:///path.db, postgresql://user@host/name or mysql://user@host/name"
        ) from None
    name = _PACKAGES.get(url.get_backend_name())
    if name is None:
        raise PlanError(
            f"{url.get_backend_name()} is not a DBMS that can be migrated here; known: "
            + ", ".join(sorted(set(_PACKAGES)))
        )
    url = url.set(drivername=_DRIVERS[name])
    if name != "mysql":
        return url
    from pytest_visionforge.dialects.mysql.login import completed
    from pytest_visionforge.dialects.mysql.tls import spelled

    return completed(spelled(url))  # what its client programs would make of it, and the driver does not


def of(url: URL) -> Dialect:
    """The dialect of a URL."""
    return named(_PACKAGES[url.get_backend_name()])


def known() -> tuple[Dialect, ...]:
    """Every dialect."""
    return tuple(named(name) for name in dict.fromkeys(_PACKAGES.values()))


@cache
def named(name: str) -> Dialect:
    """The dialect called "sqlite", "postgresql" or "mysql"; one object each."""
    return Dialect(name)
