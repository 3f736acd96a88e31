"""Wheel and sdist hold everything, and work for a project that has nothing but a plan."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CARRIED = {
    "pytest_visionforge/py.typed",
    "pytest_visionforge/checks/readiness.py",
    "pytest_visionforge/demo/visionforge.toml",
    "pytest_visionforge/demo/alembic.ini",
    "pytest_visionforge/demo/migrations/env.py",
    "pytest_visionforge/demo/migrations/broken/0002_split_account_name.py",
    "pytest_visionforge/record/style.css",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist of what git tracks, and a wheel built from that sdist."""
    place = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(place), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return place


def test_the_wheel_is_whole(built: Path) -> None:
    """Rules, sample, templates and the type marker are in the wheel."""
    (wheel,) = built.glob("*.whl")
    assert set(zipfile.ZipFile(wheel).namelist()) >= CARRIED


def test_the_sdist_is_whole(built: Path) -> None:
    """The sdist holds what the wheel is built from."""
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {"checks/readiness.py", "examples/visionforge/visionforge.toml", "setup.cfg", "LICENSE"} <= names


def test_the_wheel_serves_a_foreign_project(built: Path, tmp_path: Path) -> None:
    """Installed from the wheel, beside nothing but a plan and a database, the gate works."""
    (wheel,) = built.glob("*.whl")
    place = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(place), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    project = tmp_path / "project"
    project.mkdir()
    connection = sqlite3.connect(project / "shop.db")
    connection.execute("create table t (id integer primary key)")
    connection.close()
    (project / "visionforge.toml").write_text('plan = "shop"\n[database]\nurl = "sqlite:///shop.db"\n')
    program = (
        "import pytest_visionforge, pytest; print(pytest_visionforge.__file__, flush=True);"
        "raise SystemExit(pytest.main(['-m', 'premigration']))"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            program.replace("pytest.main()", "raise SystemExit(pytest.main(['-m', 'premigration']))"),
        ],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(str(place))
