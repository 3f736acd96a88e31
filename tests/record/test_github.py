"""GitHub: annotations that stay one line, a summary that stays text."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_visionforge.outcome import Finding, Outcome
from pytest_visionforge.record import Record
from pytest_visionforge.record.github import annotation_lines, step_summary
from tests.record import samples


def test_each_finding_is_an_annotation(record: Record) -> None:
    """The verdict, each violation and each warning has its line."""
    lines = annotation_lines(record)
    assert lines[0].startswith(
        "::error title=NO-GO shop%3A MySQL 5.7 -> PostgreSQL 17 postmigration::42 of 45"
    )
    assert (
        "::error title=baseline.values[orders.amount]::orders.amount differs from the baseline in 3 rows"
        in lines
    )
    assert sum(line.startswith("::warning ") for line in lines) == 2
    assert not any("hunter2" in line for line in lines)
    assert annotation_lines(samples.premigration()) == []


def test_ten_annotations_at_most(record: Record) -> None:
    """GitHub shows ten: the tenth says how many more there are."""
    many = tuple(samples.violated(f"a.b[t{n}]") for n in range(30))
    lines = annotation_lines(replace(record, results=many))
    assert len(lines) == 10
    assert lines[-1] == f"::notice title=more::22 more are in the record {record.id}"


@settings(deadline=None)
@given(st.text())
def test_an_annotation_is_one_line(text: str) -> None:
    """No text of a database can begin a command of its own."""
    bad = samples.result(
        f"a.b[{text}]", Outcome.VIOLATED, rule="a.b", finding=Finding(f"{text}\r\n::stop::{text}")
    )
    for line in annotation_lines(samples.record(results=(bad,))):
        assert line.startswith(("::error title=", "::warning title="))
        assert line.replace("\t", "").isprintable()


@settings(deadline=None)
@given(st.text())
def test_the_summary_is_text(text: str) -> None:
    """No text of a database becomes a link, a tag, a mention or a cell of the summary."""
    bad = samples.result("a.b[c]", Outcome.VIOLATED, finding=Finding(text or "x", remedy=text))
    plain = samples.result("a.b[c]", Outcome.VIOLATED, finding=Finding("x", remedy="x"))
    shown = step_summary(samples.record(results=(bad,), plan=text))
    expected = step_summary(samples.record(results=(plain,), plan="x"))
    for sign in "<>[]()|*_`@!\n":
        assert shown.count(sign) == expected.count(sign)


def test_the_summary_tells_it(record: Record) -> None:
    """The summary has the verdict, the completeness and a row for each finding."""
    text = step_summary(record)
    assert text.startswith("## ✗ NO-GO shop")
    assert text.count("\n| ") == 8
    assert "hunter2" not in text
    assert "\n|" not in step_summary(samples.premigration())


def test_the_summary_fits(record: Record) -> None:
    """However many findings there are, the summary is at most 1 MiB and says what it leaves out."""
    many = tuple(samples.violated(f"a.b[{'ü' * 300}{n}]", remedy="é<" * 300) for n in range(2000))
    text = step_summary(replace(record, results=many))
    assert len(text.encode()) <= 1024 * 1024
    assert "more are in the record" in text
