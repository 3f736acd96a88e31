"""Dumps of MariaDB and MySQL that are none of our backups: read into a scratch database."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import URL

from pytest_visionforge.dialects.lines import lines
from pytest_visionforge.dialects.mysql.programs import MARKER, run_client
from pytest_visionforge.dialects.rooms.archive import Raw
from pytest_visionforge.errors import BackupError

_HEAD = re.compile(rb"\s*(/\*M?!\d+\\?- enable the sandbox mode \*/\s*)?-- (MariaDB|MySQL) dump ")
_OPENING = rb"^\s*(?:/\*M?!\d*\s*)?"
_ELSEWHERE = re.compile(_OPENING + rb"(?:USE\b|(?:CREATE|DROP|ALTER)\s+(?:DATABASE|SCHEMA)\b)", re.I)
_EVENT = re.compile(_OPENING + rb"CREATE\b[^(\']*\bEVENT\s", re.I)


def recognises(head: bytes) -> bool:
    """Is it how mariadb-dump and mysqldump begin?"""
    return bool(_HEAD.match(head))


def load_foreign(
    head: bytes,
    open: Callable[[], AbstractContextManager[Raw]],
    url: URL,
    progress: Callable[[str], None],
) -> tuple[str, ...]:
    """Runs the client, once it is seen that the dump means the scratch database and is whole."""
    progress("reading the dump")
    with open() as raw:
        _refuse_reaching_out(raw)
    progress("restoring")
    with open() as raw:
        run_client(url, raw)
    return ()


def _refuse_reaching_out(raw: Raw) -> None:
    """A dump of whole databases would go to where it names, and an event would act by itself."""
    last = b""
    for number, line in enumerate(lines(raw), start=1):
        if _ELSEWHERE.match(line):
            raise BackupError(
                f"line {number} names a database of its own: dump one database alone (without --databases)"
            )
        if _EVENT.match(line):
            raise BackupError(
                f"line {number} makes an event, which would act by itself: dump without --events"
            )
        last = line if line.strip() else last
    if MARKER not in last:
        raise BackupError("the dump is cut off: the marker at its end is missing")
