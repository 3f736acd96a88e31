"""What endpoints and queries measured, in the directory of the run: once per run, whichever check comes first.

Premigration's are the baseline of performance. A cutover, which stops the application before
premigration, measures its endpoints before that, in a directory that `VISIONFORGE_MEASURED` names.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_visionforge.cutover.endpoints import Asked, ask
from pytest_visionforge.cutover.queries import Answered, answer
from pytest_visionforge.database import Database
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.sections import Endpoint, NamedQuery

DIRECTORY = "measured"
VARIABLE = "VISIONFORGE_MEASURED"


def asked(endpoint: Endpoint, plan: Plan, directory: Path, *, before: bool = False) -> Asked:
    """What the endpoint answered in this run; `before`: what a cutover measured before it stopped counts."""
    earlier = os.environ.get(VARIABLE) if before else None
    if earlier and (found := asked_in(Path(earlier), endpoint)):
        _write(directory, endpoint.shown, found.as_json())
        return found
    limit = endpoint.response_time or plan.limits.response_time
    return Asked.from_json(_once(directory, endpoint.shown, lambda: ask(endpoint, limit).as_json()))


def answered(query: NamedQuery, database: Database, directory: Path) -> Answered:
    """What the query answered in this run; DatabaseError where it failed."""
    return Answered.from_json(_once(directory, query.name, lambda: answer(query, database).as_json()))


def asked_in(directory: Path | None, endpoint: Endpoint) -> Asked | None:
    """What the endpoint answered in another run; None where it was not asked, or none of it was answered."""
    data = _read(directory, endpoint.shown)
    found = Asked.from_json(data) if data else None
    return found if found and found.failed < found.requests else None


def answered_in(directory: Path | None, query: NamedQuery) -> Answered | None:
    """What the query answered in another run; None where it was not asked."""
    data = _read(directory, query.name)
    return Answered.from_json(data) if data else None


def _once(directory: Path, name: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    found = _read(directory, name)
    if found is None:
        found = measure()
        _write(directory, name, found)
    return found


def _path(directory: Path, name: str) -> Path:
    return directory / DIRECTORY / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"


def _read(directory: Path | None, name: str) -> dict[str, Any] | None:
    if directory is not None:
        with suppress(OSError, ValueError):
            data: dict[str, Any] = json.loads(_path(directory, name).read_text("utf-8"))
            return data
    return None


def _write(directory: Path, name: str, data: dict[str, Any]) -> None:
    path = _path(directory, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}")
    half.write_text(json.dumps(data), "utf-8")
    half.replace(path)
