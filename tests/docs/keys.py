"""Every key of a plan, found by asking its readers: they tell what they know, and what they expect.

A reader that is given a key that nobody knows names those that it knows; one that is given a time of day,
which no key holds, says what it expects instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from datetime import time
from pathlib import Path
from typing import Any, TypeAlias

from pytest_visionforge.plan.grammar import Wrong
from pytest_visionforge.plan.read import _READERS
from pytest_visionforge.plan.shape import Place, keys
from pytest_visionforge.plan.values.changes import Changes, ColumnChanges, TableChange
from pytest_visionforge.plan.values.rules import BusinessRule, TablePlan
from pytest_visionforge.plan.values.sections import (
    Alerts,
    BackupPlan,
    Checks,
    Contact,
    Endpoint,
    Environment,
    Limits,
    Migration,
    NamedQuery,
    OwnBackup,
    RecordPlan,
    SmokeTest,
    Step,
    System,
    Waiver,
)

Way: TypeAlias = tuple[str | int, ...]  # keys from the top of the file; 0 is an item of a list
NAME = "NAME"  # stands for a name of the user's own
_NOBODYS = "qqqqq"
_UNITS = ((3600, "h"), (60, "min"), (1, "s"))
#: A section -> the value that it becomes, which tells what the section is about, and its defaults.
_MADE: dict[str, type[Any]] = {
    "[migration]": Migration,
    "[[migration.steps]]": Step,
    "[environment]": Environment,
    "[system]": System,
    "[backup]": BackupPlan,
    "[backup.own]": OwnBackup,
    "[limits]": Limits,
    "[checks]": Checks,
    "[record]": RecordPlan,
    "[alerts]": Alerts,
    "[contacts.NAME]": Contact,
    "[tables.NAME]": TablePlan,
    "[changes]": Changes,
    "[changes.tables.NAME]": TableChange,
    "[changes.tables.NAME.columns]": ColumnChanges,
    "[[rules]]": BusinessRule,
    "[[endpoints]]": Endpoint,
    "[[queries]]": NamedQuery,
    "[[smoke]]": SmokeTest,
    "[[waivers]]": Waiver,
}


def page(written: str) -> str:
    """Section by section: each key, what it expects, its default."""
    lines = [
        *("# Every key of the plan", "", written, ""),
        "What each key means, with examples, is told by [the plan file](../plan.md). `NAME` is a name of",
        "your own. A default of - is nothing, or is told there.",
        "",
    ]
    for path in sections(()):
        title = _title(path)
        lines += [f"## `{title}`" if title else "## At the top", ""]
        if made := _MADE.get(title):
            lines += [" ".join((made.__doc__ or "").split()), ""]
        lines += ["| key | what it expects | default |", "|---|---|---|"]
        lines += [_row(_MADE.get(title), (*path, key)) for key in known(path)]
        lines.append("")
    return "\n".join(lines)


def sections(path: Way) -> Iterator[Way]:
    """The ways to all tables that are told apart, from this one on."""
    yield path
    for key in known(path):
        if below := _below((*path, key)):
            yield from sections(below)


def _below(path: Way) -> Way:
    """The way to the table of known keys at or in a key; () where it is told in the row of that key."""
    if path[:2] == ("tables", NAME):
        return ()
    found = (way for way in (path, (*path, NAME), (*path, 0)) if known(way))
    return next((way for way in found if set(known(way)) != {"added", "changed", "dropped"}), ())


def _title(path: Way) -> str:
    named = ".".join(str(word) for word in path if word != 0)
    return f"[[{named}]]" if path and path[-1] == 0 else f"[{named}]" if path else ""


def known(path: Way) -> list[str]:
    """The keys of the table at the end of a way; none where there is no table with known keys."""
    for line in _told(path, {_NOBODYS: 1}):
        if found := re.search(rf"{_NOBODYS}: unknown key; known here: (.*)", line):
            return found[1].split(", ")
    return []


def _told(path: Way, value: Any) -> list[str]:
    """What the readers say of a value at the end of a way; 0 in it stands for an item of a list."""
    for word in reversed(path):
        value = [value] if word == 0 else {word: value}
    place = Place(file="", directory=Path("/"), environ={}, errors=[])
    try:
        keys(value, place, _READERS)
    except Wrong as wrong:
        place.note(str(wrong))
    end = "".join(" #1" if word == 0 else f".{word}" for word in path).lstrip(".")
    return [line.removeprefix(f"{end}: ") for line in place.errors if line.startswith(end)]


def _row(made: type[Any] | None, path: Way) -> str:
    expects = _expects(path)
    return f"| `{path[-1]}` | {expects} | {_default(made, str(path[-1]), expects)} |"


def _expects(path: Way) -> str:
    """What the reader of one key expects, in its own words."""
    if below := _below(path):
        return f"see `{_title(below)}`"
    said = next(iter(_told(path, time(12))), "text")
    if "expected a list" in said:
        return f"a list{_long((*path, 0)) or ' of ' + _expects((*path, 0))}"
    if "expected a table" in said:
        return f"a table{_long(path) or _long((*path, NAME))}"
    for line in _told(path, _NOBODYS):
        if words := re.search(r"unknown word .*known here: (.*)", line):
            return "one of " + ", ".join(f'`"{word}"`' for word in words[1].split(", "))
    return re.sub(r"^.*expected (.*?)(, found .*|;.*|$)", r"\1", said).replace("|", "\\|")


def _long(path: Way) -> str:
    """The keys of what stands in a list or table, where it has such."""
    found = known(path)
    return f", in full: {', '.join(f'`{key}`' for key in found)}" if found else ""


def _default(made: type[Any] | None, key: str, expects: str) -> str:
    for field in fields(made) if made else ():
        if field.name == key and field.default is not MISSING:
            return _shown(field.default, expects)
    return "-"


def _shown(value: Any, expects: str) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float) and '"1%"' in expects:
        return f"`{value:.0%}`"
    if isinstance(value, float) and "such as" in expects:
        size, unit = next(each for each in _UNITS if value % each[0] == 0)
        return f'`"{value / size:g}{unit}"`'
    if isinstance(value, int | float):
        return f"`{value:g}`"
    return f'`"{value}"`' if value and isinstance(value, str) else "-"
