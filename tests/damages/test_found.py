"""Every damage on the list is found wherever it is planted, and named."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping

import pytest

from pytest_visionforge.compare import TableComparison
from tests.damages.damage import KEYS, Damage, Key, Value
from tests.damages.of_rows import OF_ROWS
from tests.damages.of_values import OF_VALUES
from tests.damages.places import Place


@pytest.mark.parametrize("damage", [*OF_ROWS, *OF_VALUES], ids=lambda damage: damage.name)
def test_found_and_named(place: Place, damage: Damage) -> None:
    """A damage is found by its baseline and by both databases, with the keys, columns and values in it."""
    if place.after.dbms not in damage.on:
        pytest.skip(f"{place.after.dbms} cannot hold it")
    with place.after.damaged(damage):
        named(damage, place.with_baseline(damage.table))
        named(damage, place.directly(damage.table))


def named(damage: Damage, found: TableComparison) -> None:
    """Asserts that a comparison tells of the damage, and of nothing else."""
    assert not found.equal
    counts = len(damage.lost), len(damage.added), len(damage.altered)
    assert (found.lost, found.added, found.altered) == counts, found
    assert _alone(found, "lost") == Counter(damage.lost)
    assert _alone(found, "added") == Counter(_key(damage, row) for row in damage.added)
    altered = [offender for offender in found.offenders if offender.says == "altered"]
    assert {tuple(each.key.values()) for each in altered} == damage.altered.keys()
    for each in altered:
        values = damage.altered[tuple(each.key.values())]
        assert _plain(each.before) == {name: _shown(name, before) for name, (before, _) in values.items()}
        assert _plain(each.after) == {name: _shown(name, after) for name, (_, after) in values.items()}


def _alone(found: TableComparison, says: str) -> Counter[Key]:
    return Counter(tuple(each.key.values()) for each in found.offenders if each.says == says)


def _key(damage: Damage, row: Mapping[str, Value]) -> Key:
    return tuple(row[name] for name in KEYS[damage.table] or row)


def _plain(values: Mapping[str, str | None]) -> dict[str, object]:
    """Values as a finding shows them; documents and UUIDs without regard to how they are written."""
    return {name: _read(name, value) for name, value in values.items()}


def _read(name: str, value: str | None) -> object:
    if value is None:
        return None
    if name == "doc":
        return json.loads(value)
    return value.replace("-", "") if name == "ref" else value


def _shown(name: str, value: Value) -> object:
    """What a finding must show of a value: the whole of it, or how long it is and its SHA-256."""
    octets = value.encode() if isinstance(value, str) else value or b""
    if isinstance(value, bytes) and len(octets) <= 64:
        return f"0x{value.hex()}"
    if len(octets) > (65536 if isinstance(value, str) else 64):
        return f"{len(octets):,} bytes, SHA-256 {hashlib.sha256(octets).hexdigest()[:16]}..."
    if isinstance(value, str):
        value = value if len(value) <= 200 else f"{value[:200]}..."
    return _read(name, value)  # type: ignore[arg-type]
