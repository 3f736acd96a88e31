"""What a run that was killed leaves: readable, and INCOMPLETE whatever it had found."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_visionforge import record as room
from pytest_visionforge.errors import RecordError
from pytest_visionforge.outcome import Verdict
from pytest_visionforge.record.gate import Demand, admit
from pytest_visionforge.record.page import document
from pytest_visionforge.record.partial import PARTIAL, Partial, read_any
from tests.record import samples

ID = "20261122T030000Z-postmigration-dead00"
HEAD = {"plan": "shop", "plan_sha256": "0", "phase": "postmigration", "started": "2026-11-22T03:00:00+00:00"}


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """The directory of a run that ended after three of five checks, one of them violated."""
    planned = [each.nodeid for each in (*samples.GOOD[:4], samples.FAILURES[0])]
    partial = Partial(tmp_path / ID, HEAD, planned)
    for each in (*samples.GOOD[:2], samples.FAILURES[0]):
        partial.add(each)
    return tmp_path / ID


def test_what_was_found_is_read_as_incomplete(left: Path) -> None:
    """Results, completeness and the reason are there; a violation makes it no verdict of a whole run."""
    record = read_any(left)
    assert (record.verdict, record.id, len(record.results)) == (Verdict.INCOMPLETE, ID, 3)
    assert (record.completeness.ran, record.completeness.planned) == (3, 5)
    assert any("killed" in reason for reason in record.completeness.reasons)
    assert "◐" in document(record)
    assert "4567.8901" in document(record)


def test_a_line_cut_off_is_passed_over(left: Path) -> None:
    """Whatever byte the kill came at, what is whole before it is read, and nothing is made up."""
    content = (left / PARTIAL).read_bytes()
    head = content.index(b"\n") + 1
    for size in range(head, len(content), 97):
        (left / PARTIAL).write_bytes(content[:size])
        assert len(read_any(left).results) <= content[:size].count(b"\n")


def test_what_holds_no_head_is_an_error(left: Path) -> None:
    """A file that says nothing of the run is one clear error."""
    for content in (b"", b"{", b"[]\n", b"{}\n", b"\xff\n"):
        (left / PARTIAL).write_bytes(content)
        with pytest.raises(RecordError, match="holds no head of a run"):
            read_any(left)


def test_a_password_is_not_left_behind(tmp_path: Path) -> None:
    """What is written on the way is masked as the record is."""
    Partial(tmp_path / ID, HEAD, []).add(samples.UNDECIDED)
    assert "hunter2" not in (tmp_path / ID / PARTIAL).read_text()


def test_a_killed_run_opens_no_gate(left: Path) -> None:
    """What is partial is no record to the gate."""
    assert admit(left.parent, Demand("postmigration")).record is None
    assert room.unfinished(left.parent) == (ID,)


def test_a_whole_record_takes_its_place(left: Path) -> None:
    """Where there is a record, what was written on the way counts no more."""
    room.write(samples.record(id=ID), left.parent)
    assert read_any(left).verdict is Verdict.NO_GO


SLOW = """
import os, time, pytest
@pytest.mark.premigration
def test_one(): pass
@pytest.mark.premigration
def test_two():
    open("here", "w").close()
    time.sleep(60)
"""


def test_killed_in_the_middle_of_a_run(tmp_path: Path) -> None:
    """`kill -9` leaves what was found until then, the report draws it, and the next run lists it."""
    (tmp_path / "visionforge.toml").write_text('plan = "shop"\n[database]\nurl = "sqlite:///shop.db"\n')
    (tmp_path / "test_slow.py").write_text(SLOW)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "premigration", "-p", "no:cacheprovider"]
    with subprocess.Popen(
        [*command, "test_slow.py", "visionforge.toml"], cwd=tmp_path, stdout=subprocess.DEVNULL
    ) as process:
        for _ in range(600):
            if (tmp_path / "here").exists() or process.poll() is not None:
                break
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    (directory,) = (tmp_path / "reports").glob("*-premigration-*")
    record = read_any(directory)
    assert record.verdict is Verdict.INCOMPLETE
    assert any("test_one" in each.nodeid for each in record.results)
    assert record.completeness.planned > len(record.results)
    program = "from pytest_visionforge.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "report", str(directory)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "INCOMPLETE" in Path(done.stdout.strip()).read_text()
