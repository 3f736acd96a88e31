"""What a swap has to do, recorded on the server: whoever comes after a run that died can end it.

The record is a table beside the old tables, written before anything is changed. Its row `plan` is
written last and removed first: a swap is unfinished as long as it is there. The old events stay in it
for a way back, for a kept copy must not act.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import IO

from sqlalchemy.exc import DBAPIError

from pytest_visionforge.dialects.mysql.language import quote
from pytest_visionforge.dialects.writing import Admin
from pytest_visionforge.errors import BackupError

RECORD = "visionforge_swap"
# What the plan is, the old state's programs and views, its events; the new state's programs, views and
# events; a kept state's programs and views, where that is what comes back; the sign of a way back.
PLAN, DEFINITIONS, EVENTS, REST, KEPT, TURNED = "plan", "definitions", "events", "rest", "kept", "turned"
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Plan:
    """The tables `before` go from `live` to `old`, the tables `new` from `scratch` to `live`.

    `triggers` are those that `live` had.
    """

    live: str
    old: str
    scratch: str
    before: Sequence[str]
    new: Sequence[str]
    triggers: Sequence[str]


@contextmanager
def alone(server: Admin, live: str) -> Iterator[None]:
    """One run at a time swaps a database; the lock ends with the connection."""
    name = f"vf_swap_{hashlib.sha256(live.encode()).hexdigest()[:16]}"
    if server.value("SELECT GET_LOCK(:name, 0)", name=name) != 1:
        raise BackupError(f"another run is putting something in the place of {live}; wait until it has ended")
    try:
        yield
    finally:
        with suppress(DBAPIError):  # where the connection is gone, so is the lock
            server.run("DO RELEASE_LOCK(:name)", name=name)


def write(server: Admin, plan: Plan, parts: Mapping[str, IO[bytes]]) -> None:
    """Records a swap that has not begun."""
    server.run(
        f"CREATE TABLE {_table(plan.old)} (part varchar(20) CHARACTER SET ascii, number int,"
        " content longblob NOT NULL, PRIMARY KEY (part, number)) ENGINE = InnoDB"
    )
    for part, file in parts.items():
        file.seek(0)
        for number, content in enumerate(iter(lambda file=file: file.read(CHUNK), b"")):  # type: ignore[misc]
            _add(server, plan.old, part, number, content)
    _add(server, plan.old, PLAN, 0, json.dumps(asdict(plan)).encode())


def read(server: Admin, old: str, part: str) -> bytes:
    """A part of the record in `old`; b"" where there is none."""
    if old not in _recorded(server):
        return b""
    rows = server.rows(f"SELECT content FROM {_table(old)} WHERE part = :part ORDER BY number", part=part)
    return b"".join(bytes(row[0]) for row in rows)


def unfinished(server: Admin, live: str) -> list[Plan]:
    """The swaps of a database that were begun and have not ended."""
    plans = [Plan(**json.loads(content)) for old in _recorded(server) if (content := read(server, old, PLAN))]
    return [plan for plan in plans if plan.live == live]


def turn(server: Admin, plan: Plan) -> None:
    """The swap goes back: whatever follows the move may be half done."""
    if not turned(server, plan):
        _add(server, plan.old, TURNED, 0, b"1")


def turned(server: Admin, plan: Plan) -> bool:
    """Was it going back?"""
    return bool(read(server, plan.old, TURNED))


def finish(server: Admin, plan: Plan) -> None:
    """The swap is complete; of its record only the old events stay."""
    table = _table(plan.old)
    server.run(f"DELETE FROM {table} WHERE part = :part", part=PLAN)
    server.run(f"DELETE FROM {table} WHERE part <> :part", part=EVENTS)
    if not read(server, plan.old, EVENTS):
        server.run(f"DROP TABLE {table}")


def _add(server: Admin, old: str, part: str, number: int, content: bytes) -> None:
    server.run(
        f"INSERT INTO {_table(old)} VALUES (:part, :number, :content)",
        part=part,
        number=number,
        content=content,
    )


def _recorded(server: Admin) -> list[str]:
    """The databases that hold a record."""
    sql = "SELECT TABLE_SCHEMA FROM information_schema.TABLES WHERE TABLE_NAME = :name ORDER BY TABLE_SCHEMA"
    return [str(row[0]) for row in server.rows(sql, name=RECORD)]


def _table(old: str) -> str:
    return f"{quote(old)}.{RECORD}"
