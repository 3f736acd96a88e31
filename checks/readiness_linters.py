"""The migration's own files, as linters see them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_visionforge import PREMIGRATION, CannotTell, Evidence, Finding, Offender, Severity, rule
from pytest_visionforge.linters import INSTALL, installed, program
from pytest_visionforge.plan.values.sections import DJANGO_LINTER

from .delegates import Answer, answer, manage

if TYPE_CHECKING:
    from pytest_visionforge.database import Database
    from pytest_visionforge.objects import Linted
    from pytest_visionforge.plan.values.plan import Plan

_SQLFLUFF = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mariadb"}  # as it calls a dialect
Found = tuple[Answer, list[Offender]]


@rule(PREMIGRATION, severity=Severity.WARN)
def check_migration_lint(
    plan: Plan, unopened: Callable[[str], Database], linted: Linted
) -> Evidence | Finding:
    """Linters that know migrations find nothing in the files of this one.

    squawk, sqlfluff and django-migration-linter know which steps lock a table for long, break the application
    that still runs, or cannot be run again. They keep to their own settings beside the plan.

    Remedy: Change the file as the linter says, or switch its rule off in the linter's own settings.
    """
    if not installed(linted.linter):
        raise CannotTell(f"{linted.linter} is not installed", INSTALL[linted.linter])
    said, offenders = _LINTERS[linted.linter](plan, unopened, linted.file)
    if not offenders:
        return Evidence(f"{linted.linter} finds nothing in {linted.file}")
    first = offenders[0].says
    return Finding(
        f"{linted.linter}: {len(offenders)} in {linted.file}, the first: {first}",
        len(offenders),
        sample=tuple(offenders[: plan.record.sample]),
        reproduce=said.command,
    )


def _squawk(plan: Plan, _: object, file: str) -> Found:
    text = _content(plan, file)
    words = (program("squawk") or "squawk", "--reporter", "json", "--stdin-filepath", file)
    said = answer(words, plan, plan.directory, text)
    return said, [
        _offender(file, int(each["line"]) + 1, each["rule_name"], each["message"], each["help"] or "")
        for each in _listed(said)
    ]


def _sqlfluff(plan: Plan, unopened: Callable[[str], Database], file: str) -> Found:
    _content(plan, file)
    dialect = _SQLFLUFF[unopened(plan.migrated).dialect.name]
    words = (program("sqlfluff") or "sqlfluff", "lint", "--format", "json", "--dialect", dialect, "--", file)
    said = answer(words, plan, plan.directory)
    return said, [
        _offender(file, each["start_line_no"], each["code"], each["description"])
        for checked in _listed(said)
        for each in checked["violations"]
    ]


def _content(plan: Plan, file: str) -> bytes:
    """The content of a file; CannotTell where there is none of that name."""
    try:
        return (plan.directory / file).read_bytes()
    except OSError as error:
        raise CannotTell(f"{file} cannot be read: {error.strerror}", "correct [migration] files") from None


def _listed(said: Answer) -> list[Any]:
    """What a linter found; CannotTell where it did not get so far."""
    try:
        found = json.loads(said.output) if said.status in (0, 1) else None
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise said.refused()
    return found


def _offender(file: str, line: int, code: str, *says: str) -> Offender:
    words = " ".join(" ".join(filter(None, says)).split())
    return Offender({"file": file, "line": str(line)}, f"{code}: {words}")


def _django_linter(plan: Plan, _: object, file: str) -> Found:
    """Those that are not applied yet: `(app, name)... ERR`, and below it, indented, why."""
    said = manage(plan, "lintmigrations", "--unapplied-migrations", "--no-cache")
    if "*** Summary ***" not in said.output:
        raise said.refused(INSTALL[DJANGO_LINTER] if "lintmigrations" in said.errors else "")
    offenders, name, state = [], "", ""
    for line in said.output.splitlines():
        if heading := re.fullmatch(r"\((\S+), (\S+)\)\.\.\. (\w+).*", line):
            name, state = f"{heading[1]}.{heading[2]}", heading[3]
        elif line.startswith("\t") and state in ("ERR", "WARNING"):
            offenders.append(Offender({"migration": name}, f"{state}: {line.strip()}"))
    return said, offenders


_LINTERS: Mapping[str, Callable[[Plan, Callable[[str], Database], str], Found]] = {
    "squawk": _squawk,
    "sqlfluff": _sqlfluff,
    DJANGO_LINTER: _django_linter,
}
