"""The commands around a record: gate, key, sign, approve, verify."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Visionforge

PLAN = 'plan = "shop"\n[database]\nurl = "$SHOP_DB"\n[record]\nsample = 5\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plan, a database, a backup and the record of a real premigration run."""
    import sqlite3

    folder = tmp_path_factory.mktemp("site")
    connection = sqlite3.connect(folder / "shop.db")
    connection.executescript("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a')")
    connection.close()
    (folder / "visionforge.toml").write_text(PLAN)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-m",
            "premigration",
            "-p",
            "no:cacheprovider",
            "visionforge.toml",
        ],
        cwd=folder,
        env={**os.environ, "SHOP_DB": f"sqlite:///{folder}/shop.db"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture
def site(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to alter."""
    return shutil.copytree(made, tmp_path / "site")


def record_of(site: Path) -> Path:
    """The record of the run."""
    return next((site / "reports").glob("*-premigration-*"))


def test_the_gate_opens_for_a_real_go(site: Path, visionforge: Visionforge) -> None:
    """A fresh GO of this plan is admitted, without the database's address."""
    done = visionforge(site, "gate", "--plan", "visionforge.toml", "--max-age", "1h")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ premigration" in done.stdout


def test_the_gate_says_why_it_stays_shut(site: Path, visionforge: Visionforge) -> None:
    """Another state of the plan, another phase, another age: exit 1, with the reasons, as JSON too."""
    (site / "visionforge.toml").write_text(PLAN + "# touched\n")
    done = visionforge(
        site,
        "gate",
        "--plan",
        "visionforge.toml",
        "--require",
        "premigration",
        "--require",
        "postmigration",
        "--json",
    )
    facts = json.loads(done.stdout)
    assert (done.returncode, facts["open"]) == (1, False)
    assert "another state of the plan" in facts["phases"]["premigration"]["refusals"][0]
    assert "holds no postmigration record" in facts["phases"]["postmigration"]["refusals"][0]


def test_approvals_open_a_gate_that_asks_for_them(site: Path, visionforge: Visionforge) -> None:
    """Key -> plan -> premigration's record -> approve -> gate, and verify names who signed."""
    printed = visionforge(site, "key", "ana.pem").stdout
    record = record_of(site)
    plan = PLAN + printed.partition("[record]\n")[2] + "signatures = 1\n"
    (site / "signed.toml").write_text(plan)
    shut = visionforge(site, "gate", "--plan", "signed.toml")
    assert "0 of 1 signatures" in shut.stdout
    done = visionforge(
        site, "approve", str(record), "--key", "ana.pem", "--as", "Ana P.", "--meaning", "go for cutover"
    )
    assert done.returncode == 0, done.stderr
    again = visionforge(site, "gate", "--plan", "signed.toml")
    assert "signatures" not in again.stdout  # what is left is the plan's hash
    told = visionforge(site, "verify", str(record))
    assert told.returncode == 0, told.stdout
    assert "signed by Ana P." in told.stdout


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("reports/*/record.json", "record.json: was altered"),
        ("reports/*/record.html", "record.html: was altered"),
        ("reports/*/manifest.json", "manifest.json"),
        ("reports/*/baseline.jsonl.zst", "baseline.jsonl.zst: was altered"),
        ("backups/*/manifest.json", "backup: "),
        ("backups/*/*.zst", "backup: "),
        ("backups/journal.jsonl", "journal: "),
    ],
)
def test_one_changed_byte_is_found(made: Path, pattern: str, says: str, visionforge: Visionforge) -> None:
    """In record, page, manifest, baseline, backup and journal, and it is said where."""
    path = next(made.glob(pattern))
    content = path.read_bytes()
    at = len(content) // 2
    try:
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        done = visionforge(made, "verify", str(record_of(made)))
    finally:
        path.write_bytes(content)
    assert done.returncode != 0
    assert says in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("gate", "--max-age", "soon"), 4, "--max-age"),
        (("gate", "--signatures", "1"), 4, "needs --plan"),
        (("gate", "--plan", "none.toml"), 4, "cannot be read"),
        (("verify", "nowhere"), 3, "there is no record.json"),
        (("sign", "nowhere", "--key", "k.pem"), 3, "there is no record.json"),
    ],
)
def test_a_users_mistake_is_one_message(
    tmp_path: Path, arguments: tuple[str, ...], code: int, says: str, visionforge: Visionforge
) -> None:
    """One line, no traceback."""
    done = visionforge(tmp_path, *arguments)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr
