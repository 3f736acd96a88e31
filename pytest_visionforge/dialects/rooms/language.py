"""SQL: what each DBMS must have in its `language`."""

from __future__ import annotations

from typing import Protocol


class LanguageRoom(Protocol):
    """How a DBMS says in SQL what the others say in other words."""

    def quote(self, name: str) -> str:
        """A name as an identifier, for a statement that `Session` runs."""

    def quote_table(self, schema: str | None, name: str) -> str:
        """A table's name, with its schema where it is not the default one."""

    def matches(self, expression: str, parameter: str) -> str:
        """True where the whole text matches the regular expression in `:parameter`."""

    def as_text(self, expression: str) -> str:
        """The value as text."""

    def plain(self, expression: str) -> str:
        """The text in byte order, without the collation's ideas of equality."""

    def now(self) -> str:
        """The server's now, comparable with its timestamps (UTC)."""

    def timestamp(self, expression: str) -> str:
        """A timestamp column in a form that compares with `now()` and with others of its kind."""

    def same(self, left: str, right: str) -> str:
        """True where both are NULL or both are equal."""

    def literal(self, text: str) -> str:
        """A text as a literal, for a statement that people are shown."""

    def number(self, expression: str) -> str:
        """A number in a form with which sums do not lose cents (exact where the DBMS has it)."""
