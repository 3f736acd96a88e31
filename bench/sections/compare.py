"""Every competitor on the same two tables: identical, and with sixteen rows that differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.competitors import OURS, Competitor, Missing, competitors
from bench.measure import Runs, rounds, say
from bench.planting import planted, sixteen
from bench.report import stamp, table
from bench.section import Bench, Json, Section, facts, names

PAIRS = ("pg-pg", "pg-mariadb", "mariadb-mariadb", "sqlite-sqlite", "sqlite-pg", "sqlite-mariadb")
PLANTED = len(sixteen(5_000_000))
_HEADS = ("", "s", "Mrow/s", "times ours", "CPU s", "peak MB", "16 differ: s", "named", "runs")

_LEGEND = """\
The tables are identical, and then sixteen rows differ: ten altered (a cent, a microsecond, the case
of a letter, a blank at the end, NULL, ...), three lost, three added. *Named* is how many of their keys a
program gave, the worst of all runs. The first lines compare nothing: they are the floor. *Every
byte read* is `COPY ... TO '/dev/null' (FORMAT binary)` in PostgreSQL, `CHECKSUM TABLE` in MariaDB,
and the length of every value in SQLite. † it failed: see below the table.

"""


def measure(bench: Bench, part: str) -> Json:
    """Times and answers of all competitors on one pair."""
    source, target = part.split("-")
    urls = bench.databases.pair(source, target, bench.rows)
    able, unable = _able(*urls)
    say(f"{names(part)}, identical")
    identical = _measured(bench, able, urls, frozenset())
    with planted(urls[1], bench.rows) as keys:
        say(f"{names(part)}, {len(keys)} rows differ")
        differing = _measured(bench, able, urls, keys)
    found = [
        {"name": each.name, "identical": identical[each.name], "differing": differing[each.name]}
        for each in able
    ]
    return {"competitors": found, "unable": unable}


def _able(source: str, target: str) -> tuple[list[Competitor], dict[str, str]]:
    """Those who can compare these two, and why the others cannot."""
    able, unable = [], {}
    for competitor in competitors():
        try:
            competitor.command(source, target)
        except Missing as why:
            unable[competitor.name] = str(why)
        else:
            able.append(competitor)
    return able, unable


def _measured(
    bench: Bench, able: Iterable[Competitor], urls: tuple[str, str], keys: frozenset[int]
) -> dict[str, Json]:
    """What each took, and whether it was right in every run."""
    commands = {each.name: each.command(*urls) for each in able}
    runs = rounds(commands, bench.runs, bench.budget)
    return {each.name: {**facts(runs[each.name]), **judged(each, runs[each.name], keys)} for each in able}


def judged(competitor: Competitor, runs: Runs, keys: frozenset[int]) -> Json:
    """The worst answer of all runs: keys named rightly and wrongly, and what went wrong."""
    answers = [competitor.answer(run) for run in runs.all]
    said = sorted({competitor.complaint(run) for run in runs.all} - {""})
    judged: Json = {"status": sorted({run.status for run in runs.all}), "complaints": said}
    if competitor.keys is None:
        return judged
    judged["right"] = min(len(answer & keys) if answer is not None else 0 for answer in answers)
    judged["wrong"] = max(len(answer - keys) if answer is not None else 0 for answer in answers)
    return judged


def show(entries: Mapping[str, Json]) -> str:
    """A table for each pair."""
    return _LEGEND + "\n".join(
        f"### {names(part)}\n\n{stamp(entry)}.\n\n{_table(entry)}{_notes(entry)}"
        for part, entry in entries.items()
    )


def _table(entry: Json) -> str:
    found = entry["competitors"]
    ours = next(each for each in found if each["name"] == OURS.name)["identical"]
    return table(_HEADS, (_line(each, entry["rows"], ours) for each in found))


def _line(each: Json, rows: int, ours: Json) -> list[str]:
    identical, differing = each["identical"], each["differing"]
    return [
        each["name"],
        _seconds(identical),
        f"{rows / identical['seconds'] / 1e6:.2f}",
        "-" if ours["complaints"] else f"{identical['seconds'] / ours['seconds']:.2f}",
        f"{identical['cpu_seconds']:.1f}",
        f"{max(identical['peak_mb'], differing['peak_mb']):.0f}",
        _seconds(differing),
        _named(identical, differing),
        f"{identical['runs']} + {differing['runs']}",
    ]


def _seconds(state: Json) -> str:
    return f"{state['seconds']:.2f}" + (" †" if state["complaints"] else "")


def _named(identical: Json, differing: Json) -> str:
    """How many of the planted differences were named, and how many that are none."""
    if "right" not in differing:
        return "-"
    wrong = identical["wrong"] + differing["wrong"]
    return f"{differing['right']} of {PLANTED}" + (f", {wrong:,} wrong" if wrong else "")


def _notes(entry: Json) -> str:
    notes = [
        f"- {each['name']}, {state}: exit status {', '.join(map(str, each[state]['status']))}; {complaint}\n"
        for each in entry["competitors"]
        for state in ("identical", "differing")
        for complaint in each[state]["complaints"]
    ]
    notes += [f"- {name}: {why}\n" for name, why in entry["unable"].items()]
    return "\n" + "".join(notes) if notes else ""


SECTION = Section("compare", "Two tables compared", PAIRS, measure, show)
