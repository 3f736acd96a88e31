"""Every example of the documentation is true: plans are read, commands accepted, the tutorial is run."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import click
import pytest

from pytest_visionforge import statements
from pytest_visionforge.cli import cli
from tests.docs import pages
from tests.docs.pages import Block, Command
from tests.plan import samples

DATABASE = '[database]\nurl = "$SHOP_DB"\n'
FIRST_WORDS = {
    *("alembic", "cat", "eval", "export", "make", "pip", "psql", "pytest", "python", "visionforge"),
}


@pytest.mark.parametrize("block", pages.of_language("toml"), ids=str)
def test_each_toml_block_is_a_plan(block: Block) -> None:
    """What a page shows of a plan can be put into one as it stands."""
    has_database = re.search(r"^\[(database|source)\]", block.text, re.M)
    start = "" if "plan =" in block.text else 'plan = "shop"\n' + ("" if has_database else DATABASE)
    assert samples.errors(start + block.text) == []


def test_each_sql_block_is_a_rule(tmp_path: Path) -> None:
    """A rule in SQL is read as it stands: one of the plan's, one of ours; the generated list has its own test."""
    (of_plan,) = (block for block in pages.of_language("sql") if block.page == "docs/plan.md")
    assert samples.errors(f'plan = "shop"\n{DATABASE}', files={"rules/settled.sql": of_plan.text}) == []
    ours, *others = (block for block in pages.of_language("sql") if block.page == "docs/rules.md")
    assert len(others) + 2 == len(pages.of_language("sql"))
    (tmp_path / "readiness.new.sql").write_text(ours.text)
    assert statements.read(tmp_path / "readiness.new.sql")["law"]


@pytest.mark.parametrize("block", pages.of_language("python"), ids=str)
def test_each_python_block_runs(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page shows of the library runs as it stands."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    exec(compile(ast.parse(block.text), str(block), "exec"), {})  # noqa: S102


def test_languages_are_those_that_are_tested() -> None:
    """No block escapes its test by the name of its language."""
    found = {block.language for page in pages.PAGES for block in pages.blocks(page)}
    assert found == {"", "console", "python", "sql", "text", "toml"}


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.relative_to(pages.ROOT).as_posix())
def test_each_command_is_accepted(page: Path, pytestconfig: pytest.Config) -> None:
    """Each command line of a page, in a block or in its text, is one that the real parsers take."""
    in_blocks = [
        command.line.splitlines()[0]
        for block in pages.blocks(page)
        if block.language == "console"
        for command in pages.commands(block.text)
    ]
    plain = [
        re.split(r" {3,}", line.strip())[0]  # behind it stands in words what it does
        for block in pages.blocks(page)
        if block.language in ("", "text")
        for line in block.text.replace("\\\n", " ").splitlines()
        if line.strip().startswith(("visionforge ", "pytest ")) and not line.endswith(".")
    ]
    for line in in_blocks:
        assert shlex.split(line, comments=True)[0] in FIRST_WORDS, line
    in_text = [each for each in pages.inline(page) if re.match(r"(visionforge|pytest) -?\w", each)]
    for line in [*in_blocks, *plain, *in_text]:
        _accepted(line, pytestconfig)


def _accepted(line: str, config: pytest.Config) -> None:
    words = [word.rstrip(";") for word in shlex.split(line, comments=True)]
    words = list(takewhile(lambda word: word not in ("&&", "||", "|", ">", ">>"), words))
    if words[0] == "visionforge":
        _taken_by_click([word for word in words[1:] if word != "--debug"], line)
    elif words[0] == "pytest":
        config._parser.parse(words[1:])


def _taken_by_click(words: list[str], line: str) -> None:
    """Options and their choices; that a file is there is no matter of the page."""
    command: click.Command = cli
    context = cli.make_context("visionforge", [], resilient_parsing=True)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        below = command.get_command(context, words[0])
        assert below is not None, f"{line}: no command {words[0]}"
        command, words = below, words[1:]
        context = click.Context(command, parent=context, info_name=command.name)
    given, rest, _ = command.make_parser(context).parse_args(list(words))
    assert not rest, f"{line}: {rest} is left over"
    for parameter in command.params:
        value = given.get(parameter.name or "")
        if isinstance(value, str) and not isinstance(parameter.type, click.Path | click.File):
            parameter.type_cast_value(context, value)


def test_a_wrong_command_is_not_accepted(pytestconfig: pytest.Config) -> None:
    """The test above can fail: an option or a choice that is not there is found."""
    for line in ("visionforge gate --requir premigration", "visionforge init --ci circle"):
        with pytest.raises(click.UsageError):
            _accepted(line, pytestconfig)
    with pytest.raises(AssertionError, match="no command"):
        _accepted("visionforge backup make", pytestconfig)
    with pytest.raises(pytest.UsageError):
        _accepted("pytest --visionforge-protect=sometimes", pytestconfig)


def test_the_tutorial_is_true(tmp_path: Path) -> None:
    """Each command of the tutorial, in its order, ends as it says and prints what it shows."""
    _run_page("tutorial.md", tmp_path)


REVISION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = {revision!r}, {before!r}


def upgrade():
    {does}
"""


def test_the_page_on_alembic_is_true(tmp_path: Path) -> None:
    """Its plan is GO before and after a migration of Alembic's that adds the column."""
    for line in (
        "alembic init migrations",
        "sed -i 's|^sqlalchemy.url.*|sqlalchemy.url = sqlite:///shop.db|' alembic.ini",
    ):
        _runs(Command(line, ()), tmp_path)
    versions = tmp_path / "migrations" / "versions"
    make = 'op.create_table("customers", sa.Column("id", sa.Integer, primary_key=True))'
    (versions / "1.py").write_text(REVISION.format(revision="1", before=None, does=make))
    _runs(Command("alembic upgrade head", ()), tmp_path)
    add = 'op.add_column("customers", sa.Column("country", sa.Text))'
    (versions / "2.py").write_text(REVISION.format(revision="2", before="1", does=add))
    plan = next(block for block in pages.blocks(pages.DOCS / "how-to/alembic.md") if block.language == "toml")
    (tmp_path / "visionforge.toml").write_text(plan.text)
    _run_page("how-to/alembic.md", tmp_path)


def _run_page(page: str, directory: Path) -> None:
    """Runs the commands of a page in their order; what it installs is there."""
    for block in pages.blocks(pages.DOCS / page):
        for command in pages.commands(block.text) if block.language == "console" else ():
            if not command.line.startswith("pip "):
                _runs(command, directory)


def _runs(command: Command, directory: Path) -> None:
    bin = str(Path(sys.executable).parent)
    environ = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTEST", "GITHUB")) or key == "PYTEST_ADDOPTS"
    }
    environ |= {"PATH": f"{bin}:{environ['PATH']}", "COLUMNS": "100"}
    done = subprocess.run(
        ["/bin/sh", "-c", command.line],
        cwd=directory,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == command.status, f"{command.line}\n{printed}"
    if command.shown:
        assert re.fullmatch(pattern(command.shown), printed), f"{command.line}\n{printed}"


def pattern(shown: tuple[str, ...]) -> str:
    """A line `...` stands for any lines, `...` in a line for any text in it; runs of blanks are one."""
    lines = (
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*?") + r"\n"
        for line in shown
    )
    return "".join(lines)
