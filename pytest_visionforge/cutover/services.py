"""The services around a migration: stopped before, started after, by the plan's own commands."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from contextlib import suppress

from pytest_visionforge.cutover.process import MARK, interruptible
from pytest_visionforge.cutover.veil import Veil
from pytest_visionforge.errors import MigrationError
from pytest_visionforge.plan.values.plan import Plan

SECONDS = 300.0
SAID = 400  # characters of a command's last words that a message holds


def call(plan: Plan, key: str, command: str) -> float:
    """Runs one of the plan's commands; its seconds. MigrationError with what it said where it fails.

    What it leaves in the background lives on: that is what `start` is for. So its output goes to a file,
    which does not go away with us, and it does not carry the mark of our processes.
    """
    begin = time.monotonic()
    environment = {name: value for name, value in os.environ.items() if name != MARK}
    with tempfile.TemporaryFile() as output, interruptible():
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=plan.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(SECONDS)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what it has begun must not go on behind our back
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise MigrationError(f"{key}: `{command}` has not ended within {SECONDS:g} s") from None
        if status:
            output.seek(0)
            said = " ".join(output.read().decode(errors="replace").split())[-SAID:]
            raise MigrationError(
                f"{key}: `{command}` ended with status {status}: {Veil(plan)(said) or 'it said nothing'}"
            )
    return time.monotonic() - begin
