"""The record on disk: whole or not at all, chained, and refused where it is damaged."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_visionforge.errors import RecordError
from pytest_visionforge.outcome import Finding, Offender, Outcome
from pytest_visionforge.record import Record, new_id, newest, read, unfinished, write
from pytest_visionforge.record.record import FORMAT, write_whole
from pytest_visionforge.record.shape import MisfitError
from tests.record import samples

TEXT = st.text()
OPTIONAL = st.none() | TEXT
OFFENDERS = st.builds(
    Offender,
    key=st.dictionaries(TEXT, OPTIONAL),
    says=TEXT,
    before=st.dictionaries(TEXT, OPTIONAL),
    after=st.dictionaries(TEXT, OPTIONAL),
)
FINDINGS = st.builds(
    Finding,
    says=TEXT,
    count=st.integers(),
    of=st.none() | st.integers(),
    sample=st.lists(OFFENDERS, max_size=3).map(tuple),
    remedy=TEXT,
    reproduce=TEXT,
)


def named(phase: str, second: int, **facts: Any) -> Record:
    """A record of a phase that started `second` seconds into the test's hour."""
    started = samples.STARTED + timedelta(seconds=second)
    return samples.record(id=new_id(phase, started), phase=phase, started=started, **facts)


def test_what_is_written_is_read_back(record: Record, tmp_path: Path) -> None:
    """A record read back is the record written, its passwords masked and its chain filled in."""
    path = write(record, tmp_path)
    assert path == tmp_path / record.id / "record.json"
    assert list(path.parent.iterdir()) == [path]
    back = read(path)
    assert back == read(path.parent)
    assert back.previous == ""
    assert back.results[0] == record.results[0]
    assert [each.outcome for each in back.results] == [each.outcome for each in record.results]
    assert Record.from_json(json.loads(json.dumps(record.as_json()))) == record.safe()


@settings(deadline=None)
@given(finding=FINDINGS, name=TEXT)
def test_any_text_survives(finding: Finding, name: str) -> None:
    """Whatever a database holds in its names and values comes back from the record as it was."""
    record = samples.record(results=(samples.result("baseline.values", Outcome.VIOLATED, finding=finding),))
    back = Record.from_json(json.loads(json.dumps(record.as_json())))
    assert back.as_json() == record.as_json()
    assert back.safe() == back


def test_no_password_is_written(tmp_path: Path) -> None:
    """A password in a driver's message does not reach the file."""
    text = write(samples.record(), tmp_path).read_text()
    assert "postgresql://shop:***@db/shop" in text
    assert "hunter2" not in text


def test_the_format_is_told(record: Record) -> None:
    """The record says its format, and a newer one is refused with the way out."""
    data = record.as_json()
    assert data["format"] == FORMAT == 1
    with pytest.raises(MisfitError, match="upgrade pytest-visionforge"):
        Record.from_json({**data, "format": 2})


@pytest.mark.parametrize("change", [{"format": None}, {"format": True}, {"format": "1"}, {"format": 0}])
def test_a_record_without_a_format_is_none(record: Record, change: dict[str, Any]) -> None:
    """Data that do not say their format are refused."""
    with pytest.raises(MisfitError, match="no format number"):
        Record.from_json({**record.as_json(), **change})


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("verdict", "MAYBE", "verdict: 'MAYBE' is no verdict"),
        ("started", "yesterday", "started: 'yesterday' is no datetime"),
        ("exit_status", True, "exit_status"),
        ("exit_status", "0", "exit_status: a number was expected, found text"),
        ("results", {}, "results: a list was expected, found an object"),
        ("results", [{}], r"results\[0\]: no 'nodeid'"),
        ("completeness", None, "completeness: an object was expected, found null"),
        ("databases", {"source": 1}, "databases.source"),
        ("surprise", 1, "unknown key 'surprise'"),
    ],
)
def test_a_misfit_is_named(record: Record, key: str, value: Any, says: str) -> None:
    """Data of another shape are refused, and the message says where and what."""
    with pytest.raises(MisfitError, match=says):
        Record.from_json({**record.as_json(), key: value})


def test_every_lost_key_is_noticed(record: Record) -> None:
    """No fact that a verdict rests on may be missing."""
    data = record.as_json()
    for key in ("id", "plan", "plan_sha256", "phase", "started", "verdict", "exit_status", "completeness"):
        with pytest.raises(MisfitError, match=f"no '{key}'"):
            Record.from_json({name: value for name, value in data.items() if name != key})


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": 1}', b"[" * 100_000]
)
def test_garbage_is_one_clear_message(tmp_path: Path, content: bytes) -> None:
    """A file that is no record gives one message with its path, whatever is in it."""
    file = tmp_path / "record.json"
    file.write_bytes(content)
    with pytest.raises(RecordError, match=r"record\.json: not a whole record"):
        read(file)


