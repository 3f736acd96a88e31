"""The services around a migration: stopped before, started after, by the plan's own commands.

A command that we have begun goes on if we are killed: ended in the middle, it would leave half of the services
started. So it has a mark, by which it is found again, and leaves a note of how it ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from pytest_visionforge.cutover.process import LOOK, MARK, interruptible, tree
from pytest_visionforge.cutover.veil import Veil
from pytest_visionforge.errors import MigrationError
from pytest_visionforge.plan.values.plan import Plan

SECONDS = 300.0
SAID = 400  # characters of a command's last words that a message holds
NOTE = "services.txt"
CALL = "VISIONFORGE_CALL"  # the mark of a command; what it starts does not carry it
_NOTING = f'unset {CALL}; /bin/sh -c "$1"; status=$?; echo "$2 $status" > "$3"; exit $status'


def call(plan: Plan, key: str, command: str, *, mark: str, note: Path) -> float:
    """Runs one of the plan's commands; its seconds. MigrationError with what it said where it fails.

    What it leaves in the background lives on: that is what `start` is for. So its output goes to a file,
    which does not go away with us, and it does not carry the mark of our processes. `note` is a file of
    which nothing else may be known; how to read it says `noted`.
    """
    begin = time.monotonic()
    environment = {name: value for name, value in os.environ.items() if name != MARK}
    with suppress(OSError):  # a full disk: then there is no note, and that is said if it is wanted
        note.parent.mkdir(parents=True, exist_ok=True)
        note.unlink(missing_ok=True)
    with tempfile.TemporaryFile() as output, interruptible():
        process = subprocess.Popen(
            ["/bin/sh", "-c", _NOTING, "sh", command, key, str(note)],
            cwd=plan.directory,
            env={**environment, CALL: mark},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(SECONDS)
        except BaseException as error:
            _end(process.pid)  # what it has begun must not go on behind our back
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise MigrationError(f"migration.{key}: `{command}` has not ended within {SECONDS:g} s") from None
        if status:
            output.seek(0)
            said = " ".join(output.read().decode(errors="replace").split())[-SAID:]
            raise MigrationError(
                f"migration.{key}: `{command}` ended with status {status}: {Veil(plan)(said) or 'it said nothing'}"
            )
    return time.monotonic() - begin


def noted(key: str, note: Path) -> int | None:
    """The exit status of the command that was begun last, if it was this one and has ended by itself."""
    with suppress(OSError, ValueError):
        name, _, status = note.read_text("utf-8").partition(" ")
        return int(status) if name == key else None
    return None


def outlast(mark: str, name: str, echo: Callable[[str], None]) -> None:
    """Waits for a command that has outlived us, as long as it may take; then it is ended."""
    told = False
    while found := tree(mark, variable=CALL):
        if not told:
            echo(
                f"{name}, begun by the one that was killed, still runs (process {found[0].pid}): waiting for it"
            )
            told = True
        for each in found:
            with suppress(psutil.Error):
                if time.time() - each.create_time() > SECONDS:
                    echo(f"{name} has not ended within {SECONDS:g} s, and was ended")
                    _end(each.pid)
        time.sleep(LOOK)


def _end(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
