"""The page of troubleshooting quotes what the program says, word for word."""

from __future__ import annotations

import ast
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_visionforge.cli import cli
from tests.docs import pages

PAGE = pages.DOCS / "troubleshooting.md"
MESSAGES = [block.text.strip() for block in pages.blocks(PAGE) if block.language == "text"]
SOURCES = [*(pages.ROOT / "pytest_visionforge").rglob("*.py"), *(pages.ROOT / "checks").rglob("*.py")]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What faults make the program say, and the strings in it, with a mark in place of each value."""
    provoked = list[str]()
    for fault in FAULTS:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path_factory.mktemp("fault"))
            provoked.append(provoke(fault))
    return [*provoked, *(text for source in SOURCES for text in texts(source))]


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_is_one_that_is_told(message: str, told: list[str]) -> None:
    """A message of the page is said by the program: a fault makes it say so, or it stands in the code."""
    wanted = re.compile(".*".join(re.escape(part) for part in message.split("...")), re.S)
    assert any(wanted.search(text) for text in told)


def test_a_message_that_nobody_says_is_found(told: list[str]) -> None:
    """The test above can fail: a message with one word changed is none of the program's."""
    changed = re.compile("there is no such folder; correct the path in the URL")
    assert not any(changed.search(text) for text in told)


def texts(source: Path) -> Iterator[str]:
    """The strings of a module; values in them are a mark."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "\0" for part in node.values)
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


# ---------------------------------------------------------------- faults


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and the commands that run into it; the last one says the message."""

    commands: tuple[str, ...] = ("backup create",)
    url: str = "sqlite:///shop.db"
    more: str = ""
    harm: Callable[[], None] = lambda: None


def _no_database() -> None:
    Path("shop.db").write_text("no database " * 100)


def _altered() -> None:
    (payload,) = Path("backups").glob("*/*.zst")
    with payload.open("r+b") as file:
        file.seek(40)
        file.write(b"x")


def _unproved() -> None:
    (proof,) = Path("backups").glob("*/proof-*.json")
    proof.unlink()


FAULTS = (
    Fault(url="sqlite:///nowhere.db"),
    Fault(harm=_no_database),
    Fault(url="postgresql://shop@127.0.0.1:1/shop"),
    Fault(url="$SHOP_DB"),
    Fault(more='[backup]\ndirectory = "/proc/nowhere"'),
    Fault(more="[databse]\nurl = 1"),
    Fault(("backup create", "backup verify"), harm=_altered),
    Fault(("backup create", "rollback --yes"), harm=_unproved),
    Fault(("rollback --yes",)),
    Fault(("migrate",)),
    Fault(("migrate",), more='[migration]\ncommand = "sleep 9"\ntimeout = "300ms"'),
    Fault(("migrate",), more="[migration]\ncommand = 'echo \"ERROR:  no\"'"),
)


def provoke(fault: Fault) -> str:
    """What the last command says, in a directory with a small database and a plan."""
    with closing(sqlite3.connect("shop.db")) as connection:
        connection.executescript("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);")
    Path("visionforge.toml").write_text(f'plan = "shop"\n[database]\nurl = "{fault.url}"\n{fault.more}')
    *first, last = fault.commands
    for command in first:
        assert CliRunner().invoke(cli, command.split()).exit_code == 0
    fault.harm()
    done = CliRunner().invoke(cli, last.split())
    assert done.exit_code != 0, last
    return f"{done.output}{done.exception}"
