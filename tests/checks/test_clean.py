"""No false alarm: the sample databases are clean under every rule that runs without being asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_visionforge import Evidence
from pytest_visionforge.rules import facts_of
from tests import samples
from tests.checks.field import SUITES, Field, Look

TRUE = {  # what is found in the samples, and is so
    ("employees", "sqlite", "integrity.primary_key"),  # tchecksum has none
    ("employees", "postgresql", "integrity.sequences"),  # employee was loaded with its ids
}
UNTOLD = "integrity.physical_check"  # PostgreSQL's own check is an extension, which is not created here
OURS = ("readiness.durability",)  # the test servers themselves forget what they confirm, to be quick


@pytest.mark.parametrize("sample", ["chinook", "employees"])
def test_a_sample_database_is_clean(
    url: str, sample: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is found in Chinook and in Employees but what is so."""
    getattr(samples, sample)(url, data)
    (tmp_path / "visionforge.toml").touch()
    field = Field(url, None, tmp_path, monkeypatch)
    checks = [check for suite in SUITES.values() for check in vars(suite).values() if _is_wanted(check)]
    found = dict[str, object]()
    for rule, said in Look({}, asked=False).all_outcomes(checks, field):
        found[rule.id] = [each for each in said if not isinstance(each, Evidence)]
    assert len(found) > 30
    known = {rule for name, dialect, rule in TRUE if (name, dialect) == (sample, field.dialect)} | {UNTOLD}
    assert not {rule: wrong for rule, wrong in found.items() if wrong and rule not in known}


def _is_wanted(check: object) -> bool:
    """Is it a check of a database, and not of this machine?"""
    rule = facts_of(check) if callable(check) else None
    return bool(rule and rule.id not in OURS and (rule.suite != "readiness" or rule.dialects))
