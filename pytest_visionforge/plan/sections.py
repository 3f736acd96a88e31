"""The sections of a plan beside its tables, rules and changes: what each key holds, and its reader."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pytest_visionforge.plan import grammar, stores
from pytest_visionforge.plan.address import database, directory, web
from pytest_visionforge.plan.grammar import Wrong
from pytest_visionforge.plan.shape import (
    Place,
    Reader,
    entries,
    filled,
    flag,
    keys,
    kind,
    list_of,
    mapping,
    names,
    not_negative,
    one_of,
    positive,
    record_of,
    short,
    table_of,
    text,
    whole,
)
from pytest_visionforge.plan.values import sections as v

_duration = short(grammar.duration, "5s")
_share = short(grammar.share, "1%")


def _address(value: Any, place: Place) -> v.Address:
    if isinstance(value, str):
        raise Wrong('expected a table; write [database] and below it url = "$NAME"')
    address: v.Address = keys(value, place, {"url": database}, required=("url",))["url"]
    return address


_step = record_of(
    v.Step,
    {"name": short(grammar.identifier), "command": text, "repeatable": flag},
    required=("name", "command"),
)

_MIGRATION: Mapping[str, Reader[Any]] = {
    "command": text,
    "steps": filled(list_of(_step)),
    "version": text,
    "notes": text,
    "stop": text,
    "start": text,
    "start_previous": text,
    "errors": filled(list_of(short(grammar.regex))),
    "ignore": filled(list_of(short(grammar.regex))),
    "files": filled(names),
    "linters": filled(list_of(one_of(*v.LINTERS))),
    "alembic": directory,
    "django": directory,
    "lock_wait_max": _duration,
    "timeout": _duration,
}


def _migration(value: Any, place: Place) -> v.Migration:
    found = v.Migration(**keys(value, place, _MIGRATION))
    if found.command and found.steps:
        raise Wrong("has a command and steps; keep the one or the other")
    names = [step.name for step in found.steps]
    if double := sorted({name for name in names if names.count(name) > 1}):
        raise Wrong(f"two steps are called {double[0]}; give each its own name")
    for linter in found.linters:
        needed, given = ("django", found.django) if linter == v.DJANGO_LINTER else ("files", found.files)
        if not given:
            raise Wrong(f"linters: {linter} has nothing to look at; name it under {needed}")
    return found


def _webhook(value: Any, place: Place) -> str:
    if "$" not in text(value, place):
        raise Wrong("stands in the plan, and is a secret: put it into an environment variable, write $NAME")
    return web(value, place)


_alerts = record_of(
    v.Alerts,
    {"webhook": _webhook, "command": text, "abort": filled(list_of(one_of(*v.ALERTS)))},
)

_CONTACT: Mapping[str, Reader[Any]] = {
    **dict.fromkeys(("name", "role", "phone", "mail"), text),
    "after": _duration,
}


def _contacts(value: Any, place: Place) -> tuple[v.Contact, ...]:
    def contact(id: str, said: Any, at: Place) -> v.Contact:
        return v.Contact(id, **keys(said, at, _CONTACT, required=("name",)))

    return tuple(made for _, made in entries(value, place, contact))


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


_KEEP: Mapping[str, Reader[Any]] = {
    **dict.fromkeys(("last", "hourly", "daily", "weekly", "monthly", "yearly"), whole(1)),
    "within": _within,
    "tags": filled(names),
}

_BACKUP: Mapping[str, Reader[Any]] = {
    "directory": directory,
    "kind": one_of("full", "schema", "data"),
    "keep": filled(lambda value, place: keys(value, place, _KEEP)),
    "rollback": one_of("never", "on-failure"),
    "verify": one_of("restored", "decoded", "hashed"),
    "max_age": _duration,
    **stores.READERS,
}


def backup(value: Any, place: Place) -> v.BackupPlan:
    """`[backup]`; without a directory, `backups` beside the plan."""
    said = stores.stored(keys(value, place, _BACKUP), place)
    return v.BackupPlan(**{"directory": place.directory / "backups", **said})


SIGNING: Mapping[str, Reader[Any]] = {
    "signers": filled(table_of(short(grammar.public_key, "the line that `visionforge key` prints"))),
    "signatures": whole(0),
}


KEPT: Mapping[str, Reader[Any]] = {"last": whole(1), "within": _within}


def record(value: Any, place: Place) -> v.RecordPlan:
    """`[record]`; without a directory, `reports` beside the plan."""
    keep = filled(lambda value, place: keys(value, place, KEPT))
    readers = {"directory": directory, "sample": whole(0), "keep": keep, **SIGNING}
    found = v.RecordPlan(**{"directory": place.directory / "reports", **keys(value, place, readers)})
    if found.signatures > len(found.signers):
        place.at("signatures").note(f"asks for {found.signatures}, but signers names {len(found.signers)}")
    return found


def _load(value: Any, place: Place) -> float:
    share: float = _share(value, place)
    if not share:
        raise Wrong("with a load of 0 % nothing would ever be read; write a share above it")
    return share


_limits = record_of(
    v.Limits,
    {
        "response_time": _duration,
        "error_rate": _share,
        "cpu": _share,
        "memory": _share,
        "disk": _share,
        "transaction": _duration,
        "replication_lag": _duration,
        "replication_slot": short(grammar.size, "1GB"),
        "migration_memory": short(grammar.size, "2GB"),
        "check_time": _duration,
        "connections": whole(1),
        "load": _load,
    },
)

_checks = record_of(v.Checks, {"also": filled(names), "limits": filled(table_of(not_negative))})

_ENDPOINT: Mapping[str, Reader[Any]] = {
    "url": lambda value, place: (web(value, place), value.strip()),
    "status": whole(100, 599),
    "body": text,
    "response_time": _duration,
    "samples": whole(1, 100_000),
    "warm_up": whole(0, 1000),
    "concurrency": whole(1, 64),
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
    "samples": whole(1, 1000),
}


def _query(value: Any, place: Place) -> v.NamedQuery:
    said = keys(value, place, _QUERY, required=("name", "sql"))
    low, high = said.pop("rows", (None, None))
    return v.NamedQuery(low=low, high=high, **said)


_smoke = record_of(v.SmokeTest, {"command": text, "timeout": _duration}, required=("command",))


def _day(value: Any, place: Place) -> date:
    if isinstance(value, str):
        raise Wrong("expected a date, found text; write it without quotes: 2026-12-31")
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Wrong(f"expected a date, found {kind(value)}; write 2026-12-31")
    return value


def _empty_or(reader: Reader[Any], empty: Any) -> Reader[Any]:
    """What `visionforge waivers --adopt` leaves to be filled in, or what the reader reads."""
    return lambda value, place: empty if value == "" else reader(value, place)


_said = _empty_or(text, "")
_waiver = record_of(
    v.Waiver,
    {"check": text, "reason": _said, "by": _said, "until": _empty_or(_day, None), "rows": whole(1)},
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
    "checks": _checks,
    "endpoints": filled(list_of(_endpoint)),
    "queries": filled(list_of(_query)),
    "smoke": filled(list_of(_smoke)),
    "alerts": _alerts,
    "contacts": filled(_contacts),
    "waivers": list_of(_waiver),
}
