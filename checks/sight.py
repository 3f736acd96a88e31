"""What our role may not see: where that matters to a rule, nobody can tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_visionforge import CannotTell
from pytest_visionforge.database.hidden import Hidden, grants

if TYPE_CHECKING:
    from pytest_visionforge.database import Database


def tell_hidden(database: Database) -> None:
    """CannotTell where anything may be missing in the schema, with the rights that would show it."""
    _tell(database, database.schema.hidden)


def tell_unlisted(database: Database) -> None:
    """CannotTell where there may be tables and views that our role does not even see listed."""
    _tell(database, database.schema.unlisted)


def _tell(database: Database, hidden: Sequence[Hidden]) -> None:
    if hidden:
        remedy = grants(hidden, database.url.username or "ROLE")
        raise CannotTell("; ".join(map(str, hidden)), remedy or "let the role see it")
