"""Does one thing to a database and kills itself at a given word of progress: run as a program.

    python killed.py create|verify|restore URL DIRECTORY NUMBER

`NUMBER` counts the words of progress, from 0; the program dies at that one, by SIGKILL.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from pytest_visionforge import backup
from tests.backup.shop import back_up


def main(action: str, url: str, directory: str, number: str) -> None:
    """Does it."""
    left = int(number)

    def die(_: str) -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    if action == "create":
        back_up(url, Path(directory), progress=die)
        return
    made = backup.catalogue(Path(directory))[-1]
    if action == "verify":
        backup.verify(made, scratch_url=url, progress=die)
    else:
        backup.restore(made, url, progress=die, replace=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
