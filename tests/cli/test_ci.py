"""The jobs for CI services: what they run, and that they are what the service reads."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_visionforge.cli import cli
from pytest_visionforge.cli.ci import SERVICES, jobs, write_jobs
from pytest_visionforge.errors import PlanError
from tests.cli.conftest import Visionforge
from tests.cli.test_gate import PLAN

VARIABLES = ("SHOP_DB", "SHOP_NEW")
COMMANDS = (
    "pytest -m premigration visionforge.toml",
    "visionforge gate reports --require premigration",
    "visionforge migrate --plan visionforge.toml",
    "pytest -m postmigration visionforge.toml",
    "visionforge report reports",
)


@pytest.mark.parametrize("service", SERVICES)
def test_the_jobs_run_the_whole_way(service: str) -> None:
    """Premigration, the gate, the migration, postmigration, the report: in this order, with the variables."""
    text = jobs(service, "visionforge.toml", VARIABLES)
    cutover = text[text.index("pytest -m premigration") :]
    places = [cutover.index(command) for command in COMMANDS[1:]]
    assert places == sorted(places)
    assert all(name in text for name in VARIABLES)
    assert "[[" not in text
    assert "[%" not in text
    assert "backups/" not in text  # a backup holds the data itself, and is no artefact


@pytest.mark.parametrize("service", SERVICES)
def test_the_commands_of_the_jobs_exist(service: str) -> None:
    """Every command and option of ours in the jobs is one that there is."""
    for line in re.findall(r"visionforge ((?:gate|migrate|report)\b[^'\n]*)", jobs(service, "p.toml")):
        command, *words = line.split()
        found = cli.get_command(None, command)  # type: ignore[arg-type]
        assert found is not None
        options = {option for each in found.params for option in each.opts}
        assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize(
    ("service", "variables"), [(s, v) for s in ("github", "gitlab") for v in ((), VARIABLES)]
)
def test_the_jobs_are_yaml(service: str, variables: tuple[str, ...]) -> None:
    """What the service reads can be read."""
    yaml = pytest.importorskip("yaml")
    data = yaml.safe_load(jobs(service, "visionforge.toml", variables))
    told = data["jobs"] if service == "github" else data
    assert {"premigration", "cutover"} <= set(told)


@pytest.mark.parametrize("service", SERVICES)
def test_jobs_that_are_there_stay(tmp_path: Path, service: str) -> None:
    """Nothing of the user's is written over unless that is asked for."""
    path = write_jobs(service, tmp_path, "visionforge.toml")
    path.write_text("mine")
    with pytest.raises(PlanError, match="is there already"):
        write_jobs(service, tmp_path, "visionforge.toml")
    assert path.read_text() == "mine"
    assert write_jobs(service, tmp_path, "visionforge.toml", force=True).read_text() != "mine"


@pytest.mark.parametrize("word", ["a b.toml", "x'; rm -rf /; '", "$(x).toml", "", "a\nb"])
def test_a_name_becomes_no_command(word: str) -> None:
    """A name that a shell would read otherwise is refused."""
    with pytest.raises(PlanError, match="cannot stand in the jobs"):
        jobs("github", word)


def test_two_jobs_share_a_phase(tmp_path: Path, visionforge: Visionforge) -> None:
    """Two real runs of one half each are no GO; merged they are one, and the gate opens."""
    import sqlite3

    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a')")
    connection.close()
    (tmp_path / "visionforge.toml").write_text(PLAN)
    for name, selection in (("one", "premigration and not integrity"), ("two", "premigration and integrity")):
        command = [sys.executable, "-m", "pytest", "-q", "-m", selection, "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, f"--visionforge-record={name}", "visionforge.toml"],
            cwd=tmp_path,
            env={**os.environ, "SHOP_DB": f"sqlite:///{tmp_path}/shop.db"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 3, done.stdout
    told = json.loads(visionforge(tmp_path, "merge", "one", "two", "--json").stdout)
    assert told["verdict"] == "GO", told
    opened = visionforge(tmp_path, "gate", "--plan", "visionforge.toml")
    assert opened.returncode == 0, opened.stdout
    half = visionforge(tmp_path, "merge", "two", "two")
    assert half.returncode == 3
    assert "each named once" in half.stderr
