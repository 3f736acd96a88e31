"""How the cost of comparing grows with the rows that differ."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bench.competitors import OURS
from bench.measure import Runs, rounds, say
from bench.planting import spread
from bench.report import chart, stamp, table
from bench.section import Bench, Json, Section, facts, names

PAIRS = ("pg-pg", "pg-mariadb", "mariadb-mariadb", "sqlite-sqlite")
COUNTS = (0, 16, 1_000, 100_000)


def measure(bench: Bench, part: str) -> Json:
    """What `visionforge compare` takes where none, some and all rows differ, evenly spread."""
    source, target = part.split("-")
    urls = bench.databases.pair(source, target, bench.rows)
    command = {OURS.name: OURS.command(*urls)}
    counts = [count for count in COUNTS if count < bench.rows] + [bench.rows]
    found = []
    for count in counts:
        say(f"{names(part)}, {count:,} rows differ")
        with spread(urls[1], bench.rows, count) as differing:
            runs = rounds(command, bench.runs, bench.budget)[OURS.name]
        found.append({"differing": differing, **facts(runs), **_counted(runs)})
    return {"counts": found}


def _counted(runs: Runs) -> Json:
    """How many rows the last run said are altered, or what went wrong."""
    last = runs.all[-1]
    failed = OURS.complaint(last)
    if failed:
        return {"found": failed}
    (told,) = json.loads(last.output)["tables"]
    return {"found": ("" if told["complete"] else "at least ") + f"{told['altered']:,}"}


def show(entries: Mapping[str, Json]) -> str:
    """A table and a chart for each pair."""
    return "\n".join(
        f"### {names(part)}\n\n{stamp(entry)}.\n\n{_shown(entry)}" for part, entry in entries.items()
    )


def _shown(entry: Json) -> str:
    counts = entry["counts"]
    lines = (
        [
            f"{each['differing']:,}",
            f"{each['seconds']:.2f}",
            f"{each['seconds'] / counts[0]['seconds']:.2f}",
            f"{each['peak_mb']:.0f}",
            each["found"],
        ]
        for each in counts
    )
    heads = ("rows that differ", "s", "times none", "peak MB", "found altered")
    return (
        table(heads, lines)
        + "\n"
        + chart({f"{each['differing']:,}": each["seconds"] for each in counts}, "s")
    )


SECTION = Section("differences", "How the cost grows with the differences", PAIRS, measure, show)
