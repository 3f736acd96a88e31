"""The schema: what each DBMS must have in its `catalog`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import URL

if TYPE_CHECKING:
    from pytest_visionforge.database.facts import Column, Schema
    from pytest_visionforge.database.session import Session
    from pytest_visionforge.dialects.capacity import Capacity


class CatalogRoom(Protocol):
    """What a DBMS knows about its objects.

    `COMMENTS`: tables and columns have comments. `CHECKS_HOLD`: no row breaks a CHECK that is valid, since
    nobody can switch it off.
    """

    COMMENTS: bool
    CHECKS_HOLD: bool

    def read_schema(self, session: Session) -> Schema:
        """The application's objects, without the system's, temporary ones and extensions' members.

        A few queries over the whole catalogue, however many tables there are; see
        `pytest_visionforge.database.facts` for what each fact means.
        """

    def database_size(self, session: Session, url: URL) -> int:
        """Bytes on disk, with indexes, without the server's own log."""

    def table_sizes(self, session: Session) -> Mapping[tuple[str | None, str], int]:
        """Bytes on disk of each table with its indexes, by schema (None: the default one) and name.

        Empty where the DBMS cannot tell.
        """

    def data_directories(self, session: Session, url: URL) -> tuple[str, ...]:
        """The directories on this machine that hold the database; () where they are elsewhere or hidden."""

    def capacity(self, column: Column) -> Capacity:
        """What values of a column's type can be, for comparing it with that of another DBMS."""

    def unreadable(self, session: Session) -> tuple[str, ...]:
        """Ids of tables and views of which the role may not SELECT every row, sorted."""

    def damage(self, session: Session, table: str) -> tuple[str, ...]:
        """What the DBMS's own check says of the pages and indexes of a table (by id), or of all ("").

        One line for each piece of damage, about 100 at most; () where all is sound. It reads the
        whole table. CannotTell, with a remedy, where the server has no such check for this role.
        """
