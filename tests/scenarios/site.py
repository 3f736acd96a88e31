"""A folder with nothing but a plan, where pytest runs as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Site:
    """The folder, and the environment that the plan reads its databases from."""

    folder: Path
    environment: Mapping[str, str]

    def plan(self, text: str) -> None:
        """Writes the plan."""
        (self.folder / "visionforge.toml").write_text(text, "utf-8")

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs pytest there."""
        return self.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a program there."""
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def record(self, phase: str) -> dict[str, Any]:
        """The newest record of a phase."""
        newest = max(self.folder.glob(f"reports/*-{phase}-*/record.json"), key=lambda p: p.stat().st_mtime_ns)
        data: dict[str, Any] = json.loads(newest.read_text("utf-8"))
        return data

    def violated(self, phase: str) -> dict[str, dict[str, Any]]:
        """The violated checks of the newest record of a phase, by name."""
        results = self.record(phase)["results"]
        return {each["name"]: each for each in results if each["outcome"] == "violated"}
