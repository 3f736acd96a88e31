"""The migration run: the plan's commands, watched, with all that they print kept beside the records."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from pytest_visionforge import dialects
from pytest_visionforge.backup.catalogue import JOURNAL
from pytest_visionforge.cutover.alerts import Alarm, Alert, now
from pytest_visionforge.cutover.blockers import refuse_blockers
from pytest_visionforge.cutover.journal import Journal, last_seconds
from pytest_visionforge.cutover.patterns import Patterns, Problem
from pytest_visionforge.cutover.process import Command, Ended, run
from pytest_visionforge.cutover.state import State, state_of
from pytest_visionforge.cutover.veil import Veil
from pytest_visionforge.cutover.watch import WATCH, Watch
from pytest_visionforge.database import Database
from pytest_visionforge.errors import DatabaseError, MigrationError
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.sections import Step

OUTPUT, RESULT = "output.log", "migration.json"
ACTION = "migrate"
SHOWN = 5  # errors that a message tells
VERSION_SECONDS = 60


@dataclass(frozen=True, slots=True)
class StepRun:
    """One step as it went: `failure` is "" where it went well."""

    step: str
    status: int
    seconds: float
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Migrated:
    """A migration run: its directory, its steps, the errors in its output, the alerts; what is safe to do."""

    id: str
    directory: Path
    version: str
    steps: tuple[StepRun, ...] = ()
    problems: tuple[Problem, ...] = ()
    alerts: tuple[Alert, ...] = ()
    failure: str = ""
    state: State | None = None
    advice: str = ""

    @property
    def went_well(self) -> bool:
        """Every step ended with 0, printed no error, and no alert aborted it."""
        return not self.failure


@dataclass
class _Run:
    """What a run has in hand while it goes on."""

    plan: Plan
    directory: Path
    mark: str
    alarm: Alarm
    watch: Watch
    echo: Callable[[str], None]
    journal: Journal
    veil: Veil
    problems: list[Problem] = field(default_factory=list)


def migrate(
    plan: Plan,
    *,
    echo: Callable[[str], None],
    first: str = "",
    despite: bool = False,
) -> Migrated:
    """Runs the migration, from the step `first` on (""; all), and says how it went.

    MigrationError where there is none, where it may not start (`despite`: it may) because somebody
    would make everybody wait behind its locks, and never for how it went.
    """
    steps = steps_of(plan, first)
    refuse_blockers(plan, despite=despite)
    journal, veil = journal_of(plan), Veil(plan)
    id, mark = _new_id()
    directory = plan.record.directory / id
    directory.mkdir(parents=True)
    version = version_of(plan)
    facts = {
        "id": id,
        "version": version,
        "plan": plan.sha256,
        "notes": plan.migration.notes,
        "settings": _settings(plan),
        "mark": mark,
        "steps": [step.name for step in steps],
    }
    ending: dict[str, object] = {}
    result: Migrated | None = None
    try:
        with journal.step(ACTION, plan.target.shown, **facts) as ending:
            result = _migrated(plan, id, directory, mark, version, steps, journal, veil, echo)
            ending |= {"steps": [asdict(each) for each in result.steps], "errors": len(result.problems)}
            if result.failure:
                raise MigrationError(result.failure)
    except MigrationError:
        if result is None:
            raise
    _keep(result)
    return result


def journal_of(plan: Plan) -> Journal:
    """The journal of a plan, in its directory of backups, which is made where it is missing.

    A line that a crash cut in the middle is taken off, and that is said in it.
    """
    plan.backup.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    journal = Journal(plan.backup.directory / JOURNAL)
    journal.mend()
    return journal


def environment_of(plan: Plan, mark: str) -> dict[str, str]:
    """What the migration's programs find in their environment, so that the server can tell them by it."""
    url = dialects.parse_url(plan.target.url)
    return dict(dialects.of(url).watch.environment(mark))


def disconnect(plan: Plan, mark: str, ports: frozenset[int]) -> int:
    """Ends what the server still does for a migration whose processes were ended; how many sessions."""
    database = Database("target", plan.target.url, shown=plan.target.shown)
    try:
        with database, database.session() as session:
            return database.dialect.watch.disconnect(session, mark, ports)
    except DatabaseError:
        return 0  # a server that does not answer does nothing for them, either


def version_of(plan: Plan) -> str:
    """The application's version, as the plan's command prints it; MigrationError where it prints none."""
    command = plan.migration.version
    if not command:
        return ""
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=plan.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=VERSION_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MigrationError(
            f"migration.version: `{command}` has not ended within {VERSION_SECONDS} s"
        ) from None
    if done.returncode or not done.stdout.strip():
        said = done.stderr.strip()[-200:] or "it printed nothing"
        raise MigrationError(f"migration.version: `{command}` ended with status {done.returncode}: {said}")
    return Veil(plan)(done.stdout.strip().splitlines()[0])


def _new_id() -> tuple[str, str]:
    """The id of a run, and the mark of its processes."""
    token = secrets.token_hex(3)
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-migration-{token}", f"{token}{secrets.token_hex(5)}"


def steps_of(plan: Plan, first: str = "") -> tuple[Step, ...]:
    """The steps of a migration, from `first` on; MigrationError where there are none, or none of that name."""
    steps = plan.migration.all_steps
    if not steps:
        raise MigrationError(
            f"{plan.path.name} names no migration to run: write [migration] and below it command = "
            '"alembic upgrade head", or run it yourself between the two phases'
        )
    names = [step.name for step in steps]
    if first and first not in names:
        raise MigrationError(f"there is no step {first}; the plan has {', '.join(names)}")
    return steps[names.index(first) :] if first else steps


