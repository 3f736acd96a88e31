"""Days and moments in SQL: as they compare, and where they cannot be read."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .kinds import Kind, kind_of

if TYPE_CHECKING:
    from pytest_visionforge.database import Column, Database

    from .scope import Scope

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def is_moment(text: str) -> bool:
    """Does a text of the plan begin with a day?"""
    return _DAY.match(text) is not None


def day(database: Database, expression: str) -> str:
    """The day of a moment, as text in ISO 8601."""
    return f"substr({database.dialect.language.as_text(expression)}, 1, 10)"


def unreadable(database: Database, name: str, expression: str) -> dict[str, str]:
    """The values that the DBMS cannot read as a moment: comparing them gives NULL, which would pass."""
    moment = database.dialect.language.timestamp(expression)
    return {f"{name} is no timestamp": f"{expression} IS NOT NULL AND ({moment}) IS NULL"}


def later(database: Database, left: str, right: str, *, by_day: bool = False) -> str:
    """The left moment is later than the right one; with `by_day`, on a later day."""
    timestamp = database.dialect.language.timestamp
    condition = f"({timestamp(left)}) > ({timestamp(right)})"
    return f"{condition} AND {day(database, left)} <> {day(database, right)}" if by_day else condition


def differ_in_kind(*columns: Column) -> bool:
    """Is one a day and the other a moment? Then a moment is not later than its own day."""
    return len({kind_of(column) for column in columns} & {Kind.DATE, Kind.MOMENT}) == 2


def beyond_moment(scope: Scope, column: Column, sign: str, side: str) -> str:
    """The condition of moments before ("<") or after (">") a bound; a day as a bound is whole."""
    database = scope.database
    quoted, bound = scope.quoted(column), moment_literal(database, side)
    pair = (quoted, bound) if sign == ">" else (bound, quoted)
    return later(database, *pair, by_day=_DAY.fullmatch(side) is not None)


def moment_literal(database: Database, text: str) -> str:
    """A day or moment of the plan as a literal, in UTC."""
    moment = datetime.fromisoformat(text)
    plain = text if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    return database.dialect.language.literal(plain.replace("T", " "))
