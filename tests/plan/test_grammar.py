from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_visionforge.plan import grammar
from pytest_visionforge.plan.grammar import Sum, Wrong

EVERY = [
    grammar.duration,
    grammar.size,
    grammar.share,
    grammar.bounds,
    grammar.row_bounds,
    grammar.in_order,
    grammar.table_column,
    grammar.expressions,
    grammar.aggregate,
    grammar.regex,
    grammar.requirement,
    grammar.identifier,
    grammar.rights,
]

NAME = st.from_regex(r"[a-z_]\w{0,20}", fullmatch=True).filter(lambda name: name != "where")


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (grammar.duration, "800ms", 0.8),
        (grammar.duration, "5s", 5.0),
        (grammar.duration, "10min", 600.0),
        (grammar.duration, "24h", 86400.0),
        (grammar.duration, "30d", 2592000.0),
        (grammar.duration, "1.5 h", 5400.0),
        (grammar.size, "2GB", 2_000_000_000),
        (grammar.size, "1.5 TB", 1_500_000_000_000),
        (grammar.share, "1%", 0.01),
        (grammar.share, "0%", 0.0),
        (grammar.share, "100%", 1.0),
        (grammar.bounds, "0..100000", ("0", "100000")),
        (grammar.bounds, "1..", ("1", None)),
        (grammar.bounds, " .. -0.5e3 ", (None, "-0.5e3")),
        (grammar.bounds, "2020-01-01 .. 2024-12-31", ("2020-01-01", "2024-12-31")),
        (grammar.bounds, "2020-01-01..2020-01-01 12:30:00", ("2020-01-01", "2020-01-01 12:30:00")),
        (grammar.row_bounds, "1..", (1, None)),
        (grammar.row_bounds, "0..500", (0, 500)),
        (grammar.in_order, "ordered_at <= paid_at<=shipped_at", ("ordered_at", "paid_at", "shipped_at")),
        (grammar.table_column, "customers.id", ("customers", "id")),
        (grammar.table_column, "sales.customers.id", ("sales.customers", "id")),
        (grammar.table_column, "Order Details.OrderID", ("Order Details", "OrderID")),
        (grammar.expressions, "lower(email)", ("lower(email)",)),
        (grammar.expressions, "a, coalesce(b, ',')", ("a", "coalesce(b, ',')")),
        (grammar.aggregate, "count(order_lines)", Sum("count", "order_lines", "", "")),
        (grammar.aggregate, "sum(lines.total)", Sum("sum", "lines", "total", "")),
        (
            grammar.aggregate,
            "sum(lines.price * (1 - lines.off) WHERE kind = 'where' )",
            Sum("sum", "lines", "price * (1 - lines.off)", "kind = 'where'"),
        ),
        (grammar.aggregate, 'max("sales.lines".at)', Sum("max", "sales.lines", "at", "")),
        (grammar.requirement, "alembic>=1.12", "alembic>=1.12"),
        (grammar.requirement, "psycopg[binary] >= 3.1, < 4", "psycopg[binary] >= 3.1, < 4"),
        (grammar.requirement, "pg_dump", "pg_dump"),
        (grammar.identifier, "paid-orders.are_settled", "paid-orders.are_settled"),
        (grammar.rights, "rwx", "rwx"),
    ],
)
def test_a_short_string_is_read(parse: Callable[[str], Any], text: str, value: Any) -> None:
    """Each piece of the grammar gives the value that the plan's page promises."""
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "says"),
    [
        (grammar.duration, "5", "is not a duration; write 800ms, 5s"),
        (grammar.duration, "5 weeks", "is not a duration"),
        (grammar.duration, "-5s", "is not a duration"),
        (grammar.duration, "0s", "is no time at all"),
        (grammar.size, "2G", "is not a size; write 500MB"),
        (grammar.share, "0.01", "is not a share; write 1%"),
        (grammar.share, "101%", "at most 100%"),
        (grammar.bounds, "5", "is not a range; write 0..100"),
        (grammar.bounds, "..", "asserts nothing"),
        (grammar.bounds, "9..1", "lower side first"),
        (grammar.bounds, "1..2024-01-01", "both of one kind"),
        (grammar.bounds, "2024-01-01 10:00..2024-01-02 10:00Z", "both of one kind"),
        (grammar.bounds, "1...5", "no side of a range"),
        (grammar.bounds, "a..b", "write a number, a date or a timestamp"),
        (grammar.bounds, "2024-02-30..", "is not a date"),
        (grammar.row_bounds, "-1..", "is no number of rows"),
        (grammar.row_bounds, "1.5..", "is no number of rows"),
        (grammar.in_order, "a", "is not an order; write"),
        (grammar.in_order, "a <= ", "is not an order"),
        (grammar.in_order, "a < b <= c", "is not an order"),
        (grammar.table_column, "customers", "is not table.column; write customers.id"),
        (grammar.table_column, "customers.", "is not table.column"),
        (grammar.table_column, "customers.id = 1", "is not table.column"),
        (grammar.expressions, "a,", "nothing beside a comma"),
        (grammar.expressions, "lower(email", "without its other half"),
        (grammar.expressions, "a) , (b", "without its other half"),
        (grammar.aggregate, "median(lines.total)", "is not an aggregate; write sum("),
        (grammar.aggregate, "sum(lines)", "does not say what of the child"),
        (grammar.aggregate, "sum(lines.)", "names no child table"),
        (grammar.aggregate, "count()", "names no child table"),
        (grammar.aggregate, "count(lines where)", "no condition after `where`"),
        (grammar.aggregate, "sum(lines.a) + sum(lines.b)", "without its other half"),
        (grammar.regex, "(", "is not a regular expression"),
        (grammar.requirement, "alembic >= new", "write alembic>=1.12"),
        (grammar.identifier, "two words", "is no id"),
        (grammar.rights, "rr", "are no rights"),
        (grammar.rights, "read", "write r, rw or rwx"),
    ],
)
def test_a_wrong_short_string_is_told_with_its_remedy(
    parse: Callable[[str], Any], text: str, says: str
) -> None:
    """What is not in the grammar is refused, with how it is written."""
    with pytest.raises(Wrong) as wrong:
        parse(text)
    assert says in str(wrong.value)
    assert "\n" not in str(wrong.value)