def _settings(plan: Plan) -> dict[str, str]:
    """The server's settings that are not the default."""
    database = Database("target", plan.target.url, shown=plan.target.shown)
    with database, database.session() as session:
        return dict(database.dialect.watch.settings(session))


def _migrated(
    plan: Plan,
    id: str,
    directory: Path,
    mark: str,
    version: str,
    steps: Sequence[Step],
    journal: Journal,
    veil: Veil,
    echo: Callable[[str], None],
) -> Migrated:
    expected = last_seconds(journal.path, ACTION, plan.target.shown) or plan.migration.timeout
    begin = datetime.now(UTC)

    def remaining() -> float:
        return max(0.0, expected - (datetime.now(UTC) - begin).total_seconds())

    with (
        Alarm(plan, journal, plan.target.shown, lambda text: echo(veil(text))) as alarm,
        Watch(plan, directory / WATCH, alarm, remaining) as watch,
    ):
        run_ = _Run(plan, directory, mark, alarm, watch, echo, journal, veil)
        done = tuple(_all(run_, steps, plan.migration.timeout))
    failed = next((each for each in done if each.failure), None)
    failure, state, advice = "", None, ""
    if failed:
        failure = _failure(failed, steps, done)
        state = state_of(plan)
        advice = _advice(plan, failed, state)
    return Migrated(
        id, directory, version, done, tuple(run_.problems), tuple(alarm.raised), failure, state, advice
    )


def _all(run_: _Run, steps: Sequence[Step], seconds: float) -> Iterator[StepRun]:
    """Step by step, up to the first that fails."""
    for step in steps:
        with (run_.directory / OUTPUT).open("ab", buffering=0) as output:
            done = _step(run_, step, seconds, output)
        yield done
        seconds -= done.seconds
        if done.failure:
            return


def _step(run_: _Run, step: Step, seconds: float, output: IO[bytes]) -> StepRun:
    """One step, with its begin and end in the journal."""
    found: list[Problem] = []
    patterns = Patterns(run_.plan.migration.errors, run_.plan.migration.ignore)

    def line(text: str) -> None:
        shown, time = run_.veil(text), now()
        with suppress(OSError):  # a full disk is no reason of ours to end a migration in the middle
            output.write(f"{time} {step.name}| {shown}\n".encode())
        run_.echo(f"{step.name}| {shown}")
        if whose := patterns.whose(text):
            found.append(Problem(time, step.name, whose, shown[:500]))
            if len(found) == 1:
                run_.alarm("error", f"{step.name} printed an error: {shown[:200]}")

    def must_end() -> str:
        alert = run_.alarm.aborting
        return f"it was ended by an alert: {alert}" if alert else ""

    def started(process: int) -> None:
        run_.watch.process = process

    environment = {"VISIONFORGE_STEP": step.name, **environment_of(run_.plan, run_.mark)}
    command = Command(step.command, run_.plan.directory, run_.mark, environment)
    try:
        with run_.journal.step("migrate step", step.name, mark=run_.mark) as end:
            ended = run(
                command,
                seconds=max(0.1, seconds),
                line=line,
                must_end=must_end,
                started=started,
                deserted=lambda ports: disconnect(run_.plan, run_.mark, ports),
            )
            failure = _why(ended, found)
            end |= {"status": ended.status, "errors": [str(each) for each in found[:SHOWN]]}
            if failure:
                raise MigrationError(failure)
    except MigrationError as error:
        return StepRun(step.name, ended.status, ended.seconds, str(error))
    finally:
        run_.problems += found
        run_.watch.process = 0
    return StepRun(step.name, ended.status, ended.seconds)


def _why(ended: Ended, found: Sequence[Problem]) -> str:
    """Why a step has failed: ended by us, by its status, or by what it printed."""
    said = "; ".join(problem.line for problem in found[:SHOWN])
    if ended.why:
        return f"{ended.why}, and its processes were ended"
    if ended.status:
        how = (
            f"was ended by signal {-ended.status}"
            if ended.status < 0
            else f"ended with status {ended.status}"
        )
        return f"{how}{f': {said}' if said else ''}"
    return f"ended with status 0, but printed {len(found)} errors: {said}" if found else ""


def _failure(failed: StepRun, steps: Sequence[Step], done: Sequence[StepRun]) -> str:
    place = f" (step {len(done)} of {len(steps)})" if len(steps) > 1 else ""
    return f"{failed.step}{place} {failed.failure}"


def _advice(plan: Plan, failed: StepRun, state: State) -> str:
    """What is safe to do next."""
    step = next(step for step in plan.migration.all_steps if step.name == failed.step)
    if state.as_before:
        return f"{state}: mend the migration and run it again"
    if step.repeatable:
        return (
            f"{state}. The plan says that {step.name} may be repeated: visionforge migrate --from {step.name}"
        )
    if not plan.in_place:
        return f"{state}. The source is what the application still has; empty the target before you try again"
    return f"{state}. Do not run it again on this state: visionforge rollback puts the proved backup back"


def _keep(result: Migrated) -> None:
    """The run as JSON, beside its output."""
    facts = {
        **asdict(result),
        "directory": result.directory.name,
        "state": result.state and str(result.state),
    }
    path = result.directory / RESULT
    try:
        path.write_text(json.dumps(facts, indent=1, default=str) + "\n", "utf-8")
    except OSError:  # a full disk: what counts is in the journal
        path.unlink(missing_ok=True)
