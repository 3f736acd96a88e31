"""PostgreSQL's words."""

from __future__ import annotations

from pytest_visionforge.database.session import verbatim


def quote(name: str) -> str:
    """A name as an identifier."""
    return verbatim('"' + name.replace('"', '""') + '"')


def quote_table(schema: str | None, name: str) -> str:
    """A table's name; the default schema is named too, so that nothing on the search path shadows it."""
    return f"{quote(schema or 'public')}.{quote(name)}"


def matches(expression: str, parameter: str) -> str:
    """True where the whole text matches (PostgreSQL's advanced regular expressions)."""
    return f"({expression})\\:\\:text ~ ('^(?\\:' || CAST(:{parameter} AS text) || ')$')"


def as_text(expression: str) -> str:
    """The value as text."""
    return f"CAST({expression} AS text)"


def plain(expression: str) -> str:
    """The text in byte order; as `text`, since citext would still ignore case."""
    return f'(CAST({expression} AS text) COLLATE "C")'


def now() -> str:
    """Now, comparable with `timestamp`."""
    return "CAST(clock_timestamp() AS timestamptz)"


def timestamp(expression: str) -> str:
    """The timestamp with its zone; one without is taken as UTC (the session's zone)."""
    return f"CAST({expression} AS timestamptz)"


def same(left: str, right: str) -> str:
    """True where both are NULL or both are equal."""
    return f"({left} IS NOT DISTINCT FROM {right})"


def number(expression: str) -> str:
    """An exact decimal."""
    return f"CAST({expression} AS numeric)"


def literal(text: str) -> str:
    """A text as a literal."""
    return verbatim("'" + text.replace("'", "''") + "'")
