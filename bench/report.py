"""The results: kept in `results.json`, shown in `RESULTS.md`. And the tables and charts of all sections."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from bench.databases import Databases
from bench.section import Json, Section

PACKAGES = ("pytest-visionforge", "reladiff", "duckdb", "SQLAlchemy", "psycopg", "PyMySQL")
_BARS = 50

_HEAD = """\
# What it costs

Measured by `make bench`, which wrote this file from `results.json` beside it. One table of ten
columns (`bench/data.py`), the same rows on every DBMS. Each program runs in a process of its own,
one after the other, in turn. Seconds are medians, of the wall, from the start of a process to its
end. CPU and memory are the program's own, without the server's; memory is the highest peak of all
runs. The servers are on the same machine, with `fsync` off and default settings but for their
buffers (PostgreSQL 1 GB, MariaDB 2 GB); the tables fit into the machine's memory.
"""


class Results:
    """The last answer to each part of each section."""

    def __init__(self, folder: Path, sections: Sequence[Section]) -> None:
        self._folder = folder
        self._sections = sections
        path = folder / "results.json"
        self._entries: dict[str, Json] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def keep(self, section: Section, part: str, entry: Json) -> None:
        """Keeps an answer in place of the last one, and writes both files."""
        self._entries[f"{section.name} {part}"] = entry
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "results.json").write_text(json.dumps(self._entries, indent=1) + "\n", "utf-8")
        self.write()

    def write(self) -> None:
        """Writes `RESULTS.md` anew."""
        shown = [self._shown(section) for section in self._sections]
        text = "\n".join([_HEAD, self._where(), *filter(None, shown)])
        (self._folder / "RESULTS.md").write_text(text.rstrip() + "\n", "utf-8")

    def _where(self) -> str:
        """The machines, and which versions of everything were measured on each."""
        machines: dict[str, dict[str, set[str]]] = {}
        for entry in self._entries.values():
            versions = machines.setdefault(entry["machine"], {})
            for name, number in entry["versions"].items():
                versions.setdefault(name, set()).add(number)
        return "".join(
            f"- {machine}: {', '.join(f'{name} {_listed(found)}' for name, found in versions.items())}\n"
            for machine, versions in machines.items()
        )

    def _shown(self, section: Section) -> str:
        kept = {part: self._entries.get(f"{section.name} {part}") for part in section.parts}
        entries = {part: entry for part, entry in kept.items() if entry is not None}
        return f"## {section.title}\n\n{section.show(entries)}" if entries else ""


def stamped(databases: Databases, rows: int, entry: Json) -> Json:
    """An answer with when, where and over how many rows it was measured."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": rows,
        "load": round(os.getloadavg()[0], 1),
        "machine": _machine(),
        "versions": {**{name: _version(name) for name in PACKAGES}, **databases.versions()},
        **entry,
    }


def stamp(entry: Json) -> str:
    """When a part was measured, and how busy the machine was."""
    return f"{entry['rows']:,} rows; {entry['date'][:16].replace('T', ' ')} UTC, load {entry['load']}"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown: the first column is text, the others are to the right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)


def chart(values: Mapping[str, float], unit: str) -> str:
    """A chart of bars, in text."""
    widest, most = max(map(len, values)), max(values.values()) or 1.0
    bars = (
        f"{label:>{widest}}  {'█' * max(round(value / most * _BARS), 1)} {value:.3g} {unit}\n"
        for label, value in values.items()
    )
    return f"```\n{''.join(bars)}```\n"


def _machine() -> str:
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    memory = psutil.virtual_memory().total / 2**30
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB of memory, {system}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.machine()


def _listed(versions: set[str]) -> str:
    return " and ".join(sorted(versions))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
