"""What a pytest session adds to its checks: one run, what is done before it, and its record.

`Owner` lives in the process that owns the session: the only one, or xdist's controller.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Generator, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_visionforge import fixtures
from pytest_visionforge.collect import NOT_APPLICABLE, PLAN_ERROR, PLANNED, RUN, Phase, mentioned_phases
from pytest_visionforge.errors import PlanError, RecordError
from pytest_visionforge.outcome import Outcome
from pytest_visionforge.progress import Progress
from pytest_visionforge.rules import PHASES, PREMIGRATION

if TYPE_CHECKING:
    from pytest_visionforge.outcome import Result
    from pytest_visionforge.record import Record
    from pytest_visionforge.record.around import Around
    from pytest_visionforge.record.partial import Partial
    from pytest_visionforge.run import Run

START: pytest.StashKey[tuple[str, str]] = pytest.StashKey()
SELECTED: pytest.StashKey[list[str]] = pytest.StashKey()
NO_PHASE: pytest.StashKey[int] = pytest.StashKey()
_PREPARING_SUITES = ("recovery", "baseline")  # the first of them judges the backup


# ---------------------------------------------------------------------------- the run


def start(config: pytest.Config) -> tuple[str, str]:
    """The stamp and the token of this session's run; a worker has its controller's."""
    given = getattr(config, "workerinput", {}).get("visionforge")
    if given:
        return tuple(given)
    return config.stash.setdefault(START, (f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}", secrets.token_hex(3)))


def run_of(config: pytest.Config, path: Path) -> Run:
    """The run of a plan file; PlanError where the plan is wrong or is a second one in this session."""
    from pytest_visionforge import plan
    from pytest_visionforge.run import Run

    if RUN in config.stash:
        run = config.stash[RUN]
        if run.plan.path != path:
            raise PlanError(
                f"two plans in one run: {run.plan.path.name} and {path.name}; one run has one record:"
                f" name one of them, pytest {path.name} -m ..."
            )
        return run
    read = plan.read(path)
    given = config.getoption("visionforge_record")
    records = Path(config.invocation_params.dir, given) if given else read.record.directory
    config.stash[RUN] = run = Run(read, *start(config), records)
    phases = mentioned_phases(config)
    run.phase = phases[0] if len(phases) == 1 else ""
    return run


def run_in(config: pytest.Config) -> Run:
    """The session's run, also where only tests of one's own were collected."""
    if RUN not in config.stash:
        path = plan_path(config)
        if path is None:
            raise pytest.UsageError("no plan was found: write a visionforge.toml beside your pytest.ini")
        return run_of(config, path)
    return config.stash[RUN]


def plan_path(config: pytest.Config) -> Path | None:
    """The plan file that this session is about: one named on the command line, or the root's."""
    patterns = config.getini("visionforge_plans")
    named = (Path(config.invocation_params.dir, str(each).partition("::")[0]) for each in config.args)
    folders = dict.fromkeys((config.invocation_params.dir, config.rootpath))
    found = (path for folder in folders for pattern in patterns for path in sorted(folder.glob(pattern)))
    for path in (*named, *found):
        if path.is_file() and any(path.match(pattern) for pattern in patterns):
            return path.resolve()
    return None


def direct_reports(config: pytest.Config) -> None:
    """Sends pytest-html's page and the JUnit file into the record, unless the user wants them elsewhere."""
    phases, path = mentioned_phases(config), plan_path(config)
    if len(phases) != 1 or path is None or config.option.collectonly:
        return
    try:
        run = run_of(config, path)
    except PlanError:
        return  # told when the plan is collected
    if not getattr(config.option, "htmlpath", "given"):
        config.option.htmlpath = str(run.directory / "record.html")
        config.option.self_contained_html = True
    if not getattr(config.option, "xmlpath", "given"):
        config.option.xmlpath = str(run.directory / "junit.xml")


def header(config: pytest.Config) -> str | None:
    """Which plan, and which state of it."""
    if RUN not in config.stash:
        return None
    plan = config.stash[RUN].plan
    return f"visionforge: {plan.path.name} (sha256 {plan.sha256[:12]}) {plan.name}"


