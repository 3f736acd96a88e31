"""The record as a page: static HTML that is complete without scripts, without a network, in print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_visionforge.outcome import Outcome, Result
from pytest_visionforge.record import words
from pytest_visionforge.record.record import DatabaseFacts, Record, TableFacts

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent

# A page stays readable and light however much went wrong; `record.json` holds everything.
_UNFOLDED = 25  # results of one outcome that are told at length
_LISTED = 500  # results, or tables, in one list
_ROWS = 20  # offending rows of one finding
_SLOWEST = 5
_LETTERS = 200  # of one value
_TABLES_FIRST = 12  # tables on the first screen
_COMPARING = ("baseline", "integrity")  # the suites that find what changed


@dataclass(frozen=True, slots=True)
class _Suite:
    name: str
    results: tuple[Result, ...]
    seconds: float


def page(
    record: Record, *, history: Sequence[Record] = (), artefacts: Mapping[str, str] | None = None
) -> str:
    """The record as a part of a page, from its `<h2>` on; `stylesheet` gives its style.

    `history` holds other records of the same cutover, or of earlier runs; `artefacts` maps files to
    their SHA-256, where they are known already.
    """
    return _rendered("page.html.j2", _view(record.safe(), history, artefacts or {}))


def document(
    record: Record, *, history: Sequence[Record] = (), artefacts: Mapping[str, str] | None = None
) -> str:
    """The record as a whole page of its own, its style inside."""
    part = page(record, history=history, artefacts=artefacts)
    safe = record.safe()
    return _rendered("document.html.j2", {"part": part, "record": safe, "stylesheet": stylesheet()})


def stylesheet() -> str:
    """The style of the page, and of what pytest-html puts around it."""
    return (_HERE / "style.css").read_text(encoding="utf-8")


def _rendered(template: str, view: Mapping[str, Any]) -> str:
    return _templates().get_template(template).render(view)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["words"] = words
    templates.globals["Outcome"] = Outcome
    templates.filters["short"] = _short
    return templates


def _printable(value: Any) -> Any:
    """Every text that reaches the page goes through here; what a template made already does not."""
    return words.visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _short(value: str | None) -> str:
    """One value of a row: NULL in words, the length of a long one told."""
    if value is None:
        return "NULL"
    if len(value) > _LETTERS:
        return f"{value[:_LETTERS]}… ({len(value):,} characters)"
    return repr(value) if value != value.strip() or value == "" else words.on_one_line(value)


def _view(record: Record, history: Sequence[Record], artefacts: Mapping[str, str]) -> dict[str, Any]:
    tables = sorted(record.tables, key=lambda table: not _differs(table))
    return {
        "record": record,
        "sections": [
            (heading, words.having(record, outcome))
            for heading, outcome in (
                ("Failures", Outcome.VIOLATED),
                ("Could not be decided", Outcome.CANNOT_TELL),
                ("Warnings", Outcome.WARNED),
                ("Waived", Outcome.WAIVED),
            )
        ],
        "undeclared": [
            result
            for result in words.having(record, Outcome.VIOLATED)
            if result.suite in _COMPARING and record.phase != "premigration"
        ],
        "suites": _suites(record),
        "databases": _databases(record),
        "tables": tables,
        "differing": sum(map(_differs, tables)),
        "runs": sorted([*(each.safe() for each in history), record], key=lambda each: each.started),
        "slowest": _slowest(record, history),
        "artefacts": artefacts,
        "bar": _bar,
        "rows": _ROWS,
        "unfolded": _UNFOLDED,
        "listed": _LISTED,
        "first": _TABLES_FIRST,
    }


def _databases(record: Record) -> dict[str, DatabaseFacts]:
    """The databases by their role; in place there is one, and it is shown once."""
    once = len(set(record.databases.values())) == 1
    return {"database": next(iter(record.databases.values()))} if once else dict(record.databases)


def _suites(record: Record) -> list[_Suite]:
    """What passed or did not apply, by suite in the order in which the suites ran."""
    good = [r for r in record.results if r.outcome in (Outcome.PASSED, Outcome.NOT_APPLICABLE)]
    suites = {}
    for name in dict.fromkeys(result.suite for result in good):
        results = tuple(result for result in good if result.suite == name)
        suites[name] = _Suite(name, results, sum(result.seconds for result in results))
    return list(suites.values())


def _slowest(record: Record, history: Sequence[Record]) -> list[tuple[Result, float | None, float]]:
    """The slowest checks, each with its seconds in the last run of its kind and its share of the slowest."""
    last = max(
        (each for each in history if (each.phase, each.plan) == (record.phase, record.plan)),
        key=lambda each: each.started,
        default=None,
    )
    before = {result.nodeid: result.seconds for result in last.results} if last else {}
    slowest = sorted(record.results, key=lambda result: -result.seconds)[:_SLOWEST]
    most = max((result.seconds for result in slowest), default=0) or 1
    return [(result, before.get(result.nodeid), result.seconds / most) for result in slowest]


def _differs(table: TableFacts) -> bool:
    counted = None not in (table.rows_before, table.rows_after)
    digested = bool(table.digest_before and table.digest_after)
    return (counted and table.rows_before != table.rows_after) or (
        digested and table.digest_before != table.digest_after
    )


def _bar(table: TableFacts, width: int = 120) -> tuple[int, int, int] | None:
    """How wide to draw the rows that stayed in number, those lost and those gained; None if unknown."""
    if table.rows_before is None or table.rows_after is None:
        return None
    most = max(table.rows_before, table.rows_after)
    changed = abs(table.rows_before - table.rows_after)
    drawn = max(6, round(width * changed / most)) if changed else 0  # one row in a million is still seen
    lost = table.rows_after < table.rows_before
    return (width - drawn if most else 0, drawn if lost else 0, 0 if lost else drawn)