def test_no_record_is_one_clear_message(tmp_path: Path) -> None:
    """A record that is not there gives one message with its path."""
    with pytest.raises(RecordError, match="cannot be read: No such file"):
        read(tmp_path / "record.json")


def test_a_truncated_record_is_refused(record: Record, tmp_path: Path) -> None:
    """A record cut off anywhere is no record."""
    path = write(record, tmp_path)
    content = path.read_bytes()
    for length in range(0, len(content) - 2, 997):
        path.write_bytes(content[:length])
        with pytest.raises(RecordError):
            read(path)


def test_a_record_is_never_written_over(record: Record, tmp_path: Path) -> None:
    """Writing a record again is refused, and the first one stays."""
    path = write(record, tmp_path)
    before = path.read_bytes()
    with pytest.raises(RecordError, match="never written over"):
        write(samples.record(verdict="GO"), tmp_path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["../escape", "", "20261122T020912Z-cutover-7f3a9c", "x"])
def test_a_record_has_a_records_name(tmp_path: Path, name: str) -> None:
    """A record whose name is no record's name is not written anywhere."""
    with pytest.raises(RecordError, match="not a record's name"):
        write(samples.record(id=name), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk fails, what was there before is there still and no half file beside it."""
    file = tmp_path / "record.json"
    file.write_bytes(b"before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(file, b"after")
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(RecordError, match="cannot be written: No space left on device"):
        write(samples.record(), tmp_path)
    assert newest(tmp_path) is None


def _write_and_die(directory: Path) -> None:
    def die(_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    pytest.MonkeyPatch().setattr(os, "fsync", die)
    write(samples.record(), directory)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_a_killed_run_leaves_no_record(tmp_path: Path) -> None:
    """A run killed while it writes leaves a directory without a record, and it is named."""
    process = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(tmp_path,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert newest(tmp_path) is None
    assert unfinished(tmp_path) == (samples.record().id,)


def test_the_chain_holds_the_record_before(tmp_path: Path) -> None:
    """Each record holds the SHA-256 of the one before it, of whatever phase."""
    first = write(named("premigration", 0), tmp_path)
    second = write(named("postmigration", 1), tmp_path)
    write(named("rollback", 2), tmp_path)
    last = newest(tmp_path)
    assert last is not None
    assert last.previous == hashlib.sha256(second.read_bytes()).hexdigest()
    assert read(second).previous == hashlib.sha256(first.read_bytes()).hexdigest()


def test_newest_is_of_the_phase_and_the_plan(tmp_path: Path) -> None:
    """The newest record is looked for by phase and by plan, and the order of writing decides in a second."""
    assert newest(tmp_path / "nowhere") is None
    for second, phase, plan in (
        (0, "premigration", "a"),
        (1, "premigration", "b"),
        (2, "postmigration", "a"),
        (3, "rollback", "a"),
        (3, "rollback", "a"),
    ):
        last = named(phase, second, plan=plan)
        write(last, tmp_path)
    found = newest(tmp_path, phase="premigration")
    assert found is not None
    assert found.plan == "b"
    found = newest(tmp_path, phase="premigration", plan="a")
    assert found is not None
    assert found.started == samples.STARTED
    assert newest(tmp_path, phase="premigration", plan="c") is None
    found = newest(tmp_path)
    assert found is not None
    assert found.id == last.id


def test_a_damaged_newer_record_is_not_passed_over(tmp_path: Path) -> None:
    """An older GO does not stand in for a newer record that cannot be read."""
    write(named("premigration", 0, verdict="GO"), tmp_path)
    damaged = write(named("premigration", 1), tmp_path)
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with pytest.raises(RecordError, match="not a whole record"):
        newest(tmp_path, phase="premigration")


def test_a_name_is_utc_phase_and_chance() -> None:
    """A record's name is its start in UTC, its phase and six random hex digits."""
    now = datetime(2026, 11, 24, 7, 23, 48, tzinfo=timezone(timedelta(hours=2)))
    names = {new_id("premigration", now) for _ in range(20)}
    assert len(names) > 1
    assert all(name.startswith("20261124T052348Z-premigration-") and len(name) == 36 for name in names)
    assert new_id("rollback", now.astimezone(UTC)).startswith("20261124T052348Z-rollback-")
