"""The record as a page: static HTML that is complete without scripts, without a network, in print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_visionforge.outcome import Outcome, Result, Verdict
from pytest_visionforge.record import charts, words
from pytest_visionforge.record.around import Around, Cutover, mended, news
from pytest_visionforge.record.record import DatabaseFacts, Record, TableFacts

if TYPE_CHECKING:
    from jinja2 import Environment

STYLE = "visionforge.css"  # beside the page, where a policy allows no style inside it
_HERE = Path(__file__).parent

# A page stays readable and light however much went wrong; `record.json` holds everything.
_UNFOLDED = 25  # results of one outcome that are told at length
_LISTED = 500  # results, or tables, in one list
_ROWS = 20  # offending rows of one finding
_SLOWEST = 5
_LETTERS = 200  # of one value
_LONG = 600  # letters of a message that gets a box of its own
_TABLES_FIRST = 12  # tables on the first screen
_WAY = 8  # runs on the way
_COMPARING = ("baseline", "integrity")  # the suites that find what changed
_GOOD = (Outcome.PASSED, Outcome.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class _Suite:
    name: str
    results: tuple[Result, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """One run on the way of a cutover, as it is drawn."""

    phase: str
    sign: str
    says: str
    tone: str
    started: datetime
    seconds: float
    current: bool


def page(record: Record, around: Around = Around()) -> str:  # noqa: B008
    """The record as a part of a page, from its `<h2>` on; `stylesheet` gives its style."""
    return rendered("page.html.j2", _view(record.safe(), around))


def document(record: Record, around: Around = Around(), *, assets: bool = False) -> str:  # noqa: B008
    """The record as a whole page of its own, its style inside; with `assets` in `STYLE` beside it."""
    safe = record.safe()
    title = f"{safe.verdict} · {safe.plan} · {safe.phase}"
    return whole(page(record, around), title, "Validation record", assets=assets)


def cutover_document(cutover: Cutover, arounds: Mapping[str, Around], *, assets: bool = False) -> str:
    """A whole cutover as one page: the way, the charts, and each phase's last run as a record.

    `arounds` has what stands around each of these runs, by its id. Raises ValueError where there is no run.
    """
    runs = _last_of_each_phase(cutover)
    if not runs:
        raise ValueError("a cutover without a run")
    last = max(runs, key=lambda run: run.started).safe()
    view = {
        **_charts(arounds.get(last.id, Around(cutover))),
        **_limits(),
        "last": last,
        "headline": _headline(cutover, last),
        "failure": _failure(cutover, last),
        "started": min(run.started for run in runs),
        "runs": runs,
        "steps": _way(cutover, last),
        "tables": sorted(_tables(runs), key=lambda table: not _differs(table)),
        "parts": [
            (run, page(run, _alone(arounds.get(run.id, Around())))) for run in sorted(runs, key=_is_go)
        ],
    }
    title = f"{last.verdict} · {last.plan} · cutover"
    return whole(rendered("cutover.html.j2", view), title, "Cutover record", assets=assets)


def whole(part: str, title: str, heading: str, *, assets: bool = False) -> str:
    """A page around a part that is HTML already."""
    view = {"part": part, "title": title, "heading": heading, "assets": assets}
    return rendered("document.html.j2", {**view, "stylesheet": "" if assets else stylesheet()})


def stylesheet() -> str:
    """The style of the page, and of what pytest-html puts around it."""
    return (_HERE / "style.css").read_text(encoding="utf-8")


def rendered(template: str, view: Mapping[str, Any]) -> str:
    """A template filled in: every text is escaped, and shows what does not print."""
    return _templates().get_template(template).render(view)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from pytest_visionforge.record.compiled import Compiled

    templates = Environment(
        loader=FileSystemLoader(_HERE),
        bytecode_cache=Compiled(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals |= {"words": words, "Outcome": Outcome, "bar": charts.rows, "panels": charts.panels}
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


def _view(record: Record, around: Around) -> dict[str, Any]:
    tables = sorted(record.tables, key=lambda table: not _differs(table))
    suites = _suites(record)
    return {
        **_charts(around),
        **_limits(),
        "record": record,
        "around": around,
        "anchor": f"vf-{record.id}-",
        "sections": _sections(record),
        "undeclared": _undeclared(record),
        "suites": suites,
        "good": sum(len(suite.results) for suite in suites),
        "databases": _databases(record),
        "tables": tables,
        "differing": sum(map(_differs, tables)),
        "steps": _way(around.cutover, record),
        "news": news(record, around.last),
        "mended": mended(record, around.last),
        "slowest": _slowest(record, around.last),
        "artefacts": around.artefacts,
    }


def _limits() -> dict[str, int]:
    return {"rows": _ROWS, "unfolded": _UNFOLDED, "listed": _LISTED, "first": _TABLES_FIRST, "long": _LONG}


def _charts(around: Around) -> dict[str, Any]:
    before = around.before.phases
    phases = [(name, seconds, before.get(name)) for name, seconds in around.cutover.phases.items()]
    migrations = around.cutover.migrations
    return {
        "times": charts.times(phases),
        "speeds": charts.speeds(around.latencies),
        "migration": migrations[-1] if migrations else None,
    }


def _sections(record: Record) -> list[tuple[str, tuple[Result, ...]]]:
    return [
        (heading, words.having(record, outcome))
        for heading, outcome in (
            ("Failures", Outcome.VIOLATED),
            ("Could not be decided", Outcome.CANNOT_TELL),
            ("Warnings", Outcome.WARNED),
            ("Waived", Outcome.WAIVED),
        )
    ]


def _undeclared(record: Record) -> list[Result]:
    violated = words.having(record, Outcome.VIOLATED)
    return [each for each in violated if each.suite in _COMPARING and record.phase != "premigration"]


def _way(cutover: Cutover, record: Record) -> list[Step]:
    """The runs and migrations of a cutover in their order; the last `_WAY` of them."""
    steps = [
        Step(
            run.phase,
            words.SYMBOLS[run.verdict],
            run.verdict.value,
            _tone(run),
            run.started,
            run.seconds,
            run.id == record.id,
        )
        for run in cutover.runs
    ]
    for each in cutover.migrations:
        sign, says, tone = ("✗", "failed", "no-go") if each.failure else ("✓", "ended well", "go")
        steps.append(Step("migration", sign, says, tone, each.started, each.seconds, current=False))
    return sorted(steps, key=lambda step: step.started)[-_WAY:]


def _headline(cutover: Cutover, last: Record) -> Step:
    """What became of the cutover: its last run's verdict, unless it went back or never got there."""
    sign, says, tone = words.SYMBOLS[last.verdict], last.verdict.value, _tone(last)
    if last.phase == "rollback" and last.verdict is Verdict.GO:
        sign, says, tone = "↩", "ROLLED BACK", "incomplete"
    if _failure(cutover, last):
        sign, says, tone = "✗", "MIGRATION FAILED", "no-go"
    return Step(last.phase, sign, says, tone, last.started, last.seconds, current=True)


