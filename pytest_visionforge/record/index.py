"""The list of runs: `index.html` in a directory of records, with verdicts and trend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pytest_visionforge.errors import RecordError
from pytest_visionforge.outcome import Outcome, Verdict
from pytest_visionforge.record import words
from pytest_visionforge.record.charts import HEIGHT, WIDTH
from pytest_visionforge.record.heads import Head, head
from pytest_visionforge.record.page import rendered, whole
from pytest_visionforge.record.partial import read_any
from pytest_visionforge.record.record import Record, record_files, unfinished, write_whole

INDEX, CUTOVER = "index.html", "cutover.html"
_MOST = 60  # runs that are listed
_TREND = 30  # runs of one phase that are drawn


@dataclass(frozen=True, slots=True)
class Row:
    """One run as it is listed; `page` is "" where there is none to go to."""

    id: str
    started: datetime
    phase: str
    verdict: str
    sign: str
    tone: str
    checks: str
    found: str
    since: str
    took: str
    plan: str
    page: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One run in a trend, in SVG's units; `tone` is its verdict."""

    x: float
    y: float
    width: float
    height: float
    tone: str


@dataclass(frozen=True, slots=True)
class Trend:
    """The findings of the last runs of a phase, the oldest first."""

    title: str
    says: str
    first: str
    last: str
    bars: tuple[Bar, ...]


def write_index(directory: Path, *, assets: bool = False) -> Path:
    """Draws the list of the runs in a directory of records, and returns its path; RecordError where it cannot."""
    path = directory / INDEX
    try:
        write_whole(path, index(directory, assets=assets).encode())
    except OSError as error:
        raise RecordError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def index(directory: Path, *, assets: bool = False) -> str:
    """The list of the runs in a directory of records as a page."""
    files = record_files(directory)
    found = list(_heads(files[-_MOST:]))
    rows = [
        *_rows(found, directory),
        *_left(directory, files[-_MOST].parent.name if len(files) > _MOST else ""),
    ]
    view = {
        "rows": sorted(rows, key=lambda row: row.id, reverse=True),
        "cutover": CUTOVER if (directory / CUTOVER).is_file() else "",
        "older": max(0, len(files) - _MOST),
        "trends": list(_trends([each for each in found if isinstance(each, Head)])),
    }
    return whole(rendered("index.html.j2", view), "Validation records", "Validation records", assets=assets)


def _heads(files: Sequence[Path]) -> Iterator[Head | Path]:
    """Each record's head; the path of one that is damaged."""
    for path in files:
        try:
            yield head(path)
        except RecordError:
            yield path


def _rows(found: Sequence[Head | Path], directory: Path) -> Iterator[Row]:
    last: dict[tuple[str, str], Head] = {}
    for each in found:
        if isinstance(each, Path):
            yield _damaged(each.parent.name)
            continue
        kind = (each.record.plan, each.record.phase)
        has_page = (directory / each.record.id / "record.html").is_file()
        yield _row(each, last.get(kind), f"{each.record.id}/record.html" if has_page else "")
        last[kind] = each


def _row(found: Head, last: Head | None, page: str) -> Row:
    record = found.record.safe()
    done = record.completeness
    return Row(
        record.id,
        record.started,
        record.phase,
        record.verdict.value,
        words.SYMBOLS[record.verdict],
        _tone(record.verdict),
        f"{done.ran:,} of {done.planned:,}",
        _found(found),
        _since(found, last),
        words.duration(record.seconds),
        record.plan,
        page,
    )


def _found(found: Head) -> str:
    kinds = ((Outcome.VIOLATED, "violated"), (Outcome.CANNOT_TELL, "undecided"), (Outcome.WARNED, "warned"))
    return (
        " · ".join(f"{n:,} {word}" for kind, word in kinds if (n := found.outcomes.get(kind, 0))) or "nothing"
    )


def _since(found: Head, last: Head | None) -> str:
    if last is None:
        return "the first run"
    new, gone = len(found.bad - last.bad), len(last.bad - found.bad)
    return " · ".join(f"{n:,} {word}" for n, word in ((new, "new"), (gone, "gone")) if n) or "the same"


def _damaged(id: str) -> Row:
    return _stub(id, "cannot be read", "its record.json is damaged")


def _left(directory: Path, since: str) -> Iterator[Row]:
    """The runs that left no record, of the time that is listed."""
    for id in unfinished(directory):
        if id < since:
            continue
        with suppress(RecordError):
            record = read_any(directory / id).safe()
            done = record.completeness
            says = f"{done.ran:,} of {done.planned:,}"
            yield _stub(id, record.verdict.value, "killed, or under way", checks=says, plan=record.plan)
            continue
        yield _stub(id, Verdict.INCOMPLETE.value, "killed, or under way")


def _stub(id: str, verdict: str, found: str, *, checks: str = "", plan: str = "") -> Row:
    stamp, _, rest = id.partition("-")
    started = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")
    phase = rest.rpartition("-")[0]
    sign = words.SYMBOLS[Verdict.INCOMPLETE]
    return Row(id, started, phase, verdict, sign, "incomplete", checks, found, "", "", plan, "")


def _trends(found: Sequence[Head]) -> Iterator[Trend]:
    """One for each plan and phase with at least two runs."""
    kinds: dict[tuple[str, str], list[Head]] = {}
    for each in found:
        kinds.setdefault((each.record.plan, each.record.phase), []).append(each)
    for (plan, phase), runs in kinds.items():
        if len(runs) > 1:
            yield _trend(f"{plan}, {phase}", runs[-_TREND:])


def _trend(title: str, runs: Sequence[Head]) -> Trend:
    counts = [len(run.bad) for run in runs]
    most = max(counts) or 1
    width = min(24.0, WIDTH / len(runs))
    bars = tuple(
        Bar(
            round(place * width, 1),
            round(HEIGHT + 1 - (tall := 4 + (HEIGHT - 4) * count / most), 1),
            round(width - 2, 1),
            round(tall, 1),
            _tone(run.record.verdict),
        )
        for place, (run, count) in enumerate(zip(runs, counts, strict=True))
    )
    good = sum(run.record.verdict is Verdict.GO for run in runs)
    says = f"{good} of {len(runs)} runs GO; findings {counts[0]:,} at first, {counts[-1]:,} in the last"
    return Trend(title, says, _day(runs[0].record), _day(runs[-1].record), bars)


def _day(record: Record) -> str:
    return f"{record.started:%Y-%m-%d}"


def _tone(verdict: Verdict) -> str:
    return verdict.name.lower().replace("_", "-")
