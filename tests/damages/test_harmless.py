"""What changes no value is not reported by the comparison of rows."""

from __future__ import annotations

import pytest

from tests.damages.harmless import HARMLESS, Harmless
from tests.damages.places import Place


@pytest.mark.parametrize("change", HARMLESS, ids=lambda change: change.name)
def test_not_reported(place: Place, change: Harmless) -> None:
    """A harmless change leaves a table equal to its baseline, and to the table before."""
    if place.after.dbms not in change.on:
        pytest.skip(f"not for {place.after.dbms}")
    if change.across and place.before.dbms == place.after.dbms:
        pytest.skip("within one DBMS its text is compared")
    with place.after.changed(change):
        for found in (place.with_baseline(change.table), place.directly(change.table)):
            assert found.equal, found
            assert found.rows_before == found.rows_after > 0
            assert (found.lost, found.added, found.altered, found.offenders) == (0, 0, 0, ())


def test_the_sample_is_the_same_everywhere(place: Place) -> None:
    """Before anything is planted every table is equal, and no row has to be read for it to be known."""
    for table in place.baseline.tables:
        found = place.with_baseline(table)
        assert found.equal, found
        assert found.says == f"{found.rows_before} rows before, {found.rows_before} after"