@pytest.mark.parametrize("parse", EVERY)
@given(text=st.text() | st.text("0123456789.<=()'\",%smhdGBwhere sumcount-"))
@example(text="")
@example(text="sum(" * 2000)
@example(text="9" * 5000 + "s")
def test_no_text_does_more_than_be_wrong(parse: Callable[[str], Any], text: str) -> None:
    """Any text at all is either read or `Wrong`."""
    try:
        parse(text)
    except Wrong as wrong:
        assert str(wrong)  # noqa: PT017


@given(
    st.integers(1, 10**6), st.sampled_from([("ms", 0.001), ("s", 1), ("min", 60), ("h", 3600), ("d", 86400)])
)
def test_a_duration_is_its_number_of_seconds(count: int, unit: tuple[str, float]) -> None:
    """Each unit of time is worth its seconds."""
    assert grammar.duration(f"{count}{unit[0]}") == pytest.approx(count * unit[1])


@given(st.decimals(0, 100, places=2))
def test_a_share_is_a_hundredth_for_each_percent(percent: Any) -> None:
    """`P%` is P / 100."""
    assert grammar.share(f"{percent}%") == pytest.approx(float(percent) / 100)


SIDES = st.one_of(
    st.tuples(st.integers(), st.integers()).map(sorted),
    st.tuples(st.dates(), st.dates()).map(sorted),
    st.tuples(st.datetimes(), st.datetimes()).map(sorted),
)


@given(SIDES, st.sampled_from(["both", "low", "high"]))
def test_a_range_comes_back_as_it_was_written(sides: list[int | date | datetime], given_sides: str) -> None:
    """`LO..HI` gives back the two texts, None for an open side."""
    low = None if given_sides == "high" else str(sides[0])
    high = None if given_sides == "low" else str(sides[1])
    assert grammar.bounds(f"{low or ''}..{high or ''}") == (low, high)


@given(SIDES.filter(lambda sides: sides[0] != sides[1]))
def test_a_range_upside_down_is_refused(sides: list[int | date | datetime]) -> None:
    """A range whose lower side is above the other would pass no row, and is a slip."""
    with pytest.raises(Wrong, match="lower side first"):
        grammar.bounds(f"{sides[1]}..{sides[0]}")


@given(st.lists(NAME, min_size=2, max_size=5))
def test_an_order_comes_back_as_it_was_written(columns: list[str]) -> None:
    """`a <= b <= c` gives its columns in order."""
    assert grammar.in_order(" <= ".join(columns)) == tuple(columns)


@given(NAME, NAME)
def test_a_table_and_column_come_back_as_written(table: str, column: str) -> None:
    """`table.column` gives its two names."""
    assert grammar.table_column(f"{table}.{column}") == (table, column)


@given(
    st.sampled_from(["sum", "count", "min", "max", "avg"]),
    NAME,
    st.sampled_from(["total", "price * quantity", "coalesce(total, 0)", "case when a > (b) then ')' end"]),
    st.sampled_from(["", "cancelled = 0", "kind in ('a', 'where (')", "not exists (select 1 where 1 = 1)"]),
)
def test_an_aggregate_comes_back_as_it_was_written(
    function: str, child: str, expression: str, condition: str
) -> None:
    """`f(child.expression where condition)` gives its four parts, whatever brackets and quotes hold."""
    text = f"{function}({child}.{expression}{' where ' if condition else ''}{condition})"
    assert grammar.aggregate(text) == Sum(function, child, expression, condition)


@given(st.lists(st.sampled_from(["a", "lower(b, c)", "'x, y'", '"odd, name"', "f(g(h, i), j)"]), min_size=1))
def test_expressions_are_parted_at_the_outer_commas_alone(parts: list[str]) -> None:
    """A comma in brackets or quotes parts nothing."""
    assert grammar.expressions(", ".join(parts)) == tuple(parts)
