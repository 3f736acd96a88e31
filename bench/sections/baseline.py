"""What a baseline takes: the digests of every row, without another side."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from bench.measure import rounds, say
from bench.report import stamp, table
from bench.section import Bench, Json, Section, facts, names

PARTS = ("pg", "mariadb", "sqlite")


def measure(bench: Bench, part: str) -> Json:
    """What `compare.take` needs for one DBMS."""
    url = bench.databases.url(part, "before", bench.rows)
    say(f"baseline of {names(part)}")
    command = [sys.executable, "-m", "bench.programs.take_baseline", url]
    runs = rounds({"baseline": command}, bench.runs, bench.budget)["baseline"]
    return facts(runs)


def show(entries: Mapping[str, Json]) -> str:
    """One table."""
    lines = (
        [
            names(part),
            f"{each['seconds']:.2f}",
            f"{each['rows'] / each['seconds'] / 1e6:.2f}",
            f"{each['cpu_seconds']:.1f}",
            f"{each['peak_mb']:.0f}",
            stamp(each) + ("" if each["status"] == [0] else f", FAILED: exit status {each['status']}"),
        ]
        for part, each in entries.items()
    )
    return table(("", "s", "Mrow/s", "CPU s", "peak MB", "measured"), lines)


SECTION = Section("baseline", "A baseline", PARTS, measure, show)
