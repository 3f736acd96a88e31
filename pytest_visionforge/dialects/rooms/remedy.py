"""Putting objects back: what each DBMS must have in its `remedy`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pytest_visionforge.database.definitions import Definition, Grant, Partition, Policy
    from pytest_visionforge.database.facts import Column, Table, View


class RemedyRoom(Protocol):
    """SQL for people that puts an object of the schema back; a sentence, or "", where that is not simple."""

    def declared(self, column: Column) -> str:
        """A column as it stands in CREATE TABLE."""

    def column(self, table: Table, column: Column, topic: str) -> str:
        """Makes a column what it should be in one topic.

        That is type, nullability, default, identity, generated, collation or comment.
        """

    def option(self, table: Table, name: str, value: str) -> str:
        """Sets one of the options of a table, or its comment; "" stands for none."""

    def view(self, view: View) -> str:
        """Creates a view."""

    def partition(self, before: Table, now: Table, partition: Partition, is_table: bool) -> str:
        """Makes a partition of `before` one of the table `now` again; `is_table`: it is still there."""

    def policy(self, table: Table, policy: Policy) -> str:
        """Creates a row security policy."""

    def definition(self, wanted: Definition, now: Definition | None) -> str:
        """Creates a routine, type, extension or event, or makes it of what is there now."""

    def drop(self, kind: str, id: str, table: Table | None) -> str:
        """Drops an object of that kind; a policy is one of its table."""

    def owner(self, kind: str, id: str, owner: str) -> str:
        """Gives an object back to its owner."""

    def grant(self, grants: Sequence[Grant]) -> str:
        """Grants what one role may do on one object."""

    def revoke(self, grants: Sequence[Grant]) -> str:
        """Takes it away."""
