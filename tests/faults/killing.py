"""A cutover that can be held in each of its steps, and the ways to kill it there."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pytest_visionforge.cutover import past
from pytest_visionforge.cutover.process import tree
from pytest_visionforge.errors import RecordError
from tests.cutover.project import PYTHON, TABLES, Project, engine, execute
from tests.cutover.site import Answer

Rows = dict[str, list[tuple[int, ...]]]
PATIENCE = 120.0  # seconds until what should come must have come
WAIT = f"""
import pathlib, sys, time
def wait(name):
    end = time.monotonic() + {PATIENCE}
    while pathlib.Path("hold-" + name).exists() and time.monotonic() < end:
        pathlib.Path("here").touch()
        time.sleep(0.05)
"""
MIGRATE = """
import os
from hold import wait
from tests.cutover.project import engine
with engine(os.environ["SHOP_DB"]).begin() as connection:
    connection.exec_driver_sql("INSERT INTO items VALUES (4, 4)")
    if os.path.exists("broken"):
        connection.exec_driver_sql("DELETE FROM orders WHERE id = 1")
    wait("before-commit")
wait("after-commit")
"""
SERVICE = """
import sys
from hold import wait
wait(sys.argv[1])
with open("services", "a") as file:
    file.write(sys.argv[1] + " ")
"""
PLAN = f"""
[limits]
cpu = "100%"
memory = "100%"
[backup]
rollback = "on-failure"
[migration]
command = "{PYTHON} migrate.py"
stop = "{PYTHON} service.py stop"
start = "{PYTHON} service.py start"
start_previous = "{PYTHON} service.py previous"
[changes.tables.items]
rows = "appended"
"""
#: What asks the application, and so makes a first and a last step.
LIVE = f"""
[[endpoints]]
url = "$SITE/shop"
samples = 1
warm_up = 0
[[smoke]]
command = "{PYTHON} service.py smoke"
"""


def shop(folder: Path, url: str, plan: str = PLAN, **environment: str) -> Project:
    """A small shop, its plan and its migration; a step waits where a file `hold-<step>` lies."""
    execute(url, *TABLES)
    made = Project(folder, url, {"PYTHONPATH": str(Path(__file__).parents[2]), **environment})
    made.write(plan, migrate__py=MIGRATE, service__py=SERVICE, hold__py=WAIT)
    return made


def answering(folder: Path) -> Callable[[int, str, bytes], Answer]:
    """What the shop's web site answers; it waits where `hold-site` lies."""

    def answer(number: int, path: str, body: bytes) -> Answer:
        while (folder / "hold-site").exists():
            (folder / "here").touch()
            time.sleep(0.05)
        return 200, b"shop"

    return answer


def wait_until(true: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Until it is so, while the process lives."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.02)


def killed(project: Project, *arguments: str, now: Callable[[], object]) -> None:
    """Runs the tool, and kills it and nothing else once it is time; its children must end by themselves."""
    process = project.start(*arguments, "--yes")
    wait_until(now, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    marks = [entry.facts["mark"] for entry in project.entries("migrate") if entry.phase == "begin"]
    end = time.monotonic() + PATIENCE
    while any(map(tree, marks)):
        assert time.monotonic() < end
        time.sleep(0.05)


def held(project: Project, name: str, *arguments: str) -> None:
    """Killed while a command of the plan, or its web site, is at `name`."""
    hold, here = project.folder / f"hold-{name}", project.folder / "here"
    hold.touch()
    killed(project, *arguments, now=here.exists)
    _end_services(project)
    hold.unlink()
    here.unlink(missing_ok=True)


def _end_services(project: Project) -> None:
    """A command for the services outlives the tool, so that what it starts may; here it is to do no more."""
    for each in psutil.process_iter():
        with suppress(psutil.Error):
            if "service.py" in each.cmdline() and each.cwd() == str(project.folder):
                each.kill()
                each.wait(10)


def journalled(project: Project, action: str, *arguments: str) -> None:
    """Killed as soon as the journal has the begin of an action, of this run."""
    before = begun(project, action)
    killed(project, *arguments, now=lambda: begun(project, action) > before)


def begun(project: Project, action: str) -> int:
    """How often an action began, by the journal."""
    with suppress(RecordError):  # there is none yet, or a line is being written
        return sum(entry.phase == "begin" for entry in project.entries(action))
    return 0


def appeared(project: Project, pattern: str, *arguments: str) -> None:
    """Killed as soon as there is one file more of a pattern below the reports."""
    killed(project, *arguments, now=more(project, pattern))


def more(project: Project, pattern: str) -> Callable[[], bool]:
    """Whether there is one file more of a pattern below the reports than there is now."""

    def seen() -> int:
        return len(list((project.folder / "reports").glob(pattern)))

    before = seen()
    return lambda: seen() > before


def said(project: Project, words: tuple[str, ...], *arguments: str) -> None:
    """Killed as soon as it has printed a line that begins with one of the words."""
    process = project.start(*arguments, "--yes")
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.lstrip().startswith(words):
            break
    else:
        process.communicate()
        pytest.fail(f"it said none of {words}:\n{''.join(lines)}")
    process.send_signal(signal.SIGKILL)
    process.communicate()


def ended(
    project: Project, now: Callable[[], object], of: Callable[[psutil.Process], bool], *arguments: str
) -> tuple[int, str]:
    """Runs the tool to its end, while one of its children is killed (-9); its exit code, and what it printed."""
    process = project.start(*arguments, "--yes")
    wait_until(now, process)
    for each in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.Error):
            if of(each):
                each.kill()
    for hold in (*project.folder.glob("hold-*"), project.folder / "here"):
        hold.unlink(missing_ok=True)
    output, _ = process.communicate(timeout=240)
    return process.returncode, output


def rows(project: Project) -> Rows:
    """What is in the shop."""
    made = engine(project.url)
    with made.connect() as connection:
        found = {
            name: [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY 1, 2")]
            for name in ("orders", "items")
        }
    made.dispose()
    return found


def migrated(before: Rows) -> Rows:
    """What is in the shop after the migration."""
    return {**before, "items": [*before["items"], (4, 4)]}


def told(project: Project, plan: str = PLAN) -> past.Past:
    """What the journal says of the last cutover."""
    found = past.last(project.write(plan), project.folder / "backups" / "journal.jsonl")
    assert found is not None
    return found


def services(project: Project) -> list[str]:
    """What was done to the services, in order."""
    return (project.folder / "services").read_text("utf-8").split()
