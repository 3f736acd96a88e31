"""The pages of the reference, as the code gives them; `python -m tests.docs.reference` writes them.

docs/rules.md is written by `visionforge rules --markdown`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from pytest_visionforge import fixtures, plugin
from pytest_visionforge.cli import cli
from pytest_visionforge.rulebook import ON
from tests.docs import keys

DIRECTORY = Path(__file__).parents[2] / "docs" / "reference"
_WRITTEN = "<!-- written by: python -m tests.docs.reference -->"


def commands() -> str:
    """Every command with its --help, in the order in which they are used."""
    lines = [
        *("# Commands", "", _WRITTEN, ""),
        "`--help` (`-h`) after any of them prints what stands here. Exit codes: 0 done (or GO), 1 NO-GO,",
        "2 interrupted, 3 could not be done or proved, 4 wrong use or plan.",
        "",
    ]
    for context in each_command(cli.make_context("visionforge", [], resilient_parsing=True)):
        said = [line.rstrip() for line in context.get_help().splitlines()]
        lines += [f"## {context.command_path}", "", "```text", *said, "```", ""]
    return "\n".join(lines)


def each_command(context: click.Context) -> Iterator[click.Context]:
    """The contexts of a command and of those below it, each as wide as the page."""
    context.terminal_width = context.max_content_width = 96
    yield context
    if isinstance(context.command, click.Group):
        for word in context.command.list_commands(context):
            below = context.command.get_command(context, word)
            assert below is not None, word
            yield from each_command(click.Context(below, parent=context, info_name=word))


def pytest_page() -> str:
    """Options, settings, markers and fixtures."""
    parser = pytest.Parser(_ispytest=True)
    plugin.pytest_addoption(parser)
    lines = [
        *("# pytest: options, markers, fixtures", "", _WRITTEN, "", "## Options", ""),
        "A run is `pytest -m PHASE`. Everything else is in the plan, but for:",
        "",
    ]
    for option in (each for group in parser._groups for each in group.options):
        said = option.attrs()
        lines.append(f"- `{option.names()[0]}{_argument(said)}`: {said['help']}.")
    lines += ["", "In pytest's own settings:", ""]
    for name, (says, _, default) in parser._inidict.items():
        lines.append(f"- `{name}`: {says}; default {', '.join(f'`{each}`' for each in default)}.")
    lines += ["", "## Markers", "", "| marker | what it asks |", "|---|---|"]
    lines += [f"| `{name}` | {asks} |" for name, asks in {**plugin.PHASES, **plugin.SUITES}.items()]
    lines += ["| `severity(level)` | what a failure of a test of one's own means: `block` or `warn` |", ""]
    lines += [
        *("## Fixtures", ""),
        "For checks, and for tests of one's own that are marked with a phase.",
        "",
    ]
    lines += ["| fixture | what it gives |", "|---|---|"]
    lines += [f"| `{name}` | {_first_line(made)} |" for name, made in fixtures.ALL.items()]
    lines += [*("", "## Arguments that make one check of each object", "")]
    lines += ["A check that asks for one of these is run once for each.", "", "| argument | once for |"]
    return "\n".join([*lines, "|---|---|", *(f"| `{name}` | {each} |" for name, each in ON.items()), ""])


def _argument(said: dict[str, object]) -> str:
    name = str(said["metavar"])
    return f"[={name}]" if said.get("nargs") == "?" else f" {name}"


def _first_line(function: Callable[..., object]) -> str:
    return (inspect.getdoc(function) or "").splitlines()[0]


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "keys.md": lambda: keys.page(_WRITTEN),
    "pytest.md": pytest_page,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DIRECTORY / name).write_text(page(), "utf-8")
