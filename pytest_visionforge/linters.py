"""Which programs look at a migration before it runs: those that the plan names, or those that are installed."""

from __future__ import annotations

import glob
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_visionforge.plan.address import dbms
from pytest_visionforge.plan.values.sections import DJANGO_LINTER, LINTERS

if TYPE_CHECKING:
    from pytest_visionforge.plan.values.plan import Plan

#: How each is installed.
INSTALL = {
    "squawk": "pip install squawk-cli",
    "sqlfluff": "pip install sqlfluff",
    DJANGO_LINTER: f"pip install {DJANGO_LINTER}, and django_migration_linter into INSTALLED_APPS",
}


def linted(plan: Plan) -> tuple[list[tuple[str, str]], str]:
    """Linters, each with a file relative to the plan; and why there is none of them although files are named."""
    if not plan.migration.files and not plan.migration.django:
        return [], ""
    candidates = [each for each in LINTERS if _files(plan, each) and _reads(plan, each)]
    chosen = list(dict.fromkeys(plan.migration.linters)) or [each for each in candidates if installed(each)]
    pairs = [(linter, file) for linter in chosen for file in _files(plan, linter)]
    return pairs, "" if pairs else f"none is installed that could look at the files: {', '.join(candidates)}"


def installed(linter: str) -> bool:
    """Is the linter there?"""
    if linter == DJANGO_LINTER:
        return find_spec("django_migration_linter") is not None
    return program(linter) is not None


def program(name: str) -> str | None:
    """Where a program is: on the PATH, or beside this Python."""
    beside = Path(sys.executable).with_name(name)
    return shutil.which(name) or (str(beside) if beside.is_file() else None)


def python_with(package: str) -> str:
    """The Python that runs us where it has the package, else the one on the PATH."""
    if find_spec(package):
        return sys.executable
    return shutil.which("python") or shutil.which("python3") or sys.executable


def _reads(plan: Plan, linter: str) -> bool:
    return LINTERS[linter] in ("", dbms(plan.target))


def _files(plan: Plan, linter: str) -> list[str]:
    """The files for a linter; a pattern that matches none stands for itself, so that it is told."""
    if linter == DJANGO_LINTER:
        path = plan.migration.django
        return [path.name] if path else []
    return list(dict.fromkeys(file for pattern in plan.migration.files for file in _matching(plan, pattern)))


def _matching(plan: Plan, pattern: str) -> Iterator[str]:
    found = sorted(glob.glob(pattern, root_dir=plan.directory, recursive=True))  # noqa: PTH207 (Path takes no "../")
    yield from [file for file in found if (plan.directory / file).is_file()] or [pattern]
