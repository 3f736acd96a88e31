"""Who may import whom, and how heavy an import may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_visionforge

ROOT = Path(__file__).parents[2]
PACKAGE = Path(pytest_visionforge.__file__).parent
ALLOWED = {
    "plan": {"outcome", "errors", "plan"},
    "dialects": {"outcome", "errors", "dialects", "database"},
    "database": {"outcome", "errors", "dialects", "database"},
    "compare": {"outcome", "errors", "dialects", "database", "compare", "plan"},
    "backup": {"outcome", "errors", "dialects", "database", "compare", "backup", "cutover", "plan"},
    "draft": {"outcome", "errors", "dialects", "database", "plan", "rules", "names", "draft"},
    "record": {"outcome", "errors", "plan", "record", "rules", "version"},
    "cutover": {
        "outcome",
        "errors",
        "dialects",
        "database",
        "compare",
        "backup",
        "record",
        "cutover",
        "plan",
        "progress",
        "version",
    },
}


def _declared() -> set[str]:
    """The modules of the distributions that a plain install and its extras bring."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for name in extras for line in extras[name])]
    names = {re.split(r"[\[<>=; ]", line)[0].lower().replace("-", "_") for line in lines}
    return names | {"backports", "_pytest", "compression", "pytest_metadata"}  # pytest-html brings the last


def test_what_is_imported_is_declared() -> None:
    """A fresh install has every module that the package imports, wherever in a file."""
    found = set()
    for path in (p for folder in (PACKAGE, ROOT / "checks", ROOT / "examples") for p in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").partition(".")[0])
    foreign = {name for name in found if name not in sys.stdlib_module_names and name != "pytest_visionforge"}
    assert {name.lower() for name in foreign} <= _declared()


def _imports(path: Path) -> Iterator[str]:
    """The rooms of ours that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            if node.module == "pytest_visionforge":
                names = [f"pytest_visionforge.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            first, _, rest = name.partition(".")
            if first == "pytest_visionforge" and rest:
                yield rest.partition(".")[0]


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_the_rooms_below(room: str) -> None:
    """Each room imports what the architecture page allows it."""
    found = {name for path in (PACKAGE / room).rglob("*.py") for name in _imports(path)}
    assert found <= ALLOWED[room]


@pytest.mark.parametrize(
    "module",
    [
        "pytest_visionforge",
        "pytest_visionforge.plan",
        "pytest_visionforge.record",
        "pytest_visionforge.record.gate",
        "pytest_visionforge.cli.gate",
    ],
)
def test_reading_a_plan_or_a_record_needs_no_database(module: str) -> None:
    """The public names, the plan, the record and the gate load neither SQLAlchemy nor a driver."""
    program = f"import sys, {module}; print(*({{'sqlalchemy', 'psycopg', 'pymysql'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_public_names_are_there() -> None:
    """`__all__` is true: each name once, and each is there."""
    names = pytest_visionforge.__all__
    assert len(names) == len(set(names))
    assert all(hasattr(pytest_visionforge, name) for name in names)


def test_nobody_above_the_dialects_asks_for_a_dbms() -> None:
    """The names of DBMS stand in code only where a DBMS does something its own way."""
    names = {"sqlite", "postgresql", "mysql", "mariadb"}
    for path in [
        *PACKAGE.glob("*.py"),
        *(PACKAGE / "compare").glob("*.py"),
        *(PACKAGE / "backup").glob("*.py"),
    ]:
        tree = ast.parse(path.read_text("utf-8"))
        constants = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert not names & {c.lower() for c in constants if isinstance(c, str)}, path
