"""Does one thing to a database and kills itself at a given word of progress."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from pytest_visionforge import backup
from tests.backup.shop import back_up


def main(action: str, url: str, directory: Path, number: int) -> None:
    """Does `action` (create, verify or restore), and dies by SIGKILL at a word of progress, counted from 0."""
    left = number

    def die(_: str) -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    if action == "create":
        back_up(url, directory, progress=die)
        return
    made = backup.catalogue(directory)[-1]
    if action == "verify":
        backup.verify(made, scratch_url=url, progress=die)
    else:
        backup.restore(made, url, progress=die, replace=True)
