"""Fixtures for backups: a filled shop on each DBMS, and a directory for its backups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_visionforge.backup import Backup
from tests.backup import shop as shops


@pytest.fixture
def shop(url: str) -> Iterator[str]:
    """The URL of a filled shop, on each DBMS in turn."""
    yield shops.fill(url)
    shops.drop_kept(url)


@pytest.fixture
def sqlite_shop(sqlite: str) -> str:
    """The URL of a filled shop in SQLite."""
    return shops.fill(sqlite)


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    """Where backups go."""
    return tmp_path / "backups"


@pytest.fixture
def made(sqlite_shop: str, backups: Path) -> Backup:
    """A full backup of a shop in SQLite."""
    return shops.back_up(sqlite_shop, backups)