def _failure(cutover: Cutover, last: Record) -> str:
    """Why the migration failed, where nothing has been run since; ""."""
    newest = cutover.migrations[-1] if cutover.migrations else None
    return newest.failure if newest and newest.started >= last.started else ""


def _is_go(record: Record) -> bool:
    return record.verdict is Verdict.GO


def _tone(record: Record) -> str:
    return record.verdict.name.lower().replace("_", "-")


def _last_of_each_phase(cutover: Cutover) -> list[Record]:
    phases = dict.fromkeys(run.phase for run in cutover.runs)
    return [run for phase in phases if (run := cutover.newest(phase))]


def _tables(runs: Sequence[Record]) -> Sequence[TableFacts]:
    """The tables of the run that compared them: the migration's proof before any other."""
    by_phase = {run.phase: run.tables for run in runs if run.tables}
    return next(
        (by_phase[phase] for phase in ("postmigration", "rollback", "premigration") if phase in by_phase), ()
    )


def _alone(around: Around) -> Around:
    """What stands around one run on the page of its cutover, which tells the rest itself."""
    return Around(last=around.last, approvals=around.approvals, artefacts=around.artefacts)


def _databases(record: Record) -> dict[str, DatabaseFacts]:
    """The databases by their role; in place there is one, and it is shown once."""
    once = len(set(record.databases.values())) == 1
    return {"database": next(iter(record.databases.values()))} if once else dict(record.databases)


def _suites(record: Record) -> list[_Suite]:
    """What passed or did not apply, by suite in the order in which the suites ran."""
    good: dict[str, list[Result]] = {}
    for result in record.results:
        if result.outcome in _GOOD:
            good.setdefault(result.suite, []).append(result)
    return [_Suite(name, tuple(found), sum(each.seconds for each in found)) for name, found in good.items()]


def _slowest(record: Record, last: Record | None) -> list[tuple[Result, float | None, float]]:
    """The slowest checks, each with its seconds in the last run of its kind and its share of the slowest."""
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
