"""What a run says at the terminal when it ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_visionforge.outcome import Verdict
from pytest_visionforge.session import NO_PHASE

if TYPE_CHECKING:
    import pytest

    from pytest_visionforge.record import Record
    from pytest_visionforge.session import Owner

_COLOURS = {Verdict.GO: "green", Verdict.NO_GO: "red", Verdict.INCOMPLETE: "yellow"}


def summarise(reporter: Any, config: pytest.Config) -> None:
    """The verdict, each failure with its remedy, and the way to the record."""
    passed_over = config.stash.get(NO_PHASE, 0)
    if passed_over:
        reporter.section("visionforge")
        reporter.line(
            f"{passed_over} checks of several phases were not run: a database is in one state at a time."
        )
        reporter.line("Add -m premigration, -m postmigration or -m rollback.")
    owner: Owner | None = config.pluginmanager.get_plugin("visionforge-owner")
    if owner is not None and owner.record is not None:
        _tell(reporter, owner.record, owner.directory)


def _tell(reporter: Any, record: Record, directory: Path) -> None:
    from pytest_visionforge.record import console, github

    cutover = os.environ.get(console.CUTOVER, "")
    part = cutover == console.PART and console.is_good_part(record)
    colour = {"green" if part else _COLOURS[record.verdict]: True}
    reporter.section(f"visionforge: {'one part is good' if part else record.verdict}", **colour)
    head, *lines = console.story(record, cutover=cutover)
    reporter.line(head, bold=True, **colour)
    for line in lines:
        reporter.line(line)
    reporter.line("")
    reporter.line(f"  Record: {directory / 'record.html'}")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in github.annotation_lines(record):
            reporter.line(line)
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(github.step_summary(record))
