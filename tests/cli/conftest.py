"""A console in this very process: what a command prints, without the start of a Python for each."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_visionforge.cli import main

Console = Callable[..., "subprocess.CompletedProcess[str]"]
Visionforge = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Console:
    """Runs `visionforge ...` in the test's folder or in another, without colours and without anybody to answer."""
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: str, folder: Path = tmp_path, **environ: str) -> subprocess.CompletedProcess[str]:
        capfd.readouterr()
        code = 0
        with Path(os.devnull).open() as nothing, monkeypatch.context() as patch:
            patch.chdir(folder)
            patch.setattr(sys, "argv", ["visionforge", *arguments])
            patch.setattr(sys, "stdin", nothing)
            for name, value in environ.items():
                patch.setenv(name, value)
            try:
                main()
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        said, complained = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, code, said, complained)

    return run


@pytest.fixture
def visionforge(console: Console) -> Visionforge:
    """Runs `visionforge ...` in a folder, which is its first argument."""
    return lambda folder, *arguments: console(*arguments, folder=folder)
