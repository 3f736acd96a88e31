"""The record of one run: `record.json` is the truth, everything else is rendered from it.

reports/
  20261124T052348Z-premigration-7f3a9c/
    record.json      written whole or not at all
    record.html, junit.xml, ...
    manifest.json    the SHA-256 of each of them
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_visionforge.errors import RecordError
from pytest_visionforge.outcome import Result, Verdict
from pytest_visionforge.record.mask import masked
from pytest_visionforge.record.shape import MisfitError, plain, shaped

FORMAT = 1
NAME = "record.json"
PHASES = ("premigration", "postmigration", "rollback")

_ID = re.compile(rf"(?P<stamp>\d{{8}}T\d{{6}}Z)-(?P<phase>{'|'.join(PHASES)})-[0-9a-f]{{6}}")


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much of what was planned was done.

    `ran` checks of `planned` came to a decision (`waived` and `not_applicable` are among them);
    `reasons` says in words why the verdict is not GO.
    """

    planned: int
    ran: int
    skipped: int = 0
    deselected: int = 0
    waived: int = 0
    not_applicable: int = 0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Who ran it, where and with what; `commit` is the HEAD of git, '' where there is none."""

    who: str = ""
    host: str = ""
    python: str = ""
    pytest: str = ""
    plugin: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """Which database answered: `identity` stays the same for as long as it is the same one.

    `size` is in bytes, None where it is not known.
    """

    shown: str
    dbms: str = ""
    version: str = ""
    identity: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One table before and after; None and '' where it was not counted or digested at that time."""

    name: str
    rows_before: int | None = None
    rows_after: int | None = None
    digest_before: str = ""
    digest_after: str = ""
    method: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class WaiverFacts:
    """A waiver of the plan and what became of it: used, exceeded, expired, unused or unfilled."""

    check: str
    reason: str
    by: str
    until: str
    state: str
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The validation record of one run.

    Times are UTC. `changes` are the differences that the plan declares, each as a sentence;
    `not_checked` says plainly what nobody looked at. `planned` are the ids of all checks of the phase,
    `skipped` (id -> why) and `errors` what kept the run from deciding them; `parts` (id -> SHA-256) are
    the records that this one was merged from. `previous` is the SHA-256 of the `record.json` written
    before this one in the same directory: `write` fills it in.
    """

    id: str
    plan: str
    plan_sha256: str
    phase: str
    started: datetime
    finished: datetime
    verdict: Verdict
    exit_status: int
    completeness: Completeness
    results: tuple[Result, ...] = ()
    origin: Origin = Origin()
    databases: Mapping[str, DatabaseFacts] = field(default_factory=dict)
    tables: tuple[TableFacts, ...] = ()
    changes: tuple[str, ...] = ()
    backup: Mapping[str, Any] = field(default_factory=dict)
    baseline: Mapping[str, Any] = field(default_factory=dict)
    waivers: tuple[WaiverFacts, ...] = ()
    not_checked: tuple[str, ...] = ()
    planned: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    previous: str = ""

    @property
    def seconds(self) -> float:
        """How long the run took."""
        return (self.finished - self.started).total_seconds()

    def as_json(self) -> dict[str, Any]:
        """The record as plain values for `json`, passwords masked."""
        values: dict[str, Any] = masked(plain(self))
        return {"format": FORMAT, **values}

    @classmethod
    def from_json(cls, data: Any) -> Record:
        """The record that `as_json` gave; raises `MisfitError` where the data are none."""
        found = data.get("format") if isinstance(data, dict) else None
        if type(found) is not int or found < 1:
            raise MisfitError("it has no format number")
        if found > FORMAT:
            newer = f"its format is {found}, this VisionForge reads up to {FORMAT}"
            raise MisfitError(f"{newer}: upgrade pytest-visionforge")
        values = {key: value for key, value in data.items() if key != "format"}
        record: Record = shaped(cls, values)
        return record

    def safe(self) -> Record:
        """The record as reading it back gives it: passwords masked."""
        return Record.from_json(self.as_json())


def new_id(phase: str, now: datetime) -> str:
    """A new record's name, such as `20261124T052348Z-premigration-7f3a9c`; `now` knows its zone."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{phase}-{secrets.token_hex(3)}"


def write(record: Record, directory: Path) -> Path:
    """Write `directory/<id>/record.json`, chained to the record before it, and return its path.

    It is there whole or not at all, also after a loss of power. A record is never written over.
    """
    if not _ID.fullmatch(record.id):
        raise RecordError(f"record {record.id!r}: not a record's name; make one with new_id()")
    path = directory / record.id / NAME
    if path.exists():
        raise RecordError(f"{path}: there already; a record is never written over")
    try:
        chained = replace(record, previous=_newest_sha256(directory))
        text = json.dumps(chained.as_json(), indent=1) + "\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        why = f"cannot be written: {error.strerror or error}; see directory in [record] of the plan"
        raise RecordError(f"{path}: {why}") from error
    return path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that there is either all of it or what was there before."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    """Make a new name in a directory last; where directories cannot be opened, the system does."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path) -> Record:
    """Read a record: its `record.json`, or the directory that holds it."""
    file = path / NAME if path.is_dir() else path
    try:
        return Record.from_json(json.loads(file.read_bytes()))
    except OSError as error:
        raise RecordError(f"{file}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(
            f"{file}: not a whole record: {error}; do not mend it by hand: run the checks again"
        ) from error


def newest(directory: Path, *, phase: str | None = None, plan: str | None = None) -> Record | None:
    """The newest record of a phase and of a plan (its name); None where there is none.

    Raises `RecordError` on a damaged one that is newer: what it says cannot be passed over.
    """
    for path in reversed(record_files(directory)):
        if phase is None or _matched(path)["phase"] == phase:
            record = read(path)
            if plan is None or record.plan == plan:
                return record
    return None


def record_files(directory: Path) -> list[Path]:
    """Every `record.json` in a directory of records, the oldest first."""
    return sorted(
        (path / NAME for path in _runs(directory) if (path / NAME).is_file()),
        key=lambda path: (stamp(path), path.stat().st_mtime_ns, path),
    )


def stamp(path: Path) -> str:
    """When the run of a `record.json` began, to the second, as its directory is named."""
    return _matched(path)["stamp"]


def unfinished(directory: Path) -> tuple[str, ...]:
    """The ids of runs that left no record: they run still, or were killed."""
    return tuple(sorted(path.name for path in _runs(directory) if not (path / NAME).exists()))


def _runs(directory: Path) -> Iterator[Path]:
    if directory.is_dir():
        yield from (path for path in directory.iterdir() if _ID.fullmatch(path.name) and path.is_dir())


def _matched(path: Path) -> re.Match[str]:
    match = _ID.fullmatch(path.parent.name)
    assert match is not None  # `_runs` lets nothing else through
    return match


def _newest_sha256(directory: Path) -> str:
    files = record_files(directory)
    return hashlib.sha256(files[-1].read_bytes()).hexdigest() if files else ""
