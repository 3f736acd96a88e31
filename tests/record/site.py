"""A directory of records as two cutovers leave it: a rehearsal, and one that went back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from pytest_visionforge import record as room
from pytest_visionforge.outcome import Outcome
from pytest_visionforge.record import Record
from tests.record import samples

WEEK = timedelta(days=7)
LONG = "ERROR: could not serialize access </script> due to concurrent update; " * 60
TOTALS = samples.violated("consistency.rules[totals]", reason=LONG)


def lay_out(records: Path) -> Path:
    """Writes both cutovers, and returns the directory of the NO-GO of the second."""
    rehearsal = (_worse(each) for each in _cutover())
    for each in rehearsal:
        put(records, moved(each, -WEEK))
    migration(records, samples.premigration().started - WEEK + timedelta(minutes=18), seconds=300)
    directories = [put(records, each) for each in _cutover()]
    migration(records, samples.premigration().started + timedelta(minutes=18), seconds=420)
    return directories[1]


def put(records: Path, record: Record) -> Path:
    """Writes and seals a record with what it measured; its directory."""
    directory = room.write(record, records).parent
    (directory / "record.html").write_text("<p>a page</p>")
    times = {"premigration": 0.1, "postmigration": 0.31}
    if seconds := times.get(record.phase):
        measured(directory, "https://shop.example/orders", [seconds * n for n in range(1, 21)])
    room.seal(directory)
    return directory


def moved(record: Record, by: timedelta) -> Record:
    """The same run at another time."""
    began = record.started + by
    rest = record.id.partition("-")[2]
    return replace(record, id=f"{began:%Y%m%dT%H%M%SZ}-{rest}", started=began, finished=record.finished + by)


def measured(directory: Path, name: str, seconds: list[float]) -> None:
    """What an endpoint answered in a run."""
    (directory / "measured").mkdir(exist_ok=True)
    facts = {"shown": name, "seconds": seconds, "failures": {}, "cpu": 0.1, "memory": 0.1}
    (directory / "measured" / f"{len(name):016x}.json").write_text(json.dumps(facts))


def migration(records: Path, began: datetime, *, seconds: int, failure: str = "") -> Path:
    """A migration run that was watched, with a wait for a lock in its third minute; its directory."""
    directory = records / f"{began:%Y%m%dT%H%M%SZ}-migration-0000aa"
    directory.mkdir(parents=True)
    steps = [{"step": "expand", "status": 0, "seconds": seconds / 4}]
    steps += [{"step": "fill", "status": 0, "seconds": seconds * 3 / 4}]
    (directory / "migration.json").write_text(json.dumps({"steps": steps, "failure": failure}))
    with (directory / "watch.jsonl").open("w") as file:
        for at in range(seconds):
            file.write(json.dumps(_look(began, at)) + "\n")
        file.write('{"time": "2026-')  # the line that was being written
    return directory


def _look(began: datetime, at: int) -> dict[str, object]:
    time = (began + timedelta(seconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    waits = [{"waiter": "1", "blocker": "2", "on": ""}] * (3 if 120 <= at < 125 else 0)
    free = {"/var/lib": 9_000_000_000 - at * 1_000_000, "/backups": 500_000_000_000}
    return {"time": time, "cpu": 0.87 if at == 77 else 0.3, "memory": 0.5, "free": free, "waits": waits}


def _cutover() -> Iterator[Record]:
    yield samples.premigration()
    yield samples.record(results=(*samples.RESULTS, TOTALS))
    back = tuple(replace(each, phase="rollback") for each in samples.GOOD)
    yield moved(
        samples.premigration(phase="rollback", results=back, id=_id("rollback")), timedelta(minutes=34)
    )


def _id(phase: str) -> str:
    return samples.premigration().id.replace("premigration", phase)


def _worse(record: Record) -> Record:
    """The run of the rehearsal: an index was missing, and the totals were right."""
    results = tuple(
        replace(each, outcome=Outcome.VIOLATED) if each.name == "schema.columns[orders]" else each
        for each in record.results
        if each.name != TOTALS.name and record.phase == "postmigration"
    )
    return replace(record, results=results or record.results)
