"""How the cost of comparing grows with the rows."""

from __future__ import annotations

from collections.abc import Mapping

from bench.competitors import OURS
from bench.measure import rounds, say
from bench.report import chart, stamp, table
from bench.section import Bench, Json, Section, facts, names

PAIRS = ("pg-pg", "pg-mariadb", "mariadb-mariadb", "sqlite-sqlite")
SHARES = (0.02, 0.1, 0.2, 0.5, 1.0)


def measure(bench: Bench, part: str) -> Json:
    """What `visionforge compare` takes for tables of five sizes, identical on both sides."""
    source, target = part.split("-")
    say(f"{names(part)}, five sizes")
    sizes = {str(count): count for count in (round(bench.rows * share) for share in SHARES)}
    pairs = {name: bench.databases.pair(source, target, count) for name, count in sizes.items()}
    commands = {name: OURS.command(*pair) for name, pair in pairs.items()}
    runs = rounds(commands, bench.runs, bench.budget)
    return {
        "sizes": [
            {"rows": sizes[name], **facts(each), "complaint": OURS.complaint(each.all[-1])}
            for name, each in runs.items()
        ]
    }


def show(entries: Mapping[str, Json]) -> str:
    """A table and a chart for each pair."""
    return "\n".join(
        f"### {names(part)}\n\n{stamp(entry)}.\n\n{_shown(entry)}" for part, entry in entries.items()
    )


def _shown(entry: Json) -> str:
    sizes = entry["sizes"]
    lines = (
        [
            f"{each['rows']:,}",
            f"{each['seconds']:.2f}",
            f"{each['rows'] / each['seconds'] / 1e6:.2f}",
            f"{each['cpu_seconds']:.1f}",
            f"{each['peak_mb']:.0f}",
            each["complaint"] or ("equal" if each["status"] == [0] else "not equal"),
        ]
        for each in sizes
    )
    heads = ("rows", "s", "Mrow/s", "CPU s", "peak MB", "found")
    return table(heads, lines) + "\n" + chart({f"{each['rows']:,}": each["seconds"] for each in sizes}, "s")


SECTION = Section("rows", "How the cost grows with the rows", PAIRS, measure, show)
