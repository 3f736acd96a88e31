"""What the journal tells of the last cutover: how far it came, and whether it is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from pytest_visionforge.cutover.journal import Entry, Journal, read, unfinished
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.progress import in_words

ACTION = "cutover"
KILLED = "Killed"
# "done": the new version runs; "untouched": the database was never changed; "back": it was put back;
# "undecided": a person must decide; "": it was killed, or runs.
Ending = Literal["done", "untouched", "back", "undecided", ""]
OVER = ("done", "untouched", "back")


@dataclass
class Past:
    """A cutover as the journal has it: its steps by name ("ok", "failed", "killed", "begun"), in their order.

    `records` has the record of each step that is a phase, or a part of one. `rolled_back`: a rollback
    of its own or of the user's went well after its migration began. `back`: it was decided to go back.
    `stopped`, `started`: since when the services were stopped last, and were up again ("": not yet), UTC.
    """

    id: str
    began: str
    steps: dict[str, str] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    ending: Ending = ""
    says: str = ""
    next: str = ""
    back: bool = False
    stopped: str = ""
    started: str = ""
    rolled_back: bool = False

    @property
    def over(self) -> bool:
        """Nothing is left to do."""
        return self.ending in OVER

    @property
    def going_back(self) -> bool:
        """It was on its way back, or the user has gone it."""
        return self.back or self.rolled_back

    @property
    def stopped_in(self) -> str:
        """The last step that began."""
        return next(reversed(self.steps), "")

    @property
    def outage(self) -> str:
        """Since when the services are or were stopped, and for how long; "" where they never were."""
        if not self.stopped:
            return ""
        begin = datetime.fromisoformat(self.stopped)
        if not self.started:
            return f"the services are stopped since {begin:%H:%M:%S} UTC"
        end = datetime.fromisoformat(self.started)
        took = in_words((end - begin).total_seconds())
        return f"the services were stopped from {begin:%H:%M:%S} to {end:%H:%M:%S} UTC, {took}"

    def __str__(self) -> str:
        how = f"ended undecided: {self.says}" if self.ending else "was interrupted"
        return f"cutover {self.id}, begun {self.began}, {how} (step {self.stopped_in or 'none'})"


def last(plan: Plan, path: Path) -> Past | None:
    """The plan's last cutover; None where there was none. RecordError where the journal is broken."""
    past: Past | None = None
    for entry in read(path) if path.exists() else ():
        if entry.object != plan.target.shown:
            continue
        if entry.action == ACTION and entry.phase == "begin":
            if past is None or past.id != entry.facts["id"]:
                past = Past(str(entry.facts["id"]), entry.time)
            past.ending = ""
        elif past is not None:
            _note(past, entry)
        if past is not None:
            past.back = past.back or bool(entry.facts.get("back"))
    return past


def _note(past: Past, entry: Entry) -> None:
    word = "begun" if entry.phase == "begin" else entry.result
    word = "killed" if entry.facts.get("error") == KILLED else word
    if entry.action == ACTION:
        past.ending = entry.facts.get("ending", past.ending)
        past.says = str(entry.facts.get("says", past.says))
        past.next = str(entry.facts.get("next", past.next))
    elif entry.action.startswith(f"{ACTION} "):
        name = entry.action.removeprefix(f"{ACTION} ")
        past.steps.pop(name, None)
        past.steps[name] = word
        _note_services(past, entry, name)
        if "record" in entry.facts:
            past.records[name] = str(entry.facts["record"])
        if name == "migrate" and word == "begun":
            past.rolled_back = False
    elif entry.action == "rollback" and word == "ok":
        past.rolled_back = True


def _note_services(past: Past, entry: Entry, step: str) -> None:
    if step == "stop" and entry.phase == "begin" and (past.started or not past.stopped):
        past.stopped, past.started = entry.time, ""
    elif step in ("start", "start previous") and entry.result == "ok":
        past.started = entry.time


def half_done(plan: Plan, path: Path) -> tuple[str, str] | None:
    """The last migration, where its process was killed and nothing has followed: when it began, and its step.

    None where it ended by itself, or the database was put back since, or a cutover went on and is over.
    """
    began, step, killed = "", "", False
    for entry in read(path) if path.exists() else ():
        if entry.action == "migrate step" and entry.phase == "begin":
            step = entry.object
        elif entry.object != plan.target.shown:
            continue
        elif entry.action == "migrate":
            began = entry.time if entry.phase == "begin" else began
            killed = entry.facts.get("error") == KILLED
        elif entry.action in ("rollback", ACTION) and entry.result == "ok":
            killed = killed and entry.action == ACTION and entry.facts.get("ending") not in OVER
    return (began, step) if killed else None


def left_open(plan: Plan, path: Path) -> Iterator[Entry]:
    """Actions of a cutover or a migration of this plan that began and never ended."""
    for entry in unfinished(path):
        ours = entry.action == "migrate" or entry.action.partition(" ")[0] == ACTION
        if (ours and entry.object == plan.target.shown) or entry.action == "migrate step":
            yield entry


def close_dead(plan: Plan, journal: Journal) -> list[str]:
    """Ends in the journal what a process that was killed has left open; the marks of its processes."""
    marks = []
    for entry in tuple(left_open(plan, journal.path)):
        journal.close(entry, error=KILLED, says="its process was killed: it left no end")
        marks += [str(entry.facts["mark"])] if "mark" in entry.facts else []
    return marks
