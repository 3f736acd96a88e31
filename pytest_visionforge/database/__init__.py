"""One database, read-only, and the facts of its schema."""

from pytest_visionforge.database.database import Database, Identity, as_table
from pytest_visionforge.database.definitions import Definition, Grant, Partition, Policy
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
)
from pytest_visionforge.database.names import object_id, split_id
from pytest_visionforge.database.session import AnyRow, Session, unescaped, verbatim
from pytest_visionforge.database.snapshot import Snapshot, sharing

__all__ = [
    "AnyRow",
    "CheckConstraint",
    "Column",
    "Database",
    "Definition",
    "ForeignKey",
    "Grant",
    "Identity",
    "Index",
    "Key",
    "Partition",
    "Policy",
    "Schema",
    "Sequence",
    "Session",
    "Snapshot",
    "Table",
    "Trigger",
    "View",
    "as_table",
    "object_id",
    "sharing",
    "split_id",
    "unescaped",
    "verbatim",
]
