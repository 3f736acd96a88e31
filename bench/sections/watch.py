"""What watching a migration costs: the CPU of one look a second."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from bench.measure import run, say
from bench.report import stamp, table
from bench.section import Bench, Json, Section, names

PARTS = ("pg", "mariadb", "sqlite")
SECONDS = 20


def measure(bench: Bench, part: str) -> Json:
    """The watch of one DBMS, beside a tree of six processes."""
    url = bench.databases.url(part, "before", bench.rows)
    say(f"watching {names(part)}")
    done = run([sys.executable, "-m", "bench.programs.watch", url, str(SECONDS)])
    said = json.loads(done.output) if done.status == 0 else {"looks": 0, "used": 0.0, "wall": 1.0}
    return {**said, "peak_mb": round(done.peak_mb, 1), "status": done.status, "errors": done.errors[-500:]}


def show(entries: Mapping[str, Json]) -> str:
    """One table."""
    lines = (
        [
            names(part),
            f"{each['looks']}",
            f"{each['used'] / each['wall']:.2%}",
            f"{each['peak_mb']:.0f}",
            stamp(each) + ("" if each["status"] == 0 else f", FAILED: {each['errors']}"),
        ]
        for part, each in entries.items()
    )
    return table(("", "looks", "of a core", "peak MB", "measured"), lines)


SECTION = Section("watch", "Watching a migration, one look a second", PARTS, measure, show)
