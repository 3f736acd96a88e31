"""Numbers and names as people read them."""

from __future__ import annotations

import pytest

from pytest_visionforge.record import words
from tests.record.samples import result


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (0.034, "0.03 s"),
        (7.31, "7.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (127.5, "2 min 08 s"),
        (3599.9, "1 h 00 min"),
        (7325, "2 h 02 min"),
    ],
)
def test_a_duration_is_readable(seconds: float, says: str) -> None:
    """A duration has two numbers at most, and never sixty of anything."""
    assert words.duration(seconds) == says


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (None, ""),
        (0, "0 B"),
        (999, "999 B"),
        (999_960, "1.0 MB"),
        (3_141_592, "3.1 MB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_a_size_is_readable(number: int | None, says: str) -> None:
    """A size is told in the unit that keeps it short."""
    assert words.size(number) == says


@pytest.mark.parametrize(
    ("rule", "name", "says"),
    [
        ("consistency.accepted", "orders.accepted.status", "orders.accepted.status"),
        ("baseline.values", "baseline.values[orders.amount]", "baseline.values[orders.amount]"),
        ("integrity.rows", "orders", "integrity.rows[orders]"),
        ("recovery.backup", "", "recovery.backup"),
        ("readiness.connect", "connect", "readiness.connect"),
    ],
)
def test_a_title_tells_rule_and_object(rule: str, name: str, says: str) -> None:
    """A check is called by its name, and by its rule where the name does not tell it."""
    assert words.title(result(name, rule=rule)) == says
