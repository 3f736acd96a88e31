"""A table that is split from another, and the load of a comparison."""

from __future__ import annotations

import pytest

from pytest_visionforge.plan.values.changes import ColumnChanges, TableChange
from tests.plan import samples


def test_a_split_table_is_declared() -> None:
    """A split table is an added one that says of which other its rows are."""
    text = """
        [changes.tables.address]
        split_from = "customer"
        columns.renamed = { customer_id = "id" }
        columns.values = { street = "street" }
        rows = "street is not null"
    """
    changes = samples.plan(samples.SHORTEST + text).changes
    found = changes.of("address")
    assert found == TableChange(
        "address",
        split_from="customer",
        added=True,
        columns=ColumnChanges(renamed={"customer_id": "id"}, values={"street": "street"}),
        rows="street is not null",
    )
    assert (found.origin, found.before) == ("customer", "address")
    assert changes.after("customer") == "customer"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('split_from = "a"\nadded = true', "either added, or dropped, or renamed, or split from another"),
        (
            'split_from = "a"\nrenamed_from = "b"',
            "either added, or dropped, or renamed, or split from another",
        ),
        ('split_from = "address"', "is split from itself"),
        ('splitfrom = "a"', 'did you mean "split_from"'),
    ],
)
def test_what_cannot_be(text: str, message: str) -> None:
    """A split table is nothing else besides, and not split from itself."""
    assert message in "\n".join(samples.errors(f"{samples.SHORTEST}\n[changes.tables.address]\n{text}"))


def test_the_load_is_a_share() -> None:
    """The load is a share of time, the whole of it by default, and never none."""
    assert samples.plan(samples.SHORTEST).limits.load == 1.0
    assert samples.plan(samples.SHORTEST + '\n[limits]\nload = "50%"').limits.load == 0.5
    (error,) = samples.errors(samples.SHORTEST + '\n[limits]\nload = "0%"')
    assert "nothing would ever be read" in error
