"""The terminal's story: everything a person needs to act, and nothing that a terminal obeys."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_visionforge.outcome import Finding, Offender, Outcome, Verdict
from pytest_visionforge.record import Completeness, Record
from pytest_visionforge.record.console import WIDTH, story
from tests.record import samples


def test_the_story_is_told(record: Record) -> None:
    """Verdict, completeness, and of each failure the rows, why, fix, back and how to reproduce it."""
    text = "\n".join(story(record))
    for expected in (
        "✗ NO-GO   shop: MySQL 5.7 -> PostgreSQL 17 · postmigration",
        "3 blockers · 2 warnings · 1 undecided",
        "42 of 45 planned checks ran (1 skipped, 1 deselected, 1 waived, 1 not applicable)",
        "✗ baseline.values[orders.amount]",
        "id=123456   amount: 4567.8901 -> 4567.89",
        "note: ' paid ' -> NULL",
        "Why        The migration rounds",
        "Fix        Copy the amount unchanged",
        "Back       visionforge rollback --record 20261122T020912Z-postmigration-7f3a9c",
        "Reproduce  pytest 'visionforge.toml::baseline.py::check_values[orders.amount]'",
        "where id in (123456, 123999, 700001)",
        "? performance.plans[last orders of a customer]",
        "▲ schema.indexes[orders]",
        "○ customers.accepted.country: waived until 2026-12-31 by a.meyer",
        "the waiver of products.range.price is expired",
    ):
        assert expected in text, expected
    assert "hunter2" not in text


def test_a_go_is_short() -> None:
    """A GO is a verdict, its completeness and what follows, and no list."""
    lines = story(samples.premigration(waivers=()))
    assert lines[0].startswith("✓ GO")
    assert len(lines) == 3


def test_a_part_is_told_as_one() -> None:
    """A part that lacks only the rest asks nobody to mend anything; one that lacks more does, as any run does."""
    left_out = "5 planned checks were deselected: a, b, c and 2 more"
    for reasons, first in (
        ((left_out,), "✓ one part of premigration"),
        ((left_out, "1 check was skipped: d"), "◐ INCOMPLETE"),
    ):
        completeness = Completeness(planned=9, ran=4, deselected=5, reasons=reasons)
        told = samples.premigration(verdict=Verdict.INCOMPLETE, completeness=completeness, waivers=())
        assert story(told, cutover="part")[0].startswith(first)
        assert story(told)[0].startswith("◐ INCOMPLETE")


def test_in_a_cutover_nobody_is_sent_another_way() -> None:
    """Of a NO-GO in a part the rest is no reason, and no command leads past the cutover, which says what follows."""
    left_out = "5 planned checks were deselected: a, b, c and 2 more"
    completeness = Completeness(planned=9, ran=4, deselected=5, reasons=("2 checks are violated", left_out))
    record = replace(samples.record(), completeness=completeness)
    alone, within = "\n".join(story(record)), "\n".join(story(record, cutover="part"))
    for said in ("were deselected", "visionforge rollback"):
        assert said in alone
        assert said not in within
    for said in ("2 checks are violated", "The cutover does not go on"):
        assert said in within


def test_lines_are_narrow(record: Record) -> None:
    """No line is wider than the terminal, but for a command, which must stay whole."""
    wide = [line for line in story(record) if len(line) > WIDTH]
    assert all("pytest '" in line for line in wide)


@settings(deadline=None)
@given(st.text(min_size=1))
def test_no_text_reaches_the_terminal_raw(text: str) -> None:
    """Whatever a database holds, no control character gets to the terminal, nor a line break of a value."""
    finding = Finding(text, sample=(Offender({"id": text}),), remedy=text, reproduce="select 1")
    bad = samples.result("a.b", Outcome.VIOLATED, finding=finding, reason=text, why=text, nodeid=text)
    lines = story(samples.record(results=(bad,), plan=text))
    assert all(line.isprintable() for line in lines)


def test_long_samples_are_cut_and_told(record: Record) -> None:
    """Of many rows the first are shown and the number of the others is said."""
    sample = tuple(Offender({"id": str(n)}) for n in range(20))
    bad = samples.result("a.b", Outcome.VIOLATED, finding=Finding("20 rows", 20, sample=sample))
    lines = story(replace(record, results=(bad,)))
    assert "        id=4" in lines
    assert "        id=5" not in lines
    assert "        … 15 more in the record" in lines
