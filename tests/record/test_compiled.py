"""Compiled templates are kept as Python keeps its own, and nothing depends on them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from pytest_visionforge.record.compiled import Compiled


def _says(folder: Path) -> str:
    """What the folder's template says, rendered as a process does that has just begun."""
    loader = FileSystemLoader(folder)
    return (
        Environment(loader=loader, autoescape=True, bytecode_cache=Compiled(folder))
        .get_template("a")
        .render()
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a template, and one for compiled files."""
    (tmp_path / "a").write_text("{{ 6 * 7 }}")
    (tmp_path / "__pycache__").mkdir()
    return tmp_path


def test_a_template_is_compiled_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was kept is used by the next process, until the template is another."""
    assert _says(folder) == "42"
    (kept,) = (folder / "__pycache__").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(Environment, "_parse", lambda *_: pytest.fail("it was compiled again"))
        assert _says(folder) == "42"
    (folder / "a").write_text("{{ 6 * 8 }}")
    assert _says(folder) == "48"
    assert list((folder / "__pycache__").iterdir()) == [kept]


@pytest.mark.parametrize("length", [0, 5, 20, 60, 100])
def test_what_was_cut_off_or_altered_is_compiled_anew(folder: Path, length: int) -> None:
    """A kept file that is not whole changes nothing."""
    _says(folder)
    (kept,) = (folder / "__pycache__").iterdir()
    whole = kept.read_bytes()
    for damaged in (whole[:length], b"\xff" * length):
        kept.write_bytes(damaged)
        assert _says(folder) == "42"
        assert kept.read_bytes() == whole


def test_where_nothing_may_be_kept_nothing_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where compiled files are not wanted, or there is no place for them, templates work all the same."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        assert _says(folder) == "42"
    assert list((folder / "__pycache__").iterdir()) == []
    (folder / "__pycache__").rmdir()
    assert _says(folder) == "42"
    (folder / "__pycache__").touch()
    assert _says(folder) == "42"
