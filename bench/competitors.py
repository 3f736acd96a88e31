"""What compares two tables, and what a user would run instead."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import make_url

from bench.data import TABLE
from bench.measure import Run

BIN = Path(sys.executable).parent
FASTER = ("-j", "2", "--assume-unique-key", "--skip-sort-results")  # what its help says saves time
_TIME = re.compile(r"^\[\d\d:\d\d:\d\d\] ")


class Missing(Exception):
    """A competitor cannot run here, or cannot compare this pair; the message says why."""


@dataclass(frozen=True, slots=True)
class Competitor:
    """A program that reads or compares the tables of two databases.

    `command` gives it for two URLs, or raises Missing. `keys` reads the keys of the rows that it
    says differ from what it printed; None where it names no rows. `done` are its exit statuses
    that are no failure.
    """

    name: str
    command: Callable[[str, str], Sequence[str]]
    keys: Callable[[str], frozenset[int]] | None = None
    done: tuple[int, ...] = (0,)

    def answer(self, run: Run) -> frozenset[int] | None:
        """The keys that a run named; None where it named none that could be read, or failed."""
        if self.keys is None or run.status not in self.done:
            return None
        try:
            return self.keys(run.output)
        except (ValueError, LookupError, TypeError):
            return None

    def complaint(self, run: Run) -> str:
        """Why a run is no success: the last line of its errors; "" where it ended well and can be read.

        An exit status alone does not do: reladiff fails with 0, and Python with 1, which may mean
        "they differ".
        """
        lines = [_TIME.sub("", line).strip() for line in run.errors.splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()]
        readable = self.keys is None or self.answer(run) is not None
        if run.status in self.done and readable and not errors:
            return ""
        return (errors or lines or ["it said nothing"])[-1][:200]


def competitors() -> tuple[Competitor, ...]:
    """Everyone, the floor first: who comes later finds the tables in memory."""
    return (
        Competitor("`count(*)` on both sides at once", _scan("count")),
        Competitor("every byte read on both sides at once", _scan("bytes")),
        Competitor("pt-table-checksum's expression on both sides at once", _scan("crc")),
        OURS,
        Competitor("DuckDB, full join over its scanners, 2 threads", _duckdb, _duckdb_keys),
        Competitor("reladiff, as it comes", _reladiff(), _reladiff_keys),
        Competitor(f"reladiff {' '.join(FASTER)}", _reladiff(*FASTER), _reladiff_keys),
    )


def _ours(source: str, target: str) -> Sequence[str]:
    return [str(BIN / "visionforge"), "compare", source, target, "--table", TABLE, "--json"]


def _our_keys(output: str) -> frozenset[int]:
    (table,) = json.loads(output)["tables"]
    return frozenset(int(offender["key"]["id"]) for offender in table["offenders"])


OURS = Competitor("**visionforge compare**", _ours, _our_keys, done=(0, 1))


def _scan(kind: str) -> Callable[[str, str], Sequence[str]]:
    def command(source: str, target: str) -> Sequence[str]:
        from bench.programs.scan import STATEMENTS

        if not {make_url(url).get_backend_name() for url in (source, target)} <= STATEMENTS[kind].keys():
            raise Missing("not of these DBMS")
        return [sys.executable, "-m", "bench.programs.scan", kind, source, target]

    return command


def _duckdb(source: str, target: str) -> Sequence[str]:
    _installed("duckdb", "duckdb_extension_sqlite_scanner")
    return [sys.executable, "-m", "bench.programs.full_join", source, target]


def _duckdb_keys(output: str) -> frozenset[int]:
    return frozenset(json.loads(output))


def _reladiff(*options: str) -> Callable[[str, str], Sequence[str]]:
    """It compares all columns. A wide terminal: it breaks lines of JSON at the right margin."""

    def command(source: str, target: str) -> Sequence[str]:
        _installed("reladiff")
        words = []
        for url in map(make_url, (source, target)):
            if url.get_backend_name() == "sqlite":
                raise Missing("it does not know SQLite")
            plain = url.set(drivername=url.get_backend_name(), query={})
            words += [plain.render_as_string(hide_password=False), TABLE]
        wide = ("env", "COLUMNS=1000000")
        return [*wide, str(BIN / "reladiff"), *words, "-k", "id", "-c", "%", "--json", *options]

    return command


def _reladiff_keys(output: str) -> frozenset[int]:
    return frozenset(int(json.loads(line)[1][0]) for line in output.splitlines())


def _installed(*modules: str) -> None:
    for module in modules:
        if find_spec(module) is None:
            raise Missing(f"{module} is not installed: pip install --group bench")
