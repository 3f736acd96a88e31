"""`visionforge init`: a first plan, drafted from a live database, and the jobs of a CI service."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_visionforge.cli.ci import SERVICES, write_jobs
from pytest_visionforge.cli.shared import json_option, plan_option, show
from pytest_visionforge.errors import PlanError
from pytest_visionforge.progress import Progress

if TYPE_CHECKING:
    from pytest_visionforge.draft import Draft, Written


@click.command()
@click.argument("source", metavar="[URL", required=False)
@click.argument("target", metavar="[TARGET]]", required=False)
@plan_option
@click.option("--name", metavar="TEXT", help="The plan's name; default: the database's.")
@click.option("--ci", type=click.Choice(list(SERVICES)), help="Write the jobs of this CI service, too.")
@click.option("--seconds", default=60.0, show_default=True, help="For trying what may hold.")
@click.option("--force", is_flag=True, help="Write over a plan, or jobs, that are there.")
@json_option
def init(
    source: str | None,
    target: str | None,
    plan_path: Path,
    name: str | None,
    ci: str | None,
    seconds: float,
    force: bool,
    as_json: bool,
) -> None:
    """Looks at a live database and writes a plan for it: every table, and rules that hold there today.

    It only reads. The plan runs as it is written; the rules are commented out, for you to choose. URL
    and TARGET are addresses of SQLite, PostgreSQL or MySQL/MariaDB databases; $NAME in them is a
    variable of the environment. A password goes into one, never into the file.

    \b
    visionforge init sqlite:///shop.db
    visionforge init '$SHOP_DB' --ci github
    visionforge init '$OLD_DB' '$NEW_DB' --plan migration/visionforge.toml
    visionforge init --ci gitlab                 the jobs alone, for a plan that is there
    """
    if not source and not ci:
        raise click.UsageError("name the database: visionforge init '$SHOP_DB', or sqlite:///shop.db")
    path = plan_path.absolute()
    _refuse_what_is_there([path] if source else [], ci, path.parent, force)
    facts = _drafted(path, [each for each in (source, target) if each], name, seconds) if source else {}
    if ci:
        facts["jobs"] = str(_jobs(ci, path, force))
    show(as_json, facts, "\n".join(_said(facts, plan_path)))


def _refuse_what_is_there(files: list[Path], ci: str | None, folder: Path, force: bool) -> None:
    """Before anything is read or written: PlanError where something would be written over."""
    if ci:
        files = [*files, folder / SERVICES[ci][1]]
    for path in files:
        if path.exists() and not force:
            raise PlanError(f"{path} is there already, and is left as it is; --force writes over it")


def _drafted(path: Path, said: list[str], name: str | None, seconds: float) -> dict[str, Any]:
    """Looks, tries, and writes the plan."""
    from pytest_visionforge import draft as room

    roles = ("DATABASE",) if len(said) == 1 else ("SOURCE", "TARGET")
    places = [
        room.written(text, role, path.parent, os.environ) for text, role in zip(said, roles, strict=True)
    ]
    with Progress(sys.stderr) as tell:
        found = room.draft(*(place.address for place in places), seconds=seconds, progress=tell)
    texts = [place.text for place in places]
    variables = _variables(" ".join(texts))
    text = room.page(found, name or _name_of(places[0]), texts, path.parent, variables)
    _write(path, text, places)
    return _facts(path, found, places, variables)


def _facts(path: Path, found: Draft, places: Sequence[Written], variables: Sequence[str]) -> dict[str, Any]:
    return {
        "plan": str(path),
        "tables": {id: sight.rows for id, sight in found.sights.items()},
        "suggestions": found.suggestions,
        "all_tried": not found.late,
        "variables": list(variables),
        "unset": [name for place in places for name in place.secrets],
    }


def _variables(text: str) -> list[str]:
    """The environment variables that addresses name."""
    return list(
        dict.fromkeys(braced or plain for braced, plain in re.findall(r"\$(?:\{(\w+)\}|(\w+))", text))
    )


def _name_of(place: Written) -> str:
    """What the database is called, for want of a better name."""
    end = place.address.shown.partition("?")[0].rstrip("/").rpartition("/")[2]
    return Path(end).stem or "migration"


def _write(path: Path, text: str, places: Sequence[Written]) -> None:
    """Writes the plan once it has been read as one; whole, or not at all."""
    from pytest_visionforge import plan

    secrets = {name: secret for place in places for name, secret in place.secrets.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".visionforge-", suffix=".toml")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            plan.read(Path(name), {**os.environ, **secrets})
            Path(name).chmod(0o644)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise PlanError(f"{path}: cannot be written: {error.strerror or error}") from None


def _jobs(ci: str, path: Path, force: bool) -> Path:
    """Writes the jobs, with the variables that the plan names."""
    from pytest_visionforge.plan.read import content_of, toml_of

    data = toml_of(content_of(path), path)
    sections = {name: said for name, said in data.items() if isinstance(said, dict)}
    urls = [str(sections.get(side, {}).get("url", "")) for side in ("database", "source", "target")]
    declared = sections.get("environment", {}).get("variables", [])
    listed = list(map(str, declared)) if isinstance(declared, list) else []
    variables = list(dict.fromkeys([*_variables(" ".join(urls)), *listed]))
    return write_jobs(ci, path.parent, path.name, variables, force=force)


def _said(facts: dict[str, Any], plan_path: Path) -> list[str]:
    """What was done, and the commands that come next."""
    lines = []
    default = plan_path == Path("visionforge.toml")
    option, argument = ("", "") if default else (f" --plan {plan_path}", f" {plan_path}")
    if "plan" in facts:
        rows = sum(rows or 0 for rows in facts["tables"].values())
        lines += [
            f"{plan_path}: {len(facts['tables']):,} tables with {rows:,} rows,"
            f" {facts['suggestions']} suggestions that hold today",
            "",
            *(f"export {name}='...'   # as it stood in the address" for name in facts["unset"]),
            f"visionforge doctor{option}   # is everything there that it needs?",
            f"pytest -m premigration{argument}   # may the migration start?",
        ]
    if "jobs" in facts:
        lines += [f"{facts['jobs']} runs both phases and the gate"]
    return lines
