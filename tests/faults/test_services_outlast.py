"""A command for the services goes on where the cutover is killed in it: it is waited for, told of, and run once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backup import shop as shops
from tests.cutover.project import PYTHON, Project
from tests.faults.killing import PLAN, begun, held, killed, rows, services, shop, told, wait_until
from tests.soak import SOAK

WAITS = "still runs (process "


@pytest.fixture
def project(sqlite: str, tmp_path: Path) -> Iterator[Project]:
    """A small shop with its plan and its migration."""
    yield shop(tmp_path, sqlite)
    shops.drop_kept(sqlite)


def _killed_at(project: Project, step: str) -> Path:
    """Kills a cutover in a command for the services, which goes on; the file that holds it."""
    hold, here = project.folder / f"hold-{step}", project.folder / "here"
    hold.touch()
    killed(project, "cutover", now=here.exists)
    assert told(project).stopped_in == {"previous": "start previous"}.get(step, step)
    return hold


def _released(project: Project, hold: Path, way: str) -> tuple[int, str]:
    """Goes on or back, lets the command end once it is waited for; the exit code and what was printed."""
    process = project.start("cutover", way, "--yes")
    assert process.stdout
    said = next(line for line in process.stdout if WAITS in line)
    assert said.startswith(f"cutover {told(project).stopped_in}, begun by the one that was killed")
    hold.unlink()
    rest, _ = process.communicate(timeout=240)
    (project.folder / "here").unlink()
    return process.returncode, rest


def test_services_that_were_being_started_are_not_started_twice(project: Project) -> None:
    """`--resume` waits for the start that goes on; the journal has both, and says that it was not run twice."""
    code, output = _released(project, _killed_at(project, "start"), "--resume")
    assert code == 0, output
    says = "killed in start, its command has ended well by itself: it is not run twice"
    assert output.count(says) == 1
    assert services(project) == ["stop", "start"]
    killed_one, done = [entry for entry in project.entries("cutover start") if entry.phase == "end"]
    assert (killed_one.result, killed_one.facts["error"]) == ("failed", "Killed")
    assert (done.result, done.facts["says"]) == ("ok", says)


@pytest.mark.skipif(not SOAK, reason="only under VISIONFORGE_SOAK=1: it takes its time")
def test_services_that_were_being_started_are_up_before_they_are_stopped(project: Project) -> None:
    """`--rollback` waits for the start that goes on, so that nothing starts beneath the way back."""
    before = rows(project)
    code, output = _released(project, _killed_at(project, "start"), "--rollback")
    assert code == 0, output
    assert services(project) == ["stop", "start", "stop", "previous"]
    assert rows(project) == before


def test_who_was_going_back_goes_on_going_back(project: Project) -> None:
    """Killed as soon as the services are stopped for it, `--resume` is the way back, and nothing forward."""
    held(project, "stop", "cutover", "--rollback")
    assert (told(project).going_back, told(project).over) == (True, False)
    code, output = project.run("cutover", "--resume", "--yes")
    assert code == 1, output
    assert "killed in stop, its command ended with status 137: it is run again" in output
    assert "going back failed: no backup" in output  # there was none to put back
    assert {begun(project, f"cutover {step}") for step in ("premigration", "migrate", "start")} == {0}


def test_the_previous_version_that_was_being_started_is_left_alone(project: Project) -> None:
    """Killed after a no that changed nothing, `--resume` ends that: it neither starts twice nor migrates again."""
    project.write(PLAN.replace(f"{PYTHON} migrate.py", "false"))
    before = rows(project)
    hold = _killed_at(project, "previous")
    hold.unlink()
    left = project.folder / "services"
    process = project.start("cutover", "--resume", "--yes")
    wait_until(lambda: "previous" in left.read_text("utf-8"), process)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 1, output
    assert told(project).ending == "untouched"
    assert services(project) == ["stop", "previous"]
    assert begun(project, "migrate") == 1
    assert rows(project) == before
