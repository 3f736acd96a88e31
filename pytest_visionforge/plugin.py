"""Pytest's hooks, and nothing but hooks: each hands over to the room that knows.

This module is imported at every start of pytest, so it imports nothing but pytest; the rooms are
imported once a plan file is met or a phase is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_visionforge.collect import PlanFile

PHASES = {
    "premigration": "may the migration start?",
    "postmigration": "did everything arrive as it should?",
    "rollback": "is the restored database the one we had?",
}
SUITES = {
    "readiness": "environment, databases, disk, rights",
    "integrity": "keys, references, values",
    "consistency": "times, calculated columns, aggregates, business rules",
    "expectations": "great_expectations suites",
    "recovery": "a backup that has proved it restores",
    "baseline": "every row before against every row after",
    "smoke": "the application answers",
    "performance": "and answers in time",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options; everything else is in the plan."""
    group = parser.getgroup(
        "visionforge", "database migrations (pytest -m premigration | postmigration | rollback)"
    )
    group.addoption(
        "--visionforge-record",
        metavar="DIR",
        default=None,
        help="where this run's record goes (default: the plan's [record] directory)",
    )
    group.addoption(
        "--visionforge-protect",
        metavar="WHEN",
        nargs="?",
        const="always",
        default=None,
        choices=("always", "on-failure", "never"),
        help="back the plan's database up before the tests, and put it back after them:"
        " always (default), on-failure, or never (then the backup is only there)",
    )
    parser.addini(
        "visionforge_plans",
        "file names of plans",
        type="args",
        default=["visionforge.toml", "*.visionforge.toml"],
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Declares the markers; where a phase is asked for, arranges for its record."""
    for name, question in {**PHASES, **SUITES}.items():
        config.addinivalue_line("markers", f"{name}: {question}")
    config.addinivalue_line("markers", "severity(level): what a failure means: block or warn")
    if hasattr(config, "workerinput"):
        return
    if config.getoption("visionforge_protect") and not config.option.collectonly:
        from pytest_visionforge.protect import Protector

        config.pluginmanager.register(Protector(config), "visionforge-protector")
    if not _is_asked_for(config):
        return
    from pytest_visionforge.session import Owner, direct_reports

    config.pluginmanager.register(Owner(config), "visionforge-owner")
    direct_reports(config)


def _is_asked_for(config: pytest.Config) -> bool:
    """Does the command line speak of a phase or of a plan file?"""
    words = f"{config.getoption('markexpr', '')} {' '.join(map(str, config.args))}"
    return bool(set(PHASES) & set(re.findall(r"\w+", words))) or ".toml" in words


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Offers the fixtures to tests of one's own."""
    if _is_asked_for(session.config):
        from pytest_visionforge.session import offer_fixtures

        offer_fixtures(session)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> PlanFile | None:
    """A plan file is a test file."""
    if file_path.suffix != ".toml":
        return None
    patterns = parent.config.getini("visionforge_plans")
    if not any(file_path.match(pattern) for pattern in patterns):
        return None
    from pytest_visionforge.collect import PlanFile

    return PlanFile.from_parent(parent, path=file_path)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One item per object."""
    if _is_asked_for(metafunc.config):
        from pytest_visionforge.collect import parametrize

        parametrize(metafunc)


@pytest.hookimpl(tryfirst=True, specname="pytest_collection_modifyitems")
def pytest_note_planned(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Notes what was planned before anything is deselected."""
    if _is_asked_for(config):
        from pytest_visionforge.session import note_planned

        note_planned(config, items)


@pytest.hookimpl(trylast=True, specname="pytest_collection_modifyitems")
def pytest_keep_one_phase(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Runs the checks of one phase or none."""
    if _is_asked_for(config):
        from pytest_visionforge.session import keep_one_phase

        keep_one_phase(config, items)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A check returns what it found."""
    if not _is_asked_for(pyfuncitem.config):
        return None
    from pytest_visionforge.judge import call

    return call(pyfuncitem)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns how a check ended into an outcome."""
    report = yield
    if _is_asked_for(item.config):
        from pytest_visionforge.judge import judge

        judge(item, call, report)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: Any, config: pytest.Config) -> Any:
    """Shows outcomes that pytest has no words for."""
    if not _is_asked_for(config):
        return None
    from pytest_visionforge.judge import status

    shown = status(report)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if shown and shown[1] in "F?" and reporter:
        reporter.stats.setdefault("failed", [])  # the summary line turns red
    return shown


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Escapes what pytest-html would put into the page as it is; a worker's values replace the owner's."""
    if _is_asked_for(session.config):
        from pytest_visionforge.session import escape_environment

        escape_environment(session.config)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Says which plan is used, and which state of it."""
    if not _is_asked_for(config):
        return None
    from pytest_visionforge.session import header

    return header(config)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tells the verdict, the failures with their remedies, and where the record is."""
    if _is_asked_for(config):
        from pytest_visionforge.terminal import summarise

        summarise(terminalreporter, config)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Closes what was opened, and in a worker tells the controller what was planned."""
    if _is_asked_for(session.config):
        from pytest_visionforge.session import finish_process

        finish_process(session.config)


# ------------------------------------------------------------------ pytest-html


@pytest.hookimpl(optionalhook=True)
def pytest_html_report_title(report: Any) -> None:
    """The page is a validation record."""
    from pytest_visionforge.record.html_report import report_title

    report_title(report, "Validation record")


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_table_header(cells: list[str]) -> None:
    """Our columns."""
    from pytest_visionforge.record.html_report import table_header

    table_header(cells)


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_table_row(report: Any, cells: list[str]) -> None:
    """Our cells, and an escaped name."""
    from pytest_visionforge.record.html_report import table_row

    table_row(cells, report)


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_summary(prefix: list[str], session: pytest.Session) -> None:
    """The record, complete without scripts."""
    from pytest_visionforge.record.html_report import results_summary

    owner = session.config.pluginmanager.get_plugin("visionforge-owner")
    if owner and owner.record and owner.around:
        results_summary(prefix, owner.record, owner.around)
