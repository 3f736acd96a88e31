"""One database, read-only, and the facts of its schema."""

from pytest_visionforge.database.database import Database, Identity
from pytest_visionforge.database.facts import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Key,
    Schema,
    Sequence,
    Table,
    Trigger,
    View,
    object_id,
    split_id,
)
from pytest_visionforge.database.session import AnyRow, Session, verbatim

__all__ = [
    "AnyRow",
    "CheckConstraint",
    "Column",
    "Database",
    "ForeignKey",
    "Identity",
    "Index",
    "Key",
    "Schema",
    "Sequence",
    "Session",
    "Table",
    "Trigger",
    "View",
    "object_id",
    "split_id",
    "verbatim",
]
