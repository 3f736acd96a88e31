"""A folder with a plan and a small database, as a user has it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, make_url

from pytest_visionforge import plan as room
from pytest_visionforge.cutover import journal
from pytest_visionforge.cutover.journal import Entry
from pytest_visionforge.plan.values.plan import Plan

VISIONFORGE = (sys.executable, "-c", "import sys; from pytest_visionforge.cli import main; sys.exit(main())")
PYTHON = sys.executable
TABLES = (
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, total INTEGER NOT NULL)",
    "CREATE TABLE items (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL)",
    "INSERT INTO orders VALUES (1, 10), (2, 20), (3, 30)",
    "INSERT INTO items VALUES (1, 1), (2, 2), (3, 3)",
)
_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite+pysqlite"}


def engine(url: str, **options: Any) -> Any:
    """An engine that may write."""
    parsed = make_url(url)
    return create_engine(parsed.set(drivername=_DRIVERS[parsed.get_backend_name()]), **options)


def execute(url: str, *statements: str) -> None:
    """Runs statements, and commits."""
    made = engine(url)
    with made.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    made.dispose()


@dataclass
class Project:
    """The folder, the database, and what the environment holds."""

    folder: Path
    url: str
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, text: str, **files: str) -> Plan:
        """Writes the plan, and files beside it (`name__py` is name.py); the plan as it is read."""
        for name, content in files.items():
            (self.folder / name.replace("__", ".")).write_text(content, "utf-8")
        head = 'plan = "shop"\n[database]\nurl = "$SHOP_DB"\n[checks]\n' if "plan =" not in text else ""
        (self.folder / "visionforge.toml").write_text(head + text, "utf-8")
        return room.read(self.folder / "visionforge.toml", self.environ)

    @property
    def environ(self) -> Mapping[str, str]:
        """What programs here find in their environment."""
        dropped = ("PYTEST_CURRENT_TEST", "PYTEST_XDIST", "PYTEST_VERSION")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        return {**kept, "SHOP_DB": self.url, **self.environment}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts `visionforge` here."""
        return subprocess.Popen(
            [*VISIONFORGE, *arguments],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Runs `visionforge` here; its exit code, and what it printed."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=240)
        return process.returncode, output

    def pytest(self, *arguments: str) -> int:
        """Runs pytest here; its exit code."""
        command = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self.environ, capture_output=True, check=False)
        return done.returncode

    def entries(self, action: str = "") -> list[Entry]:
        """The journal's lines, proved to be whole."""
        found = journal.read(self.folder / "backups" / "journal.jsonl")
        return [entry for entry in found if action in ("", entry.action)]

    def read(self, pattern: str) -> str:
        """The newest file of a pattern below the reports."""
        paths = sorted((self.folder / "reports").glob(pattern), key=lambda path: path.stat().st_mtime_ns)
        return paths[-1].read_text("utf-8")
