"""Charts as geometry: what the templates draw as SVG, each with the same in words.

A chart has no script and no style of its own; its numbers stand beside it as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pytest_visionforge.record import words
from pytest_visionforge.record.beside import Latency, Look
from pytest_visionforge.record.record import TableFacts

WIDTH, HEIGHT = 300, 64
_POINTS = 120  # of one line: a page stays light however long a migration took
_ALIKE = 0.1  # share by which two times may differ and are about the same; what is too slow the checks say
Unit = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Panel:
    """One quantity over the time of a migration: `lines` are points of SVG, `says` tells them in words."""

    title: str
    says: str
    top: str
    span: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing now and the last time: widths of 0..200, and both in words."""

    name: str
    now: str
    last: str
    change: str
    width: int
    width_last: int | None


def share(value: float) -> str:
    """`41 %`."""
    return f"{100 * value:.0f} %"


def _bytes(value: float) -> str:
    return words.size(round(value))


def _count(value: float) -> str:
    return f"{value:,.0f}"


def milliseconds(seconds: float) -> str:
    """`0.4 ms`, `83 ms`, `1.2 s`."""
    if seconds >= 1:
        return words.duration(seconds)
    return f"{1000 * seconds:.1f} ms" if seconds < 0.01 else f"{1000 * seconds:.0f} ms"


# title, the attributes that are drawn, how a number is told, the top of the scale (0: the greatest value),
# and whether the least value is what matters
_PANELS: tuple[tuple[str, tuple[str, ...], Unit, float, bool], ...] = (
    ("CPU of the machine", ("cpu",), share, 1.0, False),
    ("Memory of the machine", ("memory",), share, 1.0, False),
    ("Disk, free", ("free",), _bytes, 0.0, True),
    ("Memory of the migration", ("tree_memory",), _bytes, 0.0, False),
    ("Size of the database", ("size",), _bytes, 0.0, False),
    ("Sessions that wait for a lock", ("waits",), _count, 0.0, False),
    ("Connections", ("connections",), _count, 0.0, False),
    ("Replication lag", ("lag",), words.duration, 0.0, False),
)


def panels(looks: Sequence[Look]) -> tuple[Panel, ...]:
    """A panel for each quantity that was seen at least twice."""
    return tuple(_panels(looks))


def _panels(looks: Sequence[Look]) -> Iterator[Panel]:
    span = looks[-1].at if looks else 0.0
    for title, names, unit, top, least in _PANELS:
        seen = {
            name: [(look.at, v) for look in looks if (v := getattr(look, name)) is not None] for name in names
        }
        drawn = {name: points for name, points in seen.items() if len(points) > 1}
        if not drawn or span <= 0:
            continue
        values = [value for points in drawn.values() for _, value in points]
        scale = top or max(values) or 1.0
        lines = tuple(_line(points, span, scale, least=least) for points in drawn.values())
        yield Panel(title, _says(values, unit, least=least), unit(scale), words.duration(span), lines)


def _says(values: Sequence[float], unit: Unit, *, least: bool) -> str:
    first, last = unit(values[0]), unit(values[-1])
    if least:
        return f"at least {unit(min(values))}, {last} at the end"
    return f"at most {unit(max(values))}, from {first} to {last}"


def _line(points: Sequence[tuple[float, float]], span: float, scale: float, *, least: bool) -> str:
    """The points of one line, of each stretch of time the worst: no peak is smoothed away."""
    worst = min if least else max
    size = -(-len(points) // _POINTS)
    stretches = (points[start : start + size] for start in range(0, len(points), size))
    chosen = (worst(stretch, key=lambda point: point[1]) for stretch in stretches)
    return " ".join(
        f"{WIDTH * at / span:.1f},{HEIGHT - (HEIGHT - 4) * min(1.0, max(0.0, value / scale)):.1f}"
        for at, value in chosen
    )


def times(phases: Sequence[tuple[str, float, float | None]]) -> tuple[Bar, ...]:
    """The seconds of each phase, and of the last time it was run."""
    most = max((max(now, last or 0) for _, now, last in phases), default=0) or 1
    return tuple(
        Bar(
            name,
            words.duration(now),
            "" if last is None else words.duration(last),
            _change(now, last),
            max(1, round(200 * now / most)),
            None if last is None else max(1, round(200 * last / most)),
        )
        for name, now, last in phases
    )


def speeds(measured: Sequence[Latency]) -> tuple[Bar, ...]:
    """The 95th percentile of each endpoint and query, after the migration and before it."""
    found = [(each.name, each.after or each.before, each.before) for each in measured]
    most = max((max(now[1], (before or (0, 0))[1]) for _, now, before in found if now), default=0) or 1
    return tuple(
        Bar(
            each.name,
            _two(each.after),
            _two(each.before),
            _change(each.after[1] if each.after else None, each.before[1] if each.before else None),
            round(200 * each.after[1] / most) or 1 if each.after else 0,
            round(200 * each.before[1] / most) or 1 if each.before else None,
        )
        for each in measured
    )


def _two(pair: tuple[float, float] | None) -> str:
    return f"{milliseconds(pair[0])} / {milliseconds(pair[1])}" if pair else ""


def _change(now: float | None, last: float | None) -> str:
    """`40 % longer`, `3.1 times as long`, `about the same`."""
    if not now or not last:
        return ""
    more = now / last - 1
    if abs(more) <= _ALIKE:
        return "about the same"
    if more >= 1:
        return f"▲ {now / last:.1f} times as long"
    return f"{'▲' if more > 0 else '▼'} {100 * abs(more):.0f} % {'longer' if more > 0 else 'shorter'}"


def rows(table: TableFacts, width: int = 120) -> tuple[int, int, int] | None:
    """How wide to draw the rows that stayed in number, those lost and those gained; None if unknown."""
    if table.rows_before is None or table.rows_after is None:
        return None
    most = max(table.rows_before, table.rows_after)
    changed = abs(table.rows_before - table.rows_after)
    drawn = max(6, round(width * changed / most)) if changed else 0  # one row in a million is still seen
    lost = table.rows_after < table.rows_before
    return (width - drawn if most else 0, drawn if lost else 0, 0 if lost else drawn)
