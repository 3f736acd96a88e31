"""Which rule was seen red and green on which DBMS, told at the end of the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from pytest_visionforge.rules import Rule

SEEN = "rule seen"  # the property of a test's report: (rule, DBMS, "red" or "green")
DBMS = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}


_record: list[Callable[[str, object], None]] = []


@contextmanager
def noting(record: Callable[[str, object], None]) -> Iterator[None]:
    """Notes are properties of the test that runs."""
    _record.append(record)
    try:
        yield
    finally:
        _record.pop()


def note(rule: Rule | None, dialect: str, colour: str) -> None:
    """A rule was seen red or green on a DBMS."""
    if rule and _record:
        _record[-1](SEEN, (rule.id, dialect, colour))


def dialects_of(rule: Rule) -> tuple[str, ...]:
    """The DBMS that a rule names, all of them where it names none."""
    return tuple(DBMS) if not rule.dialects or "any" in rule.dialects else rule.dialects


def lines(reports: Iterable[Any], rules: Iterable[Rule]) -> list[str]:
    """The matrix: `ok` was seen red on a planted defect and green without, `-` is not for this DBMS.

    `own tests`: its tests call it without a database, or were not run this time.
    """
    seen = {tuple(value) for report in reports for name, value in report.user_properties if name == SEEN}
    found = [f"{'rule':<36}" + "".join(f"{name:<12}" for name in DBMS.values())]
    for rule in rules:
        marks = [_mark(rule, dialect, seen) for dialect in DBMS]
        found.append(f"{rule.id:<36}" + "".join(f"{mark:<12}" for mark in marks))
    return found


def _mark(rule: Rule, dialect: str, seen: set[Any]) -> str:
    if dialect not in dialects_of(rule):
        return "-"
    colours = [colour for colour in ("red", "green") if (rule.id, dialect, colour) in seen]
    if len(colours) == 2:
        return "ok"
    if colours:
        return f"{colours[0]} only"
    return "own tests" if has_own_tests(rule) else "MISSING"


@cache
def _tests() -> str:
    return "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))


def has_own_tests(rule: Rule) -> bool:
    """Do tests of its own plant its defects, by calling the check itself?"""
    return rule.statements is None and f"check_{rule.word}(" in _tests().replace(",", "(").replace(")", "(")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tells the matrix where the planted defects were among the tests."""
    reports = [each for group in ("passed", "failed") for each in terminalreporter.stats.get(group, [])]
    seen = [each for each in reports if any(name == SEEN for name, _ in each.user_properties)]
    if len(seen) < 50:
        return
    from pytest_visionforge.rules import shipped

    rules = [rule for rule in shipped() if rule.suite in ("readiness", "integrity", "consistency")]
    terminalreporter.section("rules, each on a planted defect")
    for line in lines(seen, rules):
        terminalreporter.line(line)
