"""The plugin is loaded at every start of pytest, so it loads next to nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "sqlalchemy",
    "hypothesis",
    "pandas",
    "great_expectations",
    "pydantic",
    "alembic",
    "rich",
    "psutil",
    "pytest_visionforge.session",
    "pytest_visionforge.plan",
}


def test_help_loads_nothing_heavy(pytester: pytest.Pytester) -> None:
    """After `pytest --help` none of the heavy modules is there."""
    program = (
        "import sys, pytest\n"
        "sys.stdout = open('out', 'w')\n"
        "pytest.main(['--help'])\n"
        f"sys.__stdout__.write(' '.join(sorted({HEAVY!r} & set(sys.modules))))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == ""


def test_help_shows_our_options(pytester: pytest.Pytester) -> None:
    """`pytest --help` and `--markers` name what we add."""
    assert "--visionforge-record" in pytester.runpytest("--help").stdout.str()
    assert "@pytest.mark.premigration" in pytester.runpytest("--markers").stdout.str()
