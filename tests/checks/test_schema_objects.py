"""Whatever differs in a schema has a check in which it is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_visionforge import dialects
from pytest_visionforge.compare import Baseline, differences
from pytest_visionforge.database import Column, Definition, Grant, Identity, Schema, Sequence, Table, View
from pytest_visionforge.objects import OBJECTS
from pytest_visionforge.rules import POSTMIGRATION
from pytest_visionforge.scope import Scope
from tests.plan import samples

FULL = Schema(
    tables={"t": Table("t", columns=(Column("a", "integer", comment="one"),))},
    views={"v": View("v", "SELECT 1", columns=("one",))},
    sequences={"s": Sequence("s", 1)},
    routines={"function f()": Definition("function", "f", "CREATE FUNCTION f()", arguments="()")},
    types={"type m": Definition("type", "m", "ENUM ('a')")},
    extensions={"extension e": Definition("extension", "e", "SCHEMA public VERSION '1'")},
    events={"event e": Definition("event", "e", "DO 1")},
    owners={"table t": "me", "schema public": "me"},
    grants=(Grant("SELECT", "table", "t", "you"), Grant("USAGE", "schema", "public", "you")),
    options={"encoding": "UTF8"},
)
DECLARED = """
[changes.tables.more]
added = true
[changes.tables.other]
renamed_from = "nowhere"
[changes.views]
added = ["w"]
[changes.routines]
added = ["g"]
[changes.grants]
added = ["to nobody"]
"""


def _baseline(schema: Schema) -> Baseline:
    identity = Identity("here", "PostgreSQL", "15", "nowhere")
    return Baseline(Path("none"), datetime.now(UTC), identity, "postgresql", "shop", "", schema, {})


@pytest.mark.parametrize("changes", ["", DECLARED])
@pytest.mark.parametrize(("before", "after"), [(FULL, Schema()), (Schema(), FULL), (Schema(), Schema())])
def test_every_difference_has_its_check(before: Schema, after: Schema, changes: str) -> None:
    """Each difference belongs to an object that the check of the schema is run on."""
    plan = samples.plan(samples.SHORTEST + changes)
    dialect = dialects.named("postgresql")
    scope = Scope(plan, POSTMIGRATION, schema=after, baseline=_baseline(before))
    ids = {each.id for each in OBJECTS["schema_object"](scope)}
    owners = {each.owner for each in differences(before, after, plan.changes, dialect, dialect)}
    assert owners <= ids
    assert owners or not (changes or before.tables or after.tables)