def offer_fixtures(session: pytest.Session) -> None:
    """Our fixtures, for tests of one's own."""
    for name, function in fixtures.ALL.items():
        pytest.register_fixture(name=name, func=function, node=session, scope="session")


def finish_process(config: pytest.Config) -> None:
    """Closes what this process opened; a worker tells its controller what it knows."""
    if RUN in config.stash:
        config.stash[RUN].close()
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output["visionforge"] = {
            "planned": config.stash.get(PLANNED, {}),
            "not_applicable": config.stash.get(NOT_APPLICABLE, {}),
        }


# ---------------------------------------------------------------------------- what was selected


def phase_of(item: pytest.Item) -> str:
    """The phase of a check, or of a test of one's own that is marked with one; '' for any other."""
    phase = item.getparent(Phase)
    if phase is not None:
        return phase.name
    return next((name for name in PHASES if item.get_closest_marker(name)), "")


def note_planned(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Notes the user's own tests of each phase, before anything is deselected."""
    planned = config.stash.setdefault(PLANNED, {})
    for item in items:
        if item.getparent(Phase) is None and (phase := phase_of(item)):
            planned.setdefault(phase, []).append(item.nodeid)


def keep_one_phase(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A database is in one state: checks of several phases are not run together, none of them is."""
    phases = {phase_of(item) for item in items if item.getparent(Phase)}
    if len(phases) > 1:
        ours = [item for item in items if item.getparent(Phase)]
        items[:] = [item for item in items if not item.getparent(Phase)]
        config.hook.pytest_deselected(items=ours)
        config.stash[NO_PHASE] = len(ours)
    elif phases and RUN in config.stash:
        config.stash[RUN].phase = phases.pop()
    config.stash[SELECTED] = [item.nodeid for item in items if phase_of(item)]


# ---------------------------------------------------------------------------- the owner


def escape_environment(config: pytest.Config) -> None:
    """Escapes the values that pytest-metadata gathered, where it is installed."""
    with suppress(ImportError, KeyError):
        from pytest_metadata.plugin import metadata_key

        from pytest_visionforge.record.html_report import escape_environment as escape

        escape(config.stash[metadata_key])


class Owner:
    """Prepares once, gathers what the checks said, decides, and writes the record."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.started = datetime.now(UTC)
        self.results: dict[str, Result] = {}
        self.skipped: dict[str, str] = {}
        self.selected: list[str] = []
        self.planned: dict[str, list[str]] = {}
        self.not_applicable: dict[str, dict[str, str]] = {}
        self.errors: list[str] = []
        self.record: Record | None = None
        self.around: Around | None = None
        self.partial: Partial | None = None
        self.prepared = False

    # -------------------------------------------------------------- before

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Prepares before the first check, where the checks run in this very process."""
        if not self.config.option.collectonly and self.config.stash.get(SELECTED, []):
            self._engage(self.config.stash[SELECTED])
        return (yield)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Gives each worker the run's name."""
        node.workerinput["visionforge"] = start(self.config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """Prepares before the first check is handed out; the workers wait meanwhile."""
        self._engage(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Takes over what a worker knew; a worker that crashed tells nothing, and that is told."""
        output = getattr(node, "workeroutput", {}).get("visionforge")
        if output is None:
            self.errors.append(f"worker {node.gateway.id} crashed{f': {error}' if error else ''}")
            return
        self.planned.update(output["planned"])
        self.not_applicable.update(output["not_applicable"])

    def _engage(self, ids: list[str]) -> None:
        self.selected = ids
        phases = {phase for nodeid in ids for phase in PHASES if f"::{phase}::" in nodeid}
        if self.prepared or len(phases) != 1:
            return
        self.prepared = True
        run = run_in(self.config)
        run.phase = phases.pop()
        run.speak(sys.stderr)
        self.partial = self._begun(run, ids)
        wanted = {suite for suite in _PREPARING_SUITES if any(f"::{suite}.py::" in nodeid for nodeid in ids)}
        if run.phase == PREMIGRATION and wanted:
            self._prepare(run, due="recovery" in wanted)

    def _prepare(self, run: Run, *, due: bool) -> None:
        """Baseline and backup; what failed is said at once, for the checks may go on for long."""
        from pytest_visionforge.prepare import prepare

        with Progress(sys.stderr) as tell:
            prepared = prepare(run, tell, due=due)
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter and prepared.failed:
            reporter.ensure_newline()
            reporter.line(f"visionforge: {prepared.failed}", red=True)

    def _begun(self, run: Run, ids: list[str]) -> Partial | None:
        """What a kill would leave; a directory that cannot be written is told at the end."""
        from pytest_visionforge.record.partial import Partial
        from pytest_visionforge.report import heading

        planned = self.config.stash.get(PLANNED, {}).get(run.phase) or ids
        with suppress(OSError):
            return Partial(run.directory, heading(run, self.started), planned)
        return None

    # -------------------------------------------------------------- meanwhile

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gathers the result that a report carries."""
        from pytest_visionforge.record.html_report import result_of

        result = result_of(report)
        if result is None:
            return
        if report.when == "setup" and report.passed:
            return
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped[report.nodeid] = result.reason
        else:
            self.results[report.nodeid] = result
            if self.partial:
                self.partial.add(result)

    # -------------------------------------------------------------- after

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, object, object]:
        """Decides before the reports are written, and seals them afterwards."""
        if PLAN_ERROR in self.config.stash:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
            return (yield)
        self._take_own()
        run = self.config.stash.get(RUN, None)
        if run is None or not run.phase or self.config.option.collectonly or not self._ours():
            return (yield)
        from pytest_visionforge import record
        from pytest_visionforge.record.around import around
        from pytest_visionforge.record.index import write_index

        self.record = self._decided(run, session, exitstatus)
        session.exitstatus = self.record.exit_status
        self.record = record.read(record.write(self.record, run.records))
        if self.partial:
            self.partial.remove()
        self.around = around(self.record, run.records)
        result = yield
        self._finish_pages(run)
        record.attest(run.directory)
        record.seal(run.directory)
        with suppress(RecordError):  # the next run draws the list again
            write_index(run.records)
        return result

    @property
    def directory(self) -> Path:
        """Where the record is, shown from where the user is if it is below."""
        directory = self.config.stash[RUN].directory
        here = Path(self.config.invocation_params.dir)
        return directory.relative_to(here) if directory.is_relative_to(here) else directory

    def _take_own(self) -> None:
        """What this process itself collected (under xdist it collected nothing)."""
        planned = self.config.stash.setdefault(PLANNED, {})
        self.planned.update(planned)
        not_applicable = self.config.stash.setdefault(NOT_APPLICABLE, {})
        self.not_applicable.update(not_applicable)
        self.selected = self.selected or self.config.stash.get(SELECTED, [])

    def _ours(self) -> bool:
        return bool(self.planned or self.results or self.errors)

    def _has_failed(self) -> bool:
        """Did one of ours fail, so that pytest's own exit status is no news?"""
        failures = (Outcome.VIOLATED, Outcome.CANNOT_TELL)
        return bool(self.errors) or any(each.outcome in failures for each in self.results.values())

    def _decided(self, run: Run, session: pytest.Session, exitstatus: int) -> Record:
        from pytest_visionforge.report import compose

        interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR:
            self.errors.append("pytest itself failed: see its output")
        if exitstatus == pytest.ExitCode.TESTS_FAILED and not self._has_failed():
            self.errors.append("a test that is none of the plan's failed in the same run")
        if not any(f"::{run.phase}::" in nodeid for nodeid in self.planned.get(run.phase, [])):
            self.errors.append(
                f"no check of {run.plan.path.name} was collected:"
                f" name it on the command line, or add it to testpaths"
            )
        return compose(self, run, interrupted=interrupted)

    def _finish_pages(self, run: Run) -> None:
        """The page that pytest-html wrote is mended; where it wrote none, the record's own stands."""
        from pytest_visionforge.record import html_report
        from pytest_visionforge.record.page import document

        page = run.directory / "record.html"
        if page.is_file():
            html_report.finish(page)
        elif self.record and self.around:
            page.write_text(document(self.record, self.around), "utf-8")
