"""VisionForge's database, laid out and filled: a small one, on each DBMS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from pytest_visionforge.demo.demo import lay_out
from pytest_visionforge.demo.generate import generate
from pytest_visionforge.demo.tables import connect
from tests.demo.samples import SCALE, Upgrade


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """An engine on a generated database, on each DBMS in turn."""
    generate(url, scale=SCALE)
    engine = connect(url)
    yield engine
    engine.dispose()


@pytest.fixture
def upgrade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upgrade:
    """Runs `alembic upgrade` on a database, with the good migrations or the broken ones."""

    def run(engine: Engine, *, fixed: bool, revision: str = "head") -> None:
        directory = tmp_path / ("good" if fixed else "broken")
        lay_out(directory, fixed=fixed)
        monkeypatch.setenv("VISIONFORGE_DEMO_DB", engine.url.render_as_string(hide_password=False))
        command.upgrade(Config(directory / "alembic.ini"), revision)

    return run
