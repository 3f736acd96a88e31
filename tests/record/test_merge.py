"""Records of parallel jobs as one: complete is what the plan holds, and nothing is smoothed over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_visionforge import record as room
from pytest_visionforge.errors import RecordError
from pytest_visionforge.outcome import Outcome, Verdict
from pytest_visionforge.record import Record
from pytest_visionforge.record.merge import finish, merge
from tests.record import samples

RESULTS = tuple(replace(each, phase="premigration") for each in samples.GOOD[:10])
PLANNED = tuple(each.nodeid for each in RESULTS)
NO_OWN: dict[str, Any] = {"backup": {}, "baseline": {}}


def part(folder: Path, job: int, **facts: Any) -> Path:
    """The sealed record of a job that ran every second check; its directory."""
    given = {
        "id": f"20261122T01421{job}Z-premigration-0a1b2c",
        "results": RESULTS[job::2],
        "planned": PLANNED,
        "verdict": Verdict.INCOMPLETE,
        "exit_status": 3,
        **(NO_OWN if job else {}),
    }
    directory = room.write(samples.premigration(**{**given, **facts}), folder / f"job{job}").parent
    suite = f'<testsuites><testsuite name="job{job}"><testcase name="x"/></testsuite></testsuites>'
    (directory / "junit.xml").write_text(suite)
    room.seal(directory)
    return directory


def merged(folder: Path, *parts: Path) -> Record:
    """The record of the whole."""
    directory = merge(parts, folder / "reports")
    finish(directory, "<p>")
    assert room.verify(directory) == ()
    return room.read(directory)


def test_parts_that_cover_the_plan_are_a_go(tmp_path: Path) -> None:
    """Each part alone is INCOMPLETE; together they ran everything, and the parts are named with their sums."""
    whole = merged(tmp_path, part(tmp_path, 0), part(tmp_path, 1))
    assert whole.verdict is Verdict.GO
    assert (whole.completeness.ran, whole.completeness.planned, whole.exit_status) == (10, 10, 0)
    assert len(whole.parts) == 2
    assert whole.backup == samples.premigration().backup
    junit = (tmp_path / "reports" / whole.id / "junit.xml").read_text()
    assert junit.count("<testsuite ") == 2


def test_a_check_that_no_part_ran_is_missing(tmp_path: Path) -> None:
    """What fell between the jobs makes the whole INCOMPLETE, and is named."""
    whole = merged(tmp_path, part(tmp_path, 0), part(tmp_path, 1, results=RESULTS[1:-2:2]))
    assert whole.verdict is Verdict.INCOMPLETE
    assert PLANNED[-1] in str(whole.completeness.reasons)


def test_a_part_that_planned_more_counts(tmp_path: Path) -> None:
    """A check that only one job knew of, and did not run, is missing in the whole."""
    other = part(tmp_path, 1, planned=(*PLANNED, "test_own.py::test_one"))
    assert merged(tmp_path, part(tmp_path, 0), other).verdict is Verdict.INCOMPLETE


def test_the_worse_of_two_counts(tmp_path: Path) -> None:
    """A check that passed in one job and was violated in another is violated."""
    bad = replace(RESULTS[0], outcome=Outcome.VIOLATED)
    whole = merged(tmp_path, part(tmp_path, 0), part(tmp_path, 1, results=(*RESULTS[1::2], bad)))
    assert (whole.verdict, whole.exit_status) == (Verdict.NO_GO, 1)


@pytest.mark.parametrize(
    "facts",
    [
        {"errors": ("worker gw0 crashed",)},
        {"skipped": {PLANNED[0]: "no time"}},
        {"exit_status": 2},
    ],
)
def test_what_broke_in_one_part_keeps_the_whole_from_a_go(tmp_path: Path, facts: dict[str, Any]) -> None:
    """A crash, a skip, an interruption of one job are not lost in the whole."""
    whole = merged(tmp_path, part(tmp_path, 0), part(tmp_path, 1, **facts))
    assert whole.verdict is Verdict.INCOMPLETE


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"plan_sha256": "1" * 64}, "another state of the plan"),
        ({"plan": "bank"}, "another plan"),
        ({"origin": room.Origin(commit="beef")}, "another commit"),
        ({"databases": {}}, "another database"),
        ({"planned": ()}, "does not say what was planned"),
        ({"backup": {"name": "another"}}, "two parts have a backup of their own"),
        ({"id": "20261122T014210Z-premigration-0a1b2c"}, "each named once"),
    ],
)
def test_what_does_not_belong_together_is_not_merged(
    tmp_path: Path, facts: dict[str, Any], says: str
) -> None:
    """Of another plan, commit, database or moment: refused, and nothing is left."""
    parts = part(tmp_path, 0), part(tmp_path, 1, **facts)
    with pytest.raises(RecordError, match=says):
        merge(parts, tmp_path / "reports")
    assert not list(tmp_path.glob("reports/*"))


def test_an_altered_part_is_not_merged(tmp_path: Path) -> None:
    """A part is merged as it was sealed, or not at all."""
    parts = part(tmp_path, 0), part(tmp_path, 1)
    (parts[1] / "junit.xml").write_text("<x/>")
    with pytest.raises(RecordError, match=r"junit\.xml: was altered"):
        merge(parts, tmp_path / "reports")


def test_a_baseline_comes_along_and_two_do_not(tmp_path: Path) -> None:
    """What one part made beside its record is there for postmigration; two baselines are of two moments."""
    parts = part(tmp_path, 0), part(tmp_path, 1)
    (parts[0] / "baseline.jsonl.zst").write_bytes(b"one")
    room.seal(parts[0])
    whole = merged(tmp_path, *parts)
    assert (tmp_path / "reports" / whole.id / "baseline.jsonl.zst").read_bytes() == b"one"
    (parts[1] / "baseline.jsonl.zst").write_bytes(b"two")
    room.seal(parts[1])
    with pytest.raises(RecordError, match="differs between two parts"):
        merge(parts, tmp_path / "reports")
