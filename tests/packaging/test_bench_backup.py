"""The bench of backups: a tiny run of all its ways."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import main
from tests import servers

COUNT = 500


@pytest.mark.skipif(not shutil.which("zstd") or not shutil.which("sqlite3"), reason="needs zstd and sqlite3")
def test_a_tiny_run_measures_every_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgresql_server: servers.Server
) -> None:
    """Each way to back up SQLite and PostgreSQL is timed, with its size, and written down."""
    admin = postgresql_server.admin.render_as_string(hide_password=False)
    monkeypatch.setenv("BENCH_DIR", str(tmp_path / "bench"))
    monkeypatch.setenv("VISIONFORGE_TEST_POSTGRESQL", admin)
    words = ["backup", "pg", "sqlite", "--rows", str(COUNT), "--runs", "1", "--out", str(tmp_path)]
    try:
        done = CliRunner().invoke(main, words, catch_exceptions=False)
    finally:
        for side in ("before", "after"):
            name = f"vf_bench_{COUNT}_{side}"
            postgresql_server.drop(postgresql_server.admin.set(database=name).render_as_string())
    assert done.exit_code == 0
    found = json.loads((tmp_path / "results.json").read_text())
    for part, ways in (("pg", 6), ("sqlite", 2)):
        assert len(found[f"backup {part}"]["ways"]) == ways
        assert all(way["seconds"] > 0 and way["size"] > 0 for way in found[f"backup {part}"]["ways"])
    assert len(found["backup pg"]["proofs"]) == 2
    assert "visionforge backup create" in (tmp_path / "RESULTS.md").read_text()
