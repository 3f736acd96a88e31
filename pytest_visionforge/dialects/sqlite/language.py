"""SQLite's words."""

from __future__ import annotations

from pytest_visionforge.database.session import verbatim


def quote(name: str) -> str:
    """A name as an identifier."""
    return verbatim('"' + name.replace('"', '""') + '"')


def quote_table(schema: str | None, name: str) -> str:
    """A table's name; SQLite has one schema."""
    return quote(name)


def matches(expression: str, parameter: str) -> str:
    """True where the whole text matches (Python's `re`, a function of the session)."""
    return f"full_match(:{parameter}, {expression})"


def as_text(expression: str) -> str:
    """The value as text."""
    return f"CAST({expression} AS TEXT)"


def plain(expression: str) -> str:
    """The text in byte order."""
    return f"({expression}) COLLATE BINARY"


def now() -> str:
    """Now in UTC, in the form of `timestamp`: a Julian day."""
    return "julianday('now')"


def timestamp(expression: str) -> str:
    """Text as a Julian day; integers as Unix seconds; reals are Julian days."""
    return (
        f"CASE typeof({expression}) WHEN 'integer' THEN julianday({expression}, 'unixepoch')"
        f" ELSE julianday({expression}) END"
    )


def same(left: str, right: str) -> str:
    """True where both are NULL or both are equal."""
    return f"({left} IS {right})"


def number(expression: str) -> str:
    """SQLite has no exact decimals: sums are compared with a tolerance."""
    return f"({expression})"


def literal(text: str) -> str:
    """A text as a literal."""
    return verbatim("'" + text.replace("'", "''") + "'")
