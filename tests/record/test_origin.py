"""Who ran it, where and with what."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_visionforge.record.origin import origin


def test_the_commit_is_the_head(tmp_path: Path) -> None:
    """The commit is the HEAD of the plan's directory, and '' where there is none."""
    assert origin(tmp_path).commit == ""
    assert origin(tmp_path / "nowhere").commit == ""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    assert origin(tmp_path).commit == ""
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message=first"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    assert origin(tmp_path).commit == head.stdout.strip()


def test_versions_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The versions are those of this process, also where there is no git."""
    monkeypatch.setenv("PATH", "")
    facts = origin(tmp_path)
    assert facts.pytest == pytest.__version__
    assert facts.host
    assert facts.commit == ""
