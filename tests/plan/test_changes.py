from __future__ import annotations

import pytest

from pytest_visionforge.plan.grants import GrantWords, grant
from pytest_visionforge.plan.values.changes import Changes, ColumnChanges, Declared, RoleChanges, TableChange
from tests.plan import samples


def changes(text: str) -> Changes:
    """Read what a plan declares."""
    return samples.plan(samples.SHORTEST + text).changes


def test_everything_that_may_change_can_be_declared() -> None:
    """Each kind of change has its word."""
    text = """
        [changes.tables.customers]
        renamed_from = "customer"
        rows = "deleted_at is null"
        columns.renamed = { full_name = "name" }
        columns.added = ["email_verified"]
        columns.dropped = ["fax"]
        columns.values = { phone = "replace(phone, '$X', '')" }
        columns.types = ["credit_limit"]
        columns.nullable = ["email"]
        columns.defaults = ["country"]
        columns.collations = ["name"]
        columns.comments = ["phone"]
        indexes = { added = ["i1"], dropped = ["i2"], changed = ["i3"] }
        keys.added = ["k"]
        checks.dropped = ["c"]
        triggers.changed = ["t"]
        partitions.dropped = ["p"]
        policies.added = ["mine"]
        options = ["engine"]
        [changes]
        owners = ["f(int)"]
        options = ["collation"]
        [changes.routines]
        changed = ["f(int)"]
        [changes.types]
        added = ["mood"]
        [changes.extensions]
        dropped = ["hstore"]
        [changes.events]
        added = ["e"]
        [changes.grants]
        dropped = ["select on orders to app", "to app"]
        [changes.roles]
        renamed = { new = "old" }
        [changes.views]
        changed = ["v"]
        [changes.sequences]
        dropped = ["s"]
    """
    assert changes(text) == Changes(
        tables={
            "customers": TableChange(
                name="customers",
                renamed_from="customer",
                rows="deleted_at is null",
                columns=ColumnChanges(
                    renamed={"full_name": "name"},
                    added=("email_verified",),
                    dropped=("fax",),
                    values={"phone": "replace(phone, '$X', '')"},
                    types=("credit_limit",),
                    nullable=("email",),
                    defaults=("country",),
                    collations=("name",),
                    comments=("phone",),
                ),
                indexes=Declared(added=("i1",), dropped=("i2",), changed=("i3",)),
                keys=Declared(added=("k",)),
                checks=Declared(dropped=("c",)),
                triggers=Declared(changed=("t",)),
                partitions=Declared(dropped=("p",)),
                policies=Declared(added=("mine",)),
                options=("engine",),
            )
        },
        views=Declared(changed=("v",)),
        sequences=Declared(dropped=("s",)),
        routines=Declared(changed=("f(int)",)),
        types=Declared(added=("mood",)),
        extensions=Declared(dropped=("hstore",)),
        events=Declared(added=("e",)),
        grants=Declared(dropped=("select on orders to app", "to app")),
        roles=RoleChanges(renamed={"new": "old"}),
        owners=("f(int)",),
        options=("collation",),
    )


def test_a_table_is_found_by_its_name_before_and_after() -> None:
    """What is renamed is followed, what is dropped is gone, the rest keeps its name."""
    found = changes(
        '[changes.tables.customers]\nrenamed_from = "customer"\n[changes.tables.carts]\ndropped = true'
    )
    assert [found.after(name) for name in ("customer", "carts", "orders")] == ["customers", None, "orders"]
    assert found.of("customers").before == "customer"
    assert found.of("orders") == TableChange(name="orders")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[changes.table.a]", 'changes.table: unknown key; did you mean "tables"?'),
        ('[changes.tables.a]\nrename_from = "b"', 'rename_from: unknown key; did you mean "renamed_from"?'),
        ("[changes.tables.a]\nadded = 1", "added: expected true or false, found a number"),
        ("[changes.tables.a]\nrows = 5", "rows: expected text, found a number"),
        ("[changes.tables.a]\nadded = true\ndropped = true", "a table is either added, or dropped, or"),
        ('[changes.tables.a]\nadded = true\nrenamed_from = "b"', "a table is either added"),
        ('[changes.tables.a]\nrenamed_from = "a"', "is renamed from its own name"),
        ('[changes.tables.a]\ncolumns.renamed = { x = "o", y = "o" }', "columns: renames one column twice"),
        (
            '[changes.tables.a]\ncolumns = { renamed = { x = "o" }, dropped = ["o"] }',
            "o: a renamed column is",
        ),
        ('[changes.tables.a]\ncolumns = { renamed = { x = "o" }, added = ["x"] }', "x: a renamed column is"),
        ('[changes.tables.a]\ncolumns.added = "x"', "columns.added: expected a list, found text"),
        ('[changes.tables.a]\nindexes = ["i"]', "indexes: expected a table, found a list"),
        ('[changes.views]\nmoved = ["v"]', "changes.views.moved: unknown key"),
        ("[changes.routine]", 'changes.routine: unknown key; did you mean "routines"?'),
        ("[changes.tables.a]\noption = []", 'option: unknown key; did you mean "options"?'),
        ('[changes.grants]\nadded = ["app"]', "'app' is no grant; write \"select on orders to reporting\""),
        ('[changes.roles]\nadded = ["app"]', "changes.roles.added: unknown key"),
        (
            '[changes.tables.a]\nrenamed_from = "o"\n[changes.tables.b]\nrenamed_from = "o"',
            "changes.tables: two tables are renamed from o",
        ),
    ],
)
def test_a_wrong_change_is_told_with_its_key(text: str, says: str) -> None:
    """Each error is one line that names the key."""
    (error,) = samples.errors(samples.SHORTEST + text)
    assert error.startswith("changes.")
    assert says in error


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("select on orders to app", ("select", "orders", "app")),
        ("SELECT  ON  orders  TO  app", ("SELECT", "orders", "app")),
        (
            "alter routine on f(integer, text) to 'app'@'%'",
            ("alter routine", "f(integer, text)", "'app'@'%'"),
        ),
        ("to app", ("", "", "app")),
        ("on orders.total", ("", "orders.total", "")),
    ],
)
def test_a_grant_has_three_parts(text: str, words: tuple[str, str, str]) -> None:
    """What is left out of a grant means any."""
    assert grant(text) == GrantWords(*words)
