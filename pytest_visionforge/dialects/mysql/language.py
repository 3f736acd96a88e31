"""The words of MariaDB and MySQL."""

from __future__ import annotations

from pytest_visionforge.database.session import verbatim


def quote(name: str) -> str:
    """A name as an identifier."""
    return verbatim("`" + name.replace("`", "``") + "`")


def quote_table(schema: str | None, name: str) -> str:
    """A table's name; a schema is a database of the server."""
    return f"{quote(schema)}.{quote(name)}" if schema else quote(name)


def matches(expression: str, parameter: str) -> str:
    """True where the whole text matches (PCRE on MariaDB, ICU on MySQL), case-sensitively.

    The end is `\\z`, since `$` lets a newline follow; CHAR(92) is its backslash in every sql_mode.
    """
    end = "CHAR(92 USING utf8mb4), 'z'"
    return f"({as_text(expression)} COLLATE utf8mb4_bin) REGEXP CONCAT('^(?\\:', :{parameter}, ')', {end})"


def as_text(expression: str) -> str:
    """The value as text."""
    return f"CONVERT(CAST({expression} AS CHAR) USING utf8mb4)"


def plain(expression: str) -> str:
    """The text as its UTF-8 bytes: trailing blanks, case and accents count, whatever the column's charset."""
    return f"CAST(CONVERT({expression} USING utf8mb4) AS BINARY)"


def now() -> str:
    """Now in UTC: the session's zone."""
    return "UTC_TIMESTAMP(6)"


def timestamp(expression: str) -> str:
    """The timestamp as it stands; TIMESTAMP comes in the session's zone, UTC."""
    return f"CAST({expression} AS DATETIME(6))"


def same(left: str, right: str) -> str:
    """True where both are NULL or both are equal."""
    return f"({left} <=> {right})"


def number(expression: str) -> str:
    """An exact decimal."""
    return f"CAST({expression} AS DECIMAL(65, 10))"


def literal(text: str) -> str:
    """A text as a literal; a backslash begins an escape."""
    return verbatim("'" + text.replace("\\", "\\\\").replace("'", "''") + "'")
