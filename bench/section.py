"""What a section of the bench is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.databases import NAMES, Databases
from bench.measure import Runs

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bench:
    """One run of the bench: `rows` of the largest table, `runs` of each program where it is affordable."""

    databases: Databases
    rows: int
    runs: int
    budget: float  # seconds that a program may take in all before it is not run again


@dataclass(frozen=True, slots=True)
class Section:
    """A question, and its answer in parts: one for each pair of DBMS, say.

    `measure` answers one part, in values for JSON; `show` makes Markdown of all parts that were
    ever answered, in the order of `parts`.
    """

    name: str
    title: str
    parts: Sequence[str]
    measure: Callable[[Bench, str], Json]
    show: Callable[[Mapping[str, Json]], str]


def names(part: str) -> str:
    """`pg-mariadb` in words."""
    return " and ".join(NAMES[each] for each in part.split("-"))


def facts(runs: Runs) -> Json:
    """What several runs took, for JSON."""
    return {
        "runs": len(runs.all),
        "seconds": round(runs.seconds, 3),
        "fastest": round(min(run.seconds for run in runs.all), 3),
        "slowest": round(max(run.seconds for run in runs.all), 3),
        "cpu_seconds": round(runs.cpu_seconds, 3),
        "peak_mb": round(runs.peak_mb, 1),
        "status": sorted({run.status for run in runs.all}),
    }
