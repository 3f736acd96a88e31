"""`expectations/<table>.json`: a great_expectations suite, of which only the names are read here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pytest_visionforge.outcome import Severity
from pytest_visionforge.plan.grammar import Wrong
from pytest_visionforge.plan.shape import Place, items, mapping, one_of
from pytest_visionforge.plan.values.rules import Expectation

_SEVERITIES = {"critical": Severity.BLOCK, "warning": Severity.WARN, "info": Severity.WARN}


def suite(raw: bytes, place: Place, table: str) -> tuple[Expectation, ...]:
    """The expectations of a suite on one table; keys that the plan has no use for are passed over."""
    try:
        data = mapping(json.loads(raw))
    except (ValueError, RecursionError) as error:
        raise Wrong(f"is no suite in JSON: {error}") from None
    listed = data.get("expectations")
    if not listed:
        raise Wrong("holds no expectations, so it asserts nothing: fill it or delete it")
    found = items(listed, place.at("expectations"), lambda item, at: _expectation(item, at, table))
    return tuple(_named(tuple(found)))


def _expectation(value: Any, place: Place, table: str) -> tuple[Expectation, str]:
    """One expectation, and the id that the suite gives it ('' where it gives none)."""
    data = mapping(value)
    type_ = data.get("type", data.get("expectation_type"))
    if not isinstance(type_, str):
        raise Wrong('has no type; write "type": "expect_..."')
    severity = one_of(*_SEVERITIES)(data.get("severity") or "critical", place.at("severity"))
    arguments = mapping(data.get("kwargs", {}))
    made = Expectation(table=table, type=type_, arguments=arguments, severity=_SEVERITIES[severity])
    return made, str(data.get("id") or "")


def _named(found: tuple[tuple[Expectation, str], ...]) -> Iterator[Expectation]:
    """The expectations; where two have one name, those that have an id in the suite are called by it."""
    times = Counter(expectation.name for expectation, _ in found)
    for expectation, id_ in found:
        yield replace(expectation, id=id_) if times[expectation.name] > 1 else expectation
