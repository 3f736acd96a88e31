"""The sections of a plan beside its tables, rules and changes: what each key holds, and its reader."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pytest_visionforge.plan import grammar
from pytest_visionforge.plan import values as v
from pytest_visionforge.plan.address import database, directory, web
from pytest_visionforge.plan.grammar import Wrong
from pytest_visionforge.plan.shape import (
    Place,
    Reader,
    filled,
    keys,
    kind,
    list_of,
    mapping,
    names,
    one_of,
    positive,
    record_of,
    short,
    table_of,
    text,
    whole,
)

_duration = short(grammar.duration, "5s")
_share = short(grammar.share, "1%")


def _address(value: Any, place: Place) -> v.Address:
    if isinstance(value, str):
        raise Wrong('expected a table; write [database] and below it url = "$NAME"')
    address: v.Address = keys(value, place, {"url": database}, required=("url",))["url"]
    return address


_migration = record_of(
    v.Migration,
    {
        "command": text,
        "version": text,
        "stop": text,
        "start": text,
        "lock_wait_max": _duration,
        "timeout": _duration,
    },
)

_environment = record_of(
    v.Environment,
    {
        "variables": filled(names),
        "match": filled(table_of(short(grammar.regex))),
        "packages": filled(list_of(short(grammar.requirement))),
        "programs": filled(list_of(short(grammar.requirement))),
    },
)


def _paths(value: Any, place: Place) -> dict[Path, str]:
    found = dict[Path, str]()
    for written, rights in mapping(value).items():
        at = place.at(written)
        with at.noting():
            path = directory(written, at)
            if path in found:
                raise Wrong("names a path that is there already")
            found[path] = grammar.rights(text(rights, at))
    return found


_system = record_of(v.System, {"disk_factor": positive, "paths": filled(_paths)})


def _within(value: Any, place: Place) -> str:
    _duration(value, place)
    return str(value)


_BACKUP: Mapping[str, Reader[Any]] = {
    "directory": directory,
    "kind": one_of("full", "schema", "data"),
    "keep": lambda value, place: keys(value, place, {"last": whole(1), "within": _within}),
    "rollback": one_of("never", "on-failure"),
    "verify": one_of("restored", "decoded", "hashed"),
    "max_age": _duration,
}


def backup(value: Any, place: Place) -> v.BackupPlan:
    """`[backup]`; without a directory, `backups` beside the plan."""
    return v.BackupPlan(**{"directory": place.directory / "backups", **keys(value, place, _BACKUP)})


def record(value: Any, place: Place) -> v.RecordPlan:
    """`[record]`; without a directory, `reports` beside the plan."""
    readers = {"directory": directory, "sample": whole(0)}
    return v.RecordPlan(**{"directory": place.directory / "reports", **keys(value, place, readers)})


_limits = record_of(
    v.Limits,
    {
        "response_time": _duration,
        "error_rate": _share,
        "cpu": _share,
        "memory": _share,
        "check_time": _duration,
        "connections": whole(1),
    },
)

_ENDPOINT: Mapping[str, Reader[Any]] = {
    "url": lambda value, place: (web(value, place), value.strip()),
    "status": whole(100, 599),
    "body": text,
    "response_time": _duration,
}


def _endpoint(value: Any, place: Place) -> v.Endpoint:
    said = keys(value, place, _ENDPOINT, required=("url",))
    url, shown = said.pop("url")
    return v.Endpoint(url=url, shown=shown, **said)


_QUERY: Mapping[str, Reader[Any]] = {
    "name": text,
    "sql": text,
    "rows": short(grammar.row_bounds, "1.."),
    "slowdown": positive,
}


def _query(value: Any, place: Place) -> v.NamedQuery:
    said = keys(value, place, _QUERY, required=("name", "sql"))
    low, high = said.pop("rows", (None, None))
    return v.NamedQuery(low=low, high=high, **said)


def _day(value: Any, place: Place) -> date:
    if isinstance(value, str):
        raise Wrong("expected a date, found text; write it without quotes: 2026-12-31")
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Wrong(f"expected a date, found {kind(value)}; write 2026-12-31")
    return value


_waiver = record_of(
    v.Waiver,
    {"check": text, "reason": text, "by": text, "until": _day, "rows": whole(1)},
    required=("check", "reason", "by", "until"),
)

READERS: Mapping[str, Reader[Any]] = {
    "database": _address,
    "source": _address,
    "target": _address,
    "migration": _migration,
    "environment": _environment,
    "system": _system,
    "limits": _limits,
    "endpoints": filled(list_of(_endpoint)),
    "queries": filled(list_of(_query)),
    "smoke": filled(list_of(record_of(v.SmokeTest, {"command": text}, required=("command",)))),
    "waivers": list_of(_waiver),
}
