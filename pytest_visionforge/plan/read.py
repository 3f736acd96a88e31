"""The door of the plan: one TOML file and the files beside it in, one frozen `Plan` out.

All errors are told at once, each as one line with its file and key.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_visionforge.errors import PlanError
from pytest_visionforge.plan import business, laws, sections
from pytest_visionforge.plan.changes import changes
from pytest_visionforge.plan.expectations import suite
from pytest_visionforge.plan.shape import Place, filled, keys, list_of, text
from pytest_visionforge.plan.tables import tables
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.rules import BusinessRule, TablePlan
from pytest_visionforge.plan.values.sections import Address

_READERS = {
    "plan": text,
    "tables": tables,
    "changes": changes,
    "rules": filled(list_of(business.inline)),
    "backup": sections.backup,
    "record": sections.record,
    **sections.READERS,
}

_NOWHERE = Address(url="", shown="")


def read(path: Path, environ: Mapping[str, str] = os.environ) -> Plan:
    """The plan in a file, with the rules and expectations beside it.

    `$NAME` in addresses and paths is taken from `environ`. Raises `PlanError` with every error found.
    """
    path = Path(os.path.normpath(path.absolute()))
    place = Place(file=path.name, directory=path.parent, environ=environ, errors=[])
    raw = content_of(path)
    plan = _plan(path, raw, toml_of(raw, path), place)
    laws.keep(plan, place)
    if place.errors:
        raise PlanError("\n".join(place.errors))
    return plan


def _plan(path: Path, raw: bytes, data: dict[str, Any], place: Place) -> Plan:
    """The plan as far as it can be read; its errors are noted."""
    said = keys(data, place, _READERS)
    if "plan" not in data:
        place.at("plan").note('is missing; write plan = "shop 4.2", the name on every record')
    beside = beside_of(place)
    source, target = _addresses(data, said, place)
    return Plan(
        name=said.pop("plan", ""),
        path=path,
        sha256=sha256_of(raw, beside),
        source=source,
        target=target,
        backup=said.pop("backup", None) or sections.backup({}, place),
        record=said.pop("record", None) or sections.record({}, place),
        tables=_with_suites(said.pop("tables", {}), beside, place),
        rules=(*said.pop("rules", ()), *_rule_files(beside, place)),
        **said,
    )


def content_of(path: Path) -> bytes:
    """The bytes of a plan file; PlanError where it cannot be read."""
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PlanError(f"{path.name}: cannot be read: {reason}; looked for {path}") from None


def toml_of(raw: bytes, path: Path) -> dict[str, Any]:
    """The TOML in a plan file; PlanError where it is none."""
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        wrong = f"is not UTF-8 text ({error.reason} at byte {error.start})"
    except (ValueError, RecursionError) as error:
        lines = len(raw.splitlines())
        wrong = f"is not valid TOML: {error}".replace("at end of document", f"at line {lines}, the last")
    raise PlanError(f"{path.name}: {wrong}")


def _addresses(data: dict[str, Any], said: dict[str, Any], place: Place) -> tuple[Address, Address]:
    """The addresses of source and target, from [database] or from [source] and [target]."""
    both, source, target = (said.pop(key, _NOWHERE) for key in ("database", "source", "target"))
    one, two = "database" in data, data.keys() & {"source", "target"}
    if one and two:
        place.note("[database] is there beside [source] or [target]; keep the one or the other two")
    elif not one and not two:
        place.note("no database; write [database] for a migration in place, or [source] and [target]")
    elif not one:
        for missing in sorted({"source", "target"} - two):
            place.at(missing).note("is missing; write it too, or [database] for a migration in place")
    if source == target != _NOWHERE:
        place.note("[source] and [target] are the same database; write [database] alone")
    return (both, both) if one else (source, target)


def beside_of(place: Place) -> dict[str, bytes]:
    """The content of the rule and expectation files beside the plan, by name and in its order."""
    found = dict[str, bytes]()
    for path in sorted([*place.directory.glob("rules/*.sql"), *place.directory.glob("expectations/*.json")]):
        name = path.relative_to(place.directory).as_posix()
        try:
            found[name] = path.read_bytes()
        except OSError as error:
            replace(place, file=name).note(f"cannot be read: {error.strerror}")
    return found


def sha256_of(raw: bytes, beside: Mapping[str, bytes]) -> str:
    """The digest of the plan file, going on with the name and digest of each file beside it."""
    digest = hashlib.sha256(raw)
    for name, content in beside.items():
        digest.update(b"\0" + name.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()


def _rule_files(beside: Mapping[str, bytes], place: Place) -> list[BusinessRule]:
    rules = []
    for name, content in beside.items():
        at = replace(place, file=name)
        with at.noting():
            if name.endswith(".sql"):
                rules.append(business.from_file(content, at, place.directory / name))
    return rules


def _with_suites(
    tables: Mapping[str, TablePlan], beside: Mapping[str, bytes], place: Place
) -> dict[str, TablePlan]:
    """The tables, with the expectations that lie in files beside the plan."""
    found = dict(tables)
    for name, content in beside.items():
        at = replace(place, file=name)
        with at.noting():
            if name.endswith(".json"):
                table = Path(name).stem
                plan = found.get(table, TablePlan(table))
                found[table] = replace(plan, rules=(*plan.rules, *suite(content, at, table)))
    return found
