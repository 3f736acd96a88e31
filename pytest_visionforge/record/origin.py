"""Who runs this, where, and with what: facts for the record."""

from __future__ import annotations

import getpass
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pytest_visionforge.record.record import Origin


def origin(directory: Path) -> Origin:
    """The facts of this process; `directory` is where a git commit is looked for."""
    return Origin(
        who=_who(),
        host=platform.node(),
        python=platform.python_version(),
        pytest=_version("pytest"),
        plugin=_version("pytest-visionforge"),
        commit=_commit(directory),
    )


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without a name
        return ""


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _commit(directory: Path) -> str:
    command = ["git", "-C", str(directory), "rev-parse", "--verify", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()
