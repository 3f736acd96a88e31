"""What stands beside a database since something was put in its place, or before: kept until discarded.

The journal knows what was kept, of which database, and whether what came in its place was proved.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from pytest_visionforge import dialects
from pytest_visionforge.backup import lock
from pytest_visionforge.backup.catalogue import JOURNAL
from pytest_visionforge.cutover import journal
from pytest_visionforge.errors import BackupError

BACK, DISCARD, INSTANT = "backup back", "backup discard", "backup instant"
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Kept:
    """A database's state that is kept beside it under `name` (a file's path, or a name on the server).

    `action` and `backup` ("" where there is none) say what it was kept by, `since` (UTC) when that
    ended, `settled` whether that ended well. A run that died before it could tell leaves them blank.
    """

    name: str
    action: str = ""
    backup: str = ""
    since: str = ""
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """A kept state that is back in its place; `kept` is where the state between is now."""

    name: str
    kept: str
    seconds: float


def kept(directory: Path, url: URL | str) -> tuple[Kept, ...]:
    """What is kept of the database at `url`, the newest first; the journal in `directory` explains it."""
    address = dialects.parse_url(url)
    names = dialects.of(address).archive.kept(address)
    told = _told(directory) if names else {}
    found = (told.get(name, Kept(name)) for name in names)
    return tuple(sorted(found, key=lambda one: one.since or "9", reverse=True))


def _told(directory: Path) -> dict[str, Kept]:
    """What the journal says of each name that something was kept under."""
    found = dict[str, Kept]()
    for begin, end in journal.steps(directory / JOURNAL):
        if name := str(end.facts.get("kept") or ""):
            backup = str(begin.facts.get("backup", ""))
            found[name] = Kept(name, begin.action, backup, end.time, end.result == "ok")
    return found


def discard(directory: Path, url: URL | str, name: str = "", *, force: bool = False) -> Kept:
    """Removes what is kept; refused where what came in its place was not proved, unless forced."""
    address, chosen = dialects.parse_url(url), kept_state(directory, url, name)
    if not chosen.settled and not force:
        how = f"a {chosen.action} that failed" if chosen.action else "a run that died"
        raise BackupError(
            f"{chosen.name} was kept by {how}: look at the database first, and then say that it may go (force)"
        )
    archive = dialects.of(address).archive
    shown = address.render_as_string(hide_password=True)
    with lock.step(directory, DISCARD, shown, place=archive.place(address), discarded=chosen.name):
        archive.discard(address, chosen.name)
    return chosen


def put_back(
    directory: Path, url: URL | str, name: str = "", *, progress: Progress | None = None
) -> Returned:
    """Puts a kept state (the newest one) in the place of the database, whose state is kept in turn.

    It is a swap, not a restore: nothing is read, so it takes no time, and nothing is proved.
    """
    say, started = progress or _silent, time.monotonic()
    address = dialects.parse_url(url)
    archive = dialects.of(address).archive
    shown = address.render_as_string(hide_password=True)
    with lock.step(directory, BACK, shown, place=archive.place(address)) as end:
        end["recovered"] = archive.recover(address, say)
        chosen = kept_state(directory, url, name)
        end["taken"] = chosen.name
        end["kept"] = archive.put_back(chosen.name, address, secrets.token_hex(4), say)
    return Returned(chosen.name, end["kept"], round(time.monotonic() - started, 3))


def instant(directory: Path, url: URL | str, *, progress: Progress | None = None) -> Kept:
    """Keeps a copy of the database beside it, without a dump, where the DBMS can: for `put_back`.

    It is no backup: it lies on the same disk, and nothing is proved of it.
    """
    address = dialects.parse_url(url)
    archive = dialects.of(address).archive
    shown, place = address.render_as_string(hide_password=True), archive.place(address)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock.step(directory, INSTANT, shown, place=place) as end:
        end["kept"] = archive.copy(address, secrets.token_hex(4), progress or _silent)
    return kept_state(directory, url, end["kept"])


def kept_state(directory: Path, url: URL | str, name: str = "") -> Kept:
    """What is kept under a name, or its beginning; the newest where none is given."""
    found = kept(directory, url)
    wanted = [one for one in found if one.name == name] or [
        one for one in found if one.name.startswith(name) or Path(one.name).name.startswith(name)
    ]
    if not wanted:
        names = ", ".join(one.name for one in found[:5])
        raise BackupError(f"nothing is kept under {name or 'any name'}; there is: {names or 'nothing'}")
    unclear = len(wanted) > 1 and (name or not wanted[0].since)
    if unclear:
        names = ", ".join(one.name for one in wanted[:5])
        raise BackupError(f"{name or 'the newest'} may be any of {names}: say which")
    return wanted[0]


def _silent(_: str) -> None:
    """Nobody listens."""
