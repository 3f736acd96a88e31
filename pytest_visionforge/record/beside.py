"""What lies beside a record: the migration that was watched, and the times that were measured.

The files are those of the cutover's rooms; they are read here as they are, because a page is drawn
where there is neither a database nor the program that wrote them. One that is missing or damaged
leaves its chart out, and no more.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

WATCH, MIGRATION, MEASURED = "watch.jsonl", "migration.json", "measured"
_MIGRATION_ID = re.compile(r"(?P<stamp>\d{8}T\d{6}Z)-migration-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the machine and the database while the migration ran; None where it was not seen.

    `at` is seconds since the first look, shares are 0..1, `free`, `size` and `tree_memory` are bytes.
    """

    at: float
    cpu: float | None = None
    tree_cpu: float | None = None
    memory: float | None = None
    tree_memory: float | None = None
    free: float | None = None
    size: float | None = None
    connections: float | None = None
    waits: float | None = None
    lag: float | None = None


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration run: its steps (name -> seconds), why it failed (""; it went well), and the looks at it."""

    id: str
    started: datetime
    seconds: float
    steps: Mapping[str, float]
    failure: str = ""
    version: str = ""
    looks: tuple[Look, ...] = ()


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one endpoint or query took: seconds at the median and for 95 of 100, before and after."""

    name: str
    before: tuple[float, float] | None
    after: tuple[float, float] | None


def migrations(directory: Path) -> tuple[Migration, ...]:
    """The migration runs in a directory of records, oldest first."""
    if not directory.is_dir():
        return ()
    found = ((path, _MIGRATION_ID.fullmatch(path.name)) for path in sorted(directory.iterdir()))
    return tuple(_migration(path, match["stamp"]) for path, match in found if match and path.is_dir())


def latencies(before: Path | None, after: Path | None) -> tuple[Latency, ...]:
    """What was measured in two runs (their directories), by name; those of the later run first."""
    old, new = dict(_measured(before)), dict(_measured(after))
    return tuple(Latency(name, old.get(name), new.get(name)) for name in {**new, **old})


def _migration(path: Path, stamp: str) -> Migration:
    facts: dict[str, Any] = {"failure": "it left no result: it was killed, or is under way"}
    with suppress(OSError, ValueError):
        facts = dict(json.loads((path / MIGRATION).read_bytes()))
    looks = tuple(_looks(path / WATCH))
    steps: dict[str, float] = {}
    with suppress(KeyError, TypeError, ValueError):
        steps = {str(step["step"]): float(step["seconds"]) for step in facts.get("steps", ())}
    started = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    seconds = sum(steps.values()) or (looks[-1].at if looks else 0.0)
    return Migration(
        path.name,
        started,
        seconds,
        steps,
        str(facts.get("failure") or ""),
        str(facts.get("version") or ""),
        looks,
    )


def _looks(path: Path) -> Iterator[Look]:
    """The looks in a file; a line that was cut off in the middle is passed over."""
    first: datetime | None = None
    with suppress(OSError), path.open("rb") as file:
        for line in file:
            with suppress(ValueError, TypeError, KeyError, AttributeError):
                facts = json.loads(line)
                time = datetime.fromisoformat(facts["time"])
                first = first or time
                yield _look((time - first).total_seconds(), facts)


def _look(at: float, facts: Mapping[str, Any]) -> Look:
    names = ("cpu", "tree_cpu", "memory", "tree_memory", "size", "connections", "lag")
    waits, free = facts.get("waits"), facts.get("free") or {}
    return Look(
        at=at,
        waits=None if waits is None else float(len(waits)),
        free=min(filter(None, map(_number, free.values())), default=None),
        **{name: _number(facts.get(name)) for name in names},
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _measured(directory: Path | None) -> Iterator[tuple[str, tuple[float, float]]]:
    """Name -> seconds at the median and for 95 of 100, of each endpoint and query."""
    for path in sorted((directory / MEASURED).glob("*.json")) if directory else ():
        with suppress(OSError, ValueError, KeyError, TypeError, IndexError):
            facts = json.loads(path.read_bytes())
            seconds = sorted(filter(math.isfinite, map(float, facts["seconds"])))
            name = str(facts.get("shown") or facts["name"])
            yield name, (_percentile(seconds, 0.5), _percentile(seconds, 0.95))


def _percentile(ordered: list[float], share: float) -> float:
    """The nearest rank."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
