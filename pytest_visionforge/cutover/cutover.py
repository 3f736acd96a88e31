"""The cutover: stop, readiness, backup and baseline, migration, proof, start; or the way back.

Every step has its begin and end in the journal, so that a cutover whose process was killed is taken up
where it was, or rolled back. What a killed migration has left is not guessed: every row is compared.
"""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pytest_visionforge.cutover import measured, services, way_back
from pytest_visionforge.cutover.alone import alone, end_dead
from pytest_visionforge.cutover.blockers import in_the_way, refuse_blockers
from pytest_visionforge.cutover.journal import Journal, last_seconds
from pytest_visionforge.cutover.migrate import Migrated, journal_of, migrate, steps_of
from pytest_visionforge.cutover.past import ACTION, Ending, Past, last
from pytest_visionforge.cutover.phases import prove, whole
from pytest_visionforge.cutover.rollback import rollback
from pytest_visionforge.cutover.state import state_of
from pytest_visionforge.errors import DatabaseError, MigrationError, RecordError, VisionForgeError
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.progress import Progress, in_words

FORWARD = ("measure", "stop", "premigration", "migrate", "postmigration", "start", "smoke")
#: The part of postmigration that needs the application to run, where the plan asks it anything.
LIVE = "smoke or performance"
EXIT = {"done": 0, "untouched": 1, "back": 1, "undecided": 1}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a cutover ended: `ending` as in `Past`, why, and what to do next ("" where nothing is left)."""

    id: str
    ending: Ending
    says: str
    next: str = ""

    @property
    def exit_code(self) -> int:
        """0 once the new version runs; 1 otherwise."""
        return EXIT.get(self.ending, 1)


class NoGo(Exception):
    """A step says no. `changed`: the migration may have changed the database."""

    def __init__(self, says: str, *, changed: bool) -> None:
        super().__init__(says)
        self.changed = changed


def cutover(
    plan: Plan, *, echo: Callable[[str], None], resume: bool = False, despite: bool = False
) -> Outcome:
    """The whole cutover, or the rest of one that was interrupted (`resume`).

    `despite` starts the migration although somebody is in the way. MigrationError where there is
    nothing to resume, or something that must be resumed or rolled back first.
    """
    with alone(plan, ACTION):
        run = _begun(plan, echo, resume=resume)
        return run.whole(despite=despite)


def go_back(plan: Plan, *, echo: Callable[[str], None], why: str) -> Outcome:
    """Stops the services, puts the proved backup back, proves it, and starts the previous version."""
    with alone(plan, f"{ACTION} --rollback"):
        journal = journal_of(plan)
        end_dead(plan, journal, echo)
        past = last(plan, journal.path)
        run = Cutover(plan, journal, past.id if past else _new_id(), None, echo)
        if past and past.ending == "undecided" and not past.back:
            why = f"{why}, after this: {past.says}"
        with run.journalled(back=True) as end:
            return run.back(why, end)


def _begun(plan: Plan, echo: Callable[[str], None], *, resume: bool) -> Cutover:
    steps_of(plan)  # where there is nothing to run, nothing need be stopped
    journal = journal_of(plan)
    dead = end_dead(plan, journal, echo)
    past = last(plan, journal.path)
    open_ = past is not None and not past.over
    if resume and not (past and open_):
        raise MigrationError("there is no cutover to resume: visionforge cutover begins one")
    if not resume and past and open_ and not past.rolled_back:
        raise MigrationError(
            f"{past}: go on with visionforge cutover --resume, or go back with visionforge cutover --rollback"
        )
    if not (resume and past and (past.going_back or past.steps.get("premigration") == "ok")):
        way_back.refuse_without(plan)
    if dead:
        echo(f"{dead} sessions of a migration that was killed were still there, and were ended")
    return Cutover(plan, journal, past.id if resume and past else _new_id(), past if resume else None, echo)


def _new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{ACTION}-{secrets.token_hex(3)}"


class Cutover:
    """One cutover as it goes on; `past` is what was done of it before, None for a new one."""

    def __init__(
        self, plan: Plan, journal: Journal, id: str, past: Past | None, echo: Callable[[str], None]
    ) -> None:
        self.plan, self.journal, self.id, self.echo = plan, journal, id, echo
        self.past = past or Past(id, "")
        self.resumed = past is not None
        self.directory = plan.record.directory / id

    # ------------------------------------------------------------------ forward

    def whole(self, *, despite: bool) -> Outcome:
        """Step by step to the end, or to the first no."""
        with self.journalled() as end:
            if self.past.going_back:
                return self.back("it was going back when it was interrupted", end)
            if "start previous" in self.past.steps:
                return self._untouched("it was starting the previous version when it was interrupted", end)
            try:
                self._foretell()
                for step in self._left():
                    self._do(step, despite)
            except NoGo as no:
                return self._no(no, end)
            return self._over(end, "done", f"the new version runs{self._outage()}")

    def _foretell(self) -> None:
        """Says who is in the way already now: the services are on, but a dump will not have ended by then."""
        with suppress(DatabaseError):
            names = "; ".join(map(str, in_the_way(self.plan)))
            if names and self.past.steps.get("migrate") != "ok":
                self.echo(f"cutover: in the way now, and must be gone when the migration begins: {names}")

    def _do(self, step: str, despite: bool) -> None:
        if step == "migrate":
            self._migrate(despite)
        else:
            steps = {
                "measure": self._measure,
                "stop": self._stop,
                "premigration": self._premigration,
                "postmigration": self._postmigration,
                "start": self._start,
                "smoke": self._smoke,
            }
            steps[step]()

    def _left(self) -> Iterator[str]:
        """The steps that are not done, one after the other."""
        live = bool(self.plan.endpoints or self.plan.smoke)
        for step in FORWARD:
            wanted = {"measure": bool(self.plan.endpoints), "smoke": live}.get(step, True)
            gone = step == "measure" and "stop" in self.past.steps
            if wanted and not gone and self.past.steps.get(step) != "ok":
                yield step

    @contextmanager
    def journalled(self, **facts: Any) -> Iterator[dict[str, Any]]:
        """The cutover's own begin and end."""
        facts |= {"id": self.id, "plan": self.plan.sha256, "resumed": self.resumed}
        with self.journal.step(ACTION, self.plan.target.shown, **facts) as end:
            yield end

    @contextmanager
    def _step(self, name: str, **facts: Any) -> Iterator[dict[str, Any]]:
        before = last_seconds(self.journal.path, f"{ACTION} {name}", self.plan.target.shown)
        known = "" if before is None else f" (last time {in_words(before)})"
        self.echo(f"cutover: {name}, {datetime.now().astimezone():%H:%M:%S}{known}")
        with self.journal.step(f"{ACTION} {name}", self.plan.target.shown, cutover=self.id, **facts) as end:
            yield end

    def _measure(self) -> None:
        """The endpoints as they answer before anything is stopped."""
        with self._step("measure") as end:
            found = [measured.asked(endpoint, self.plan, self.directory) for endpoint in self.plan.endpoints]
            end |= {"endpoints": {each.shown: each.says for each in found}}

    def _stop(self) -> None:
        with self._failing(changed=False):
            self._service("stop", "stop", self.plan.migration.stop)

    def _premigration(self) -> None:
        self._proved("premigration", "premigration", changed=False)

    def _migrate(self, despite: bool) -> None:
        if "migrate" in self.past.steps and not self._may_repeat():
            return
        self._refuse_blockers(despite)
        done: Migrated | None = None
        try:
            with self._step("migrate") as end:
                done = migrate(self.plan, echo=self.echo, despite=True)
                end |= {"id": done.id, "says": done.failure or "it went well"}
                if done.failure:
                    raise MigrationError(f"the migration failed: {done.failure} ({_output(done)})")
                self.echo(f"cutover: the migration ended well ({_output(done)})")
        except VisionForgeError as error:
            state = (done and done.state) or state_of(self.plan)
            raise NoGo(f"{error}; {state}", changed=not state.as_before) from None

    def _refuse_blockers(self, despite: bool) -> None:
        """Before the step begins: what was not begun has changed nothing."""
        with self._failing(changed=False):
            refuse_blockers(self.plan, despite=despite)

    def _may_repeat(self) -> bool:
        """Whether a migration that did not end is run again: only on a database that is as before.

        If it is not, the proof says whether it is as after; a database that is neither is no GO.
        """
        with self._step("state") as end:
            state = state_of(self.plan)
            end |= {"as_before": state.as_before, "says": str(state)}
        self.echo(f"cutover: {state}")
        return state.as_before and self.plan.in_place

    def _postmigration(self) -> None:
        live = bool(self.plan.endpoints or self.plan.smoke)
        self._proved("postmigration", "postmigration", part=f"not ({LIVE})" if live else "", changed=True)

    def _start(self) -> None:
        with self._failing(changed=True):
            self._service("start", "start", self.plan.migration.start)

    def _smoke(self) -> None:
        self._proved("smoke", "postmigration", part=LIVE, changed=True)

    def _proved(self, step: str, phase: str, *, changed: bool, part: str = "") -> None:
        """A phase that must say GO."""
        with self._failing(changed=changed), self._step(step) as end:
            found = prove(
                self.plan,
                phase,
                part=part,
                echo=self.echo,
                environment={measured.VARIABLE: str(self.directory)},
            )
            end |= asdict(found)
            if found.why:
                raise MigrationError(f"{phase} is {found.why} ({found.record})")
            self.past.records[step] = found.record
            if step == "smoke":
                end |= self._joined()

    def _joined(self) -> dict[str, str]:
        """Both parts of postmigration as one record: neither of them opens a gate by itself."""
        parts = [self.past.records[step] for step in ("postmigration", "smoke")]
        try:
            record = whole(self.plan, parts)
        except RecordError as error:  # the plan was edited between the two, say: each said GO all the same
            self.echo(f"cutover: for the gate, run pytest -m postmigration once more: {error}")
            return {"not_joined": str(error)}
        page = self.plan.record.directory / record / "record.html"
        self.echo(f"cutover: both parts of postmigration are GO together: {page}")
        return {"whole": record}

    @contextmanager
    def _failing(self, *, changed: bool) -> Iterator[None]:
        """What fails inside is a no."""
        try:
            yield
        except VisionForgeError as error:
            raise NoGo(str(error), changed=changed) from None

    # ------------------------------------------------------------------ back

    def _no(self, no: NoGo, end: dict[str, Any]) -> Outcome:
        """What follows from a no: nothing was changed; or it is put back; or a person decides."""
        by_itself = self.plan.backup.rollback == "on-failure"
        if not no.changed or by_itself:  # else it is the last word anyhow
            self.echo(f"cutover: NO-GO: {no}")
        if not no.changed:
            return self._untouched(str(no), end)
        if by_itself:
            return self.back(str(no), end)
        past = last(self.plan, self.journal.path)
        begun = "start" in past.steps if past else False
        services_ = "the new version may run: keep its users out" if begun else "the services are stopped"
        return self._over(end, "undecided", str(no), f"{services_}. {_BOTH_WAYS}")

    def _untouched(self, why: str, end: dict[str, Any]) -> Outcome:
        """The database is as before, so the previous version may run again."""
        try:
            self._start_previous()
        except VisionForgeError as error:
            return self._over(
                end, "untouched", why, f"the database is as before; start the services: {error}"
            )
        return self._over(end, "untouched", why, "the database is as before, and the previous version runs")

    def back(self, why: str, end: dict[str, Any]) -> Outcome:
        """The way back, proved; where it fails, a person must know."""
        kept = ""
        try:
            self._service("stop", "stop", self.plan.migration.stop, back=True)
            if self.plan.in_place and not self.past.rolled_back:
                with self._step("rollback") as facts, Progress(sys.stderr) as tell:
                    done = rollback(self.plan, echo=partial(self._stage, tell))
                    facts |= {"backup": done.backup, "kept": done.kept, "says": done.says}
                    kept = done.kept and f"; what was there before is kept: {done.kept} ({_DISCARD})"
            self._proved("rollback proof", "rollback", changed=True)
            self._start_previous()
        except (VisionForgeError, NoGo) as error:
            return self._over(end, "undecided", f"{why}; and going back failed: {error}", _AGAIN)
        now = f"the database is as before, proved; the previous version runs{self._outage()}{kept}"
        return self._over(end, "back", why, now)

    def _stage(self, tell: Progress, says: str) -> None:
        """Each stage of the way back is a line; how far it is changes, and is told as such."""
        if _COUNTS.search(says):
            tell(says)
        else:
            tell.clear()
            self.echo(f"  {says}")

    def _outage(self) -> str:
        past = last(self.plan, self.journal.path) if self.plan.migration.stop else None
        return f"; {past.outage}" if past and past.outage else ""

    def _start_previous(self) -> None:
        command = self.plan.migration.start_previous or self.plan.migration.start
        self._service("start previous", "start_previous", command)

    def _service(self, step: str, key: str, command: str, **facts: Any) -> None:
        """A command for the services; where the plan has none, that is said: then a person must.

        One that has outlived a killed cutover, and has ended well, is not run twice.
        """
        mark, note = secrets.token_hex(8), self.directory / services.NOTE
        with self._step(step, call=mark, **facts) as end:
            if not command:
                self.echo(f"cutover: the plan has no [migration] {key}: nothing was done, see to it yourself")
            elif not self._outlived(step, services.noted(key, note), end):
                end["seconds"] = services.call(self.plan, key, command, mark=mark, note=note)

    def _outlived(self, step: str, status: int | None, end: dict[str, Any]) -> bool:
        """Whether a step in which the cutover was killed has gone well without it; its command's exit status."""
        if self.past.steps.pop(step, "") != "killed":
            return False
        how = "but how its command ended is not known: it is run again"
        if status is not None:
            how = f"its command ended with status {status}: it is run again"
        if status == 0:
            how = "its command has ended well by itself: it is not run twice"
        end["says"] = f"killed in {step}, {how}"
        self.echo(f"cutover: {end['says']}")
        return status == 0

    def _over(self, end: dict[str, Any], ending: Ending, says: str, next_: str = "") -> Outcome:
        end |= {"ending": ending, "says": says, "next": next_}
        return Outcome(self.id, ending, says, next_)


_AGAIN = "see what stands in the way, then: visionforge cutover --rollback"
_BOTH_WAYS = "Go back: visionforge cutover --rollback. Or mend it and go on: visionforge cutover --resume"
_DISCARD = "visionforge backup discard removes it"
_COUNTS = re.compile(r"\d (?:%|rows|pages|MB)|^loading: ")


def _output(done: Migrated) -> str:
    seconds = sum(step.seconds for step in done.steps)
    return f"after {seconds:.1f} s; its output: {done.directory / 'output.log'}"
