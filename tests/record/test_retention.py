"""Which records go, oldest first, and which stay whatever the plan says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_visionforge import record as room
from pytest_visionforge.cli import cli
from pytest_visionforge.cutover import journal
from pytest_visionforge.errors import RecordError
from pytest_visionforge.outcome import Verdict
from pytest_visionforge.record import Record
from pytest_visionforge.record.retention import Fate, Keep, decide, remove
from tests.record import samples, site

WEEK = timedelta(weeks=1)
NOW = samples.STARTED + timedelta(hours=1)
PLAN = 'plan = "shop"\n[database]\nurl = "$SHOP_DB"\n[record]\nkeep = { last = 2 }\n'


def light(record: Record) -> Record:
    """The same record with one result."""
    return replace(record, results=record.results[:1])


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Six weekly cutovers, the last one of this hour; their records oldest first."""
    for week in range(5, -1, -1):
        for each in (samples.premigration(), samples.record(verdict=Verdict.GO, exit_status=0)):
            room.seal(room.write(site.moved(light(each), -week * WEEK), tmp_path / "reports").parent)
    return tmp_path / "reports"


def going(records: Path, **keep: object) -> int:
    """How many of the runs would go."""
    return sum(not fate.stays for fate in decide(records, Keep(**keep), NOW))  # type: ignore[arg-type]


def test_the_plan_says_how_many_and_how_long(records: Path) -> None:
    """`last` counts each phase, `within` is an age; what either keeps stays."""
    assert going(records, last=2) == 8
    assert going(records, last=6) == 0
    assert going(records, within=2 * WEEK + timedelta(days=1)) == 6
    assert going(records, last=5, within=WEEK) == 2


def test_the_newest_cutover_stays_whatever_the_plan_says(records: Path) -> None:
    """The newest record, GO and cutover are never pruned, however old they are."""
    later = NOW + 500 * WEEK
    stays = [fate for fate in decide(records, Keep(within=WEEK), later) if fate.stays]
    assert [fate.id.split("-")[1] for fate in stays] == ["premigration", "postmigration"]


def test_the_newest_go_keeps_what_came_after_it(records: Path) -> None:
    """Failures since the last GO stay with it: the chain goes oldest first."""
    for day in (1, 2):
        bad = samples.premigration(verdict=Verdict.NO_GO)
        room.write(site.moved(light(bad), timedelta(days=day)), records)
    fates = decide(records, Keep(last=1), NOW)
    assert sum(not fate.stays for fate in fates) == 10
    assert "the newest premigration that is a GO" in next(f.reasons for f in fates if f.stays)


def test_a_record_whose_backup_is_there_keeps_all_after_it(tmp_path: Path) -> None:
    """A backup without the record that proved it would be worth less."""
    (tmp_path / "backups").mkdir()
    for week in (3, 2, 1, 0):
        backup = {"path": str(tmp_path / "backups")} if week == 2 else {}
        room.write(site.moved(light(samples.premigration(backup=backup)), -week * WEEK), tmp_path / "r")
    fates = decide(tmp_path / "r", Keep(last=1), NOW)
    # without a migration between them they are one cutover, which stays as a whole
    assert all(fate.stays for fate in fates)
    for week in (3, 2, 1):
        site.migration(tmp_path / "r", samples.STARTED - week * WEEK + timedelta(days=1), seconds=2)
    fates = decide(tmp_path / "r", Keep(last=1), NOW)
    assert [fate.stays for fate in fates] == [False, False, True, True, True, True, True]
    assert "its backup is still there" in str(fates[2])
    assert "which stays" in str(fates[3])


def test_a_damaged_record_stays(records: Path) -> None:
    """Nobody removes what nobody can read."""
    oldest = min(records.glob("*/record.json"))
    oldest.write_text("{")
    assert going(records, last=1) == 0


def test_what_a_killed_run_left_goes_with_its_time(records: Path) -> None:
    """A run without a record stays where an older record does, and goes where all before it go."""
    for day in ("20261001", "20261122"):
        (records / f"{day}T020000Z-premigration-dead00").mkdir()
    fates = {fate.id[:8]: fate.stays for fate in decide(records, Keep(last=1), NOW) if "dead" in fate.id}
    assert fates == {"20261001": False, "20261122": True}


def test_what_stays_is_not_removed(records: Path) -> None:
    """Asked to remove what is kept, it refuses."""
    id = max(path.name for path in records.iterdir())
    with pytest.raises(RecordError, match="stays: because"):
        remove(records, Fate(id, ("because",)))
    assert (records / id).is_dir()


def test_pruning_leaves_an_entry_and_a_whole_chain(records: Path) -> None:
    """Dry at first; then what goes is gone, each with its hash in the journal, and the chain holds."""
    (records.parent / "visionforge.toml").write_text(PLAN)
    before = {path.name for path in records.iterdir()}
    arguments = ["prune", str(records), "--plan", str(records.parent / "visionforge.toml")]
    dry = CliRunner().invoke(cli, arguments)
    assert "8 of 12 to be removed with --yes" in dry.output
    assert {path.name for path in records.iterdir()} == before
    told = json.loads(CliRunner().invoke(cli, [*arguments, "--yes", "--json"]).output)
    gone = {each["id"] for each in told if not each["kept"]}
    assert {path.name for path in records.iterdir() if path.is_dir()} == before - gone
    assert room.broken_chain(records) == ()
    entries = [entry for entry in journal.read(records / "journal.jsonl") if entry.phase == "begin"]
    assert {entry.object for entry in entries} == gone
    assert all(len(entry.facts["sha256"]) == 64 for entry in entries)


def test_without_keep_nothing_is_pruned(records: Path) -> None:
    """A plan that says nothing of keeping removes nothing, and it is said what to write."""
    (records.parent / "visionforge.toml").write_text(PLAN.partition("[record]")[0])
    done = CliRunner().invoke(
        cli, ["prune", str(records), "--plan", str(records.parent / "visionforge.toml")]
    )
    assert isinstance(done.exception, RecordError)
    assert "write [record] keep" in str(done.exception)
