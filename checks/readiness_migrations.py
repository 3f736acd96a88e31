"""The migration's own files and the database's state, as Alembic and Django see them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_visionforge import (
    POSTMIGRATION,
    PREMIGRATION,
    CannotTell,
    Evidence,
    Finding,
    Offender,
    rule,
)
from pytest_visionforge.errors import DatabaseError
from pytest_visionforge.linters import program

from .delegates import Answer, answer, manage

if TYPE_CHECKING:
    from pytest_visionforge.database import Database
    from pytest_visionforge.plan.values.plan import Plan

# ---------------------------------------------------------------- Alembic


@rule(PREMIGRATION)
def check_alembic_heads(plan: Plan, alembic: Path) -> Evidence | Finding:
    """The revisions of Alembic can all be read and have one head.

    With two, of branches that were merged by git and not by Alembic, `alembic upgrade head` ends at once.

    Remedy: alembic merge heads.
    """
    said, _, heads = _revisions(plan, alembic)
    if len(heads) == 1:
        return Evidence(f"the head is {heads[0]}")
    if not heads:
        raise CannotTell("there are no revisions", f"see that it lists them: {said.command}")
    sample = tuple(Offender({"head": head}) for head in heads[: plan.record.sample])
    return Finding(
        f"{len(heads)} heads: {', '.join(heads)}", len(heads), sample=sample, reproduce=said.command
    )


@rule(PREMIGRATION, POSTMIGRATION)
def check_alembic_state(
    plan: Plan, phase: str, unopened: Callable[[str], Database], alembic: Path
) -> Evidence | Finding:
    """The database is at a revision that Alembic knows; after the migration, at the head.

    A revision that is not among the files is one of another branch or release: Alembic finds no way on from
    it. What is pending afterwards was not migrated. The database of the plan is asked, whatever env.py says.

    Remedy: Before: get the missing revision file, or `alembic stamp` the revision that the schema is at. After:
    alembic upgrade head.
    """
    said, known, heads = _revisions(plan, alembic)
    database = unopened(plan.migrated)
    at = _applied(database, "alembic_version", "version_num")
    if at is None:
        return _never(database, phase, "alembic_version")
    if unknown := [version for (version,) in at if version not in known]:
        return Finding(
            f"at {', '.join(unknown)}, which no file tells of", len(unknown), reproduce=said.command
        )
    now = ", ".join(version for (version,) in at) or "no revision"
    pending = [head for head in heads if (head,) not in at]
    if phase == POSTMIGRATION and pending:
        return Finding(f"at {now}, not at {', '.join(pending)}", len(pending), reproduce=said.command)
    return Evidence(
        f"at {now}" + (f", on the way to {', '.join(pending)}" if pending else ", nothing is pending")
    )


def _revisions(plan: Plan, ini: Path) -> tuple[Answer, list[str], list[str]]:
    """All revisions, and those that are heads, as `alembic history` lists them."""
    if not ini.is_file():
        raise CannotTell(f"{ini} is not there", "correct [migration] alembic")
    found = program("alembic")
    words = (*((found,) if found else (sys.executable, "-m", "alembic")), "-c", ini.name, "history", "-v")
    said = answer(words, plan, ini.parent)
    if said.status:
        raise said.refused()
    revisions = re.findall(r"^Rev: (\w+)(.*)$", said.output, re.M)
    return said, [each for each, _ in revisions], [each for each, rest in revisions if "(head)" in rest]


# ---------------------------------------------------------------- Django


@rule(PREMIGRATION)
def check_django_models(plan: Plan, django: Path) -> Evidence | Finding:
    """Every change of Django's models has its migration: `makemigrations --check`.

    Otherwise the application expects columns that no migration makes.

    Remedy: manage.py makemigrations, and review what it writes.
    """
    said = manage(plan, "makemigrations", "--check", "--dry-run", "--noinput")
    if said.status == 0:
        return Evidence("the models are as the migrations leave them")
    changes = re.findall(r"^\s+[+~-] (.+)$", said.output, re.M)
    if "Migrations for '" not in said.output:
        raise said.refused()
    sample = tuple(Offender({"change": each}) for each in changes[: plan.record.sample])
    says = f"no migration makes {len(changes)} changes: {'; '.join(changes[:3])}"
    return Finding(says, max(1, len(changes)), sample=sample, reproduce=said.command)


_BROKEN = re.compile(
    r"(?:Conflicting migrations detected|(?:InconsistentMigrationHistory|NodeNotFoundError): ).*"
)


@rule(PREMIGRATION)
def check_django_graph(plan: Plan, django: Path) -> Evidence | Finding:
    """Django's migrations lead to one end, and those that are applied were applied in their order.

    With two ends in one app, or with one applied before another that it builds on, `migrate` ends at once.

    Remedy: manage.py makemigrations --merge; an order that is wrong is set right in django_migrations.
    """
    said = manage(plan, "migrate", "--plan", "--noinput")
    if said.status == 0:
        planned = re.findall(r"^(\w+\.\w+)$", said.output, re.M)
        return Evidence(f"{len(planned)} are pending" if planned else "nothing is pending")
    broken = _BROKEN.search(said.errors)
    if not broken:
        raise said.refused()
    return Finding(broken[0].strip(), reproduce=said.command)


@rule(POSTMIGRATION)
def check_django_pending(plan: Plan, unopened: Callable[[str], Database], django: Path) -> Evidence | Finding:
    """All of Django's migrations are applied.

    What is pending after the migration was not migrated. Django looks at the database of its settings: where
    that is not the plan's, this cannot be told.

    Remedy: manage.py migrate.
    """
    said = manage(plan, "showmigrations")
    if said.status:
        raise said.refused()
    states = dict(_states(said.output))
    applied = _applied(unopened(plan.migrated), "django_migrations", "app", "name") or set()
    elsewhere = [
        f"{app}.{name}"
        for (app, name), state in states.items()
        if state == "X" and (app, name) not in applied
    ]
    if elsewhere:
        raise CannotTell(
            f"Django's settings lead to another database: {elsewhere[0]} is applied there, and not in the plan's",
            "set what DATABASES is read from to the plan's database",
        )
    pending = [
        f"{app}.{name}" for (app, name) in states if (app, name) not in applied and states[app, name] == " "
    ]
    if not pending:
        return Evidence(f"{len(states)} are applied")
    sample = tuple(Offender({"migration": each}) for each in pending[: plan.record.sample])
    says = f"{len(pending)} of {len(states)} are pending: {', '.join(pending[:3])}"
    return Finding(says, len(pending), len(states), sample, reproduce=said.command)


def _states(output: str) -> Iterator[tuple[tuple[str, str], str]]:
    """App and name of each migration, and its sign: X applied, - applied but not recorded, or blank."""
    app = ""
    for line in output.splitlines():
        if found := re.match(r" \[([X -])\] (\S+)", line):
            yield (app, found[2]), found[1]
        elif line and not line.startswith(" "):
            app = line.strip()


# ---------------------------------------------------------------- what the database says


def _applied(database: Database, name: str, *columns: str) -> set[tuple[str, ...]] | None:
    """The rows of a tool's own table; None where there is none. CannotTell where it may not be read."""
    table = next((each for each in database.schema.tables.values() if each.name == name), None)
    if table is None:
        return None
    listed = ", ".join(map(database.quote, columns))
    try:
        rows = database.all(f"SELECT {listed} FROM {database.name_of(table)}")
    except DatabaseError as error:
        grant = f"GRANT SELECT ON {database.name_of(table)} TO {database.url.username}"
        raise CannotTell(str(error), grant) from None
    return {tuple(map(str, row)) for row in rows}


def _never(database: Database, phase: str, name: str) -> Evidence | Finding:
    """There is no table of the tool's: right in an empty database that is yet to be migrated."""
    tables = len(database.schema.tables)
    if phase == PREMIGRATION and not tables:
        return Evidence("an empty database")
    return Finding(f"{tables} tables, and no {name} that would tell their revision")
