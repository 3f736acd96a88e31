"""Other programs, asked what they know: no shell, a time limit, and nothing left behind."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_visionforge import CannotTell
from pytest_visionforge.linters import python_with

if TYPE_CHECKING:
    from pytest_visionforge.plan.values.plan import Plan

_PLAIN = {"NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program printed, and its exit status; `command` says how it is asked again by hand."""

    command: str
    status: int
    output: str
    errors: str

    def refused(self, remedy: str = "") -> CannotTell:
        """That it said nothing of use, in its own last line."""
        lines = [line.strip() for line in (*self.output.splitlines(), *self.errors.splitlines())]
        last = next(filter(None, reversed(lines)), f"exit status {self.status}")
        return CannotTell(f"{last} ({self.command})", remedy or f"see that it runs: {self.command}")


def answer(words: Sequence[str], plan: Plan, directory: Path, text: bytes = b"") -> Answer:
    """Runs a program in a directory and gives it `text` to read; CannotTell where it does not end in time."""
    from pytest_visionforge.cutover.veil import Veil

    command = f"cd {shlex.quote(str(directory))} && {shlex.join(words)}"
    try:
        process = subprocess.Popen(
            words,
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **_PLAIN},
            start_new_session=True,  # so that whatever it starts ends with it
        )
    except OSError as error:
        why = f"{words[0]} cannot be run: {error.strerror}"
        raise CannotTell(why, f"see that it runs: {command}") from None
    veil = Veil(plan)
    seconds = plan.limits.check_time
    try:
        output, errors = (veil(each.decode(errors="replace")) for each in _told(process, text, seconds))
    except subprocess.TimeoutExpired:
        why = f"{words[0]} has not ended within {seconds:g} s"
        raise CannotTell(why, f"raise [limits] check_time, or look: {command}") from None
    return Answer(command, process.returncode, output, errors)


def _told(process: subprocess.Popen[bytes], text: bytes, seconds: float) -> tuple[bytes, bytes]:
    """What it prints once it has read `text`; nothing of it lives on afterwards."""
    with process:
        try:
            return process.communicate(text, seconds)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def manage(plan: Plan, *words: str) -> Answer:
    """Asks Django, by the plan's manage.py; CannotTell where there is none."""
    path = plan.migration.django
    if path is None or not path.is_file():
        raise CannotTell(f"{path} is not there", "correct [migration] django")
    return answer((python_with("django"), path.name, *words), plan, path.parent)
