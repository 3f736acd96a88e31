"""integrity: values."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from checks import integrity
from checks.queries import checks_of
from pytest_visionforge.plan.values import rules
from tests.checks.conftest import Make

check_stored_type = checks_of("integrity")["check_stored_type"]


def test_not_null(shop: Make) -> None:
    """NULL is found, counted and named by its key; a column without NULL passes."""
    bench = shop()
    finding = bench.found(
        integrity.check_not_null, not_null=rules.NotNull(table="customers", column="country")
    )
    assert finding.says == "1 of 3 rows: country is NULL"
    assert [dict(row.key) for row in finding.sample] == [{"id": "3"}]
    evidence = bench.passes(
        integrity.check_not_null, not_null=rules.NotNull(table="customers", column="email")
    )
    assert evidence.rows == 3


def test_where_narrows(shop: Make) -> None:
    """`where` goes in as it stands, colons too, and narrows what is looked at."""
    rule = rules.NotNull(table="customers", column="country", where="email <> ':x' and id < 3")
    assert shop().passes(integrity.check_not_null, not_null=rule).rows == 2


def test_sample_shows_only_what_the_plan_names(shop: Make) -> None:
    """Beside the key only columns that the plan names are shown, and at most `record.sample` rows."""
    bench = shop("INSERT INTO customers (id, email) VALUES (4, ''), (5, NULL)")
    rule = rules.NotNull(table="customers", column="country", sample=("email",))
    bench.plan = replace(bench.plan, record=replace(bench.plan.record, sample=2))
    said = bench.run(integrity.check_not_null, not_null=rule)
    assert said.count == 3
    assert [str(row) for row in said.sample] == ["id=3   email=c@shop.example", "id=4   email=''"]
    plain = bench.run(integrity.check_not_null, not_null=replace(rule, sample=()))
    assert "shop.example" not in str(plain)


def test_unique(shop: Make) -> None:
    """Rows with the same values are counted in groups and rows; NULL is passed over."""
    bench = shop(
        "INSERT INTO customers (id, email) VALUES (4, 'A@shop.example'), (5, 'a@shop.example'), (6, NULL)"
    )
    rule = rules.Unique(table="customers", columns=("lower(email)",))
    finding = bench.found(integrity.check_unique, unique=rule)
    assert finding.says == (
        "3 of 6 rows: the same lower(email) as another one (in 1 group) (1 with NULL passed over)"
    )
    assert [row.key["id"] for row in finding.sample] == ["1", "4", "5"]
    assert bench.passes(integrity.check_unique, unique=replace(rule, where="id < 4")).rows == 3


def test_unique_over_several_columns(shop: Make) -> None:
    """Several columns are the same only together, and NULL in one of them is enough to pass."""
    bench = shop(
        "INSERT INTO customers (id, email, country) VALUES (4, 'x', 'NO'), (5, 'x', 'NO'), (6, 'x', NULL)"
    )
    finding = bench.found(
        integrity.check_unique, unique=rules.Unique(table="customers", columns=("email", "country"))
    )
    assert (finding.count, finding.of) == (2, 6)
    assert bench.passes(
        integrity.check_unique, unique=rules.Unique(table="customers", columns=("id", "email"))
    )


def test_unique_does_not_take_a_missing_column_for_an_expression(shop: Make) -> None:
    """A column that is not there is said to be missing."""
    said = shop().cannot_tell(
        integrity.check_unique, unique=rules.Unique(table="customers", columns=("emial",))
    )
    assert "no column emial" in str(said)
    assert "email" in str(said)


def test_pattern(shop: Make) -> None:
    """The whole value must match; NULL is passed over and said."""
    bench = shop(
        "INSERT INTO customers (id, email) VALUES (4, 'no address'), (5, 'x y@shop.example'), (6, NULL)"
    )
    rule = rules.Pattern(table="customers", column="email", regex=r"[^@\s]+@[^@\s]+\.[a-z]+")
    finding = bench.found(integrity.check_pattern, pattern=rule)
    assert (finding.count, finding.of) == (2, 6)
    assert "1 with NULL passed over" in finding.says
    assert [row.key["id"] for row in finding.sample] == ["4", "5"]
    assert bench.passes(integrity.check_pattern, pattern=replace(rule, where="id < 4"))


def test_pattern_is_case_sensitive(shop: Make) -> None:
    """A pattern of lower case does not match upper case, whatever the collation says."""
    rule = rules.Pattern(table="customers", column="country", regex="[a-z]+|DE")
    assert shop().found(integrity.check_pattern, pattern=rule).count == 1


def test_accepted(shop: Make) -> None:
    """A value outside of the set is found, one of another case too; NULL is passed over."""
    bench = shop("INSERT INTO customers (id, country) VALUES (4, 'GB'), (5, 'de')")
    rule = rules.Accepted(table="customers", column="country", values=("DE", "FR", "it's"))
    finding = bench.found(integrity.check_accepted, accepted=rule)
    assert finding.says == "2 of 5 rows: country is none of DE, FR, it's (1 with NULL passed over)"
    assert bench.passes(integrity.check_accepted, accepted=replace(rule, where="id < 4")).rows == 3


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [("line_count", (0, 1, 2), (0, 1)), ("total", (22.0, 0.33, 0.0), (22.0, 0.0))],
)
def test_accepted_numbers(shop: Make, column: str, good: tuple[float, ...], bad: tuple[float, ...]) -> None:
    """Numbers are accepted as numbers."""
    bench = shop()
    rule = rules.Accepted(table="orders", column=column, values=good)
    assert bench.passes(integrity.check_accepted, accepted=rule)
    assert bench.found(integrity.check_accepted, accepted=replace(rule, values=bad)).count == 1


def test_accepted_days(shop: Make) -> None:
    """Days are accepted as days."""
    rule = rules.Accepted(table="customers", column="born", values=(date(1990, 5, 1),))
    assert shop().found(integrity.check_accepted, accepted=rule).count == 1


@pytest.mark.parametrize(
    ("low", "high", "keys"),
    [
        ("10", "100", []),
        ("10.01", "100", ["1"]),
        ("10", "99.99", ["2"]),
        ("50", None, ["1"]),
        (None, "1e1", ["2"]),
    ],
)
def test_range_of_numbers(shop: Make, low: str | None, high: str | None, keys: list[str]) -> None:
    """Bounds belong to the range, either may be missing, NULL is passed over."""
    rule = rules.Range(table="customers", column="score", low=low, high=high)
    said = shop().run(integrity.check_range, range_=rule)
    assert [row.key["id"] for row in getattr(said, "sample", ())] == keys
    assert "1 with NULL passed over" in said.says


@pytest.mark.parametrize(
    ("column", "low", "high", "keys"),
    [
        ("born", "1990-05-01", "2000-12-31", []),
        ("born", "1990-05-02", "2000-12-30", ["1", "2"]),
        ("created_at", "2024-01-01", "2024-01-02", []),
        ("created_at", "2024-01-01T08:00:00.5", "2024-01-02 08:00:00", ["1"]),
        ("created_at", "2024-01-01T10:00:00+02:00", "2024-01-02T07:59:59Z", ["2"]),
        ("created_at", None, "2024-01-01", ["2"]),
    ],
)
def test_range_of_moments(shop: Make, column: str, low: str | None, high: str, keys: list[str]) -> None:
    """A day as a bound takes in the whole day; a moment with a zone is that moment in UTC."""
    rule = rules.Range(table="customers", column=column, low=low, high=high)
    said = shop().run(integrity.check_range, range_=rule)
    assert [row.key["id"] for row in getattr(said, "sample", ())] == keys


def test_range_of_numbers_over_text_is_refused(shop: Make) -> None:
    """Text compares with numbers in surprising ways, so the check cannot tell."""
    rule = rules.Range(table="customers", column="nick", low="0")
    assert "says nothing" in str(shop().cannot_tell(integrity.check_range, range_=rule))


def test_moments_that_cannot_be_read_are_offenders(sqlite_bench: Make) -> None:
    """Text that is no timestamp gives NULL when compared, and must not pass for that."""
    bench = sqlite_bench(
        "CREATE TABLE t (id integer PRIMARY KEY, at timestamp); INSERT INTO t VALUES (1, '03/04/2024')"
    )
    finding = bench.found(integrity.check_range, range_=rules.Range(table="t", column="at", low="2000-01-01"))
    assert finding.says == "1 of 1 row: at is no timestamp"


def test_stored_type_on_sqlite(sqlite_bench: Make) -> None:
    """What SQLite keeps although it is not of the declared type is found, column by column."""
    bench = sqlite_bench(
        """
        CREATE TABLE good (
            id integer PRIMARY KEY, n int, d decimal(5,2), t text, b boolean, day date, at datetime);
        INSERT INTO good VALUES (1, 1, 1.5, '1', 1, '2024-02-29', '2024-01-01T23:00:00-05:00'),
            (2, NULL, 2, 3, 0, NULL, 1700000000),
            (3, 1.0, '1.5', '', NULL, '2024-12-31', '2024-01-01 10:00:00.123456');
        CREATE TABLE bad (
            id integer PRIMARY KEY, n int, d decimal(5,2), t text, b boolean, day date, at datetime);
        INSERT INTO bad VALUES (1, 1.5, 'n/a', x'00', 'yes', '2024-02-30', '01.02.2024'),
            (2, '', x'01', 'ok', 2, 'today', x'02'), (3, 1, 2, 't', 1, '0000-00-00', 'now');
        """
    )
    assert bench.passes(check_stored_type, table=bench.table("good")).rows == 3
    finding = bench.found(check_stored_type, table=bench.table("bad"))
    assert (finding.count, finding.of) == (3, 3)
    numbers = {"n": 2, "d": 2, "t": 1, "b": 2, "day": 3, "at": 3}
    for column, number in numbers.items():
        assert re.search(rf"{column} holds what is no [^ ]+ \({number}\)", finding.says)


def test_stored_type_of_zero_dates(mariadb_bench: Make) -> None:
    """Dates of zeros, which a lax MariaDB keeps, are found."""
    bench = mariadb_bench(
        """
        SET SESSION sql_mode = '';
        CREATE TABLE t (id int PRIMARY KEY, d date, at datetime);
        INSERT INTO t VALUES (1, '0000-00-00', '2024-01-01 00:00:00'),
            (2, '2024-02-00', '0000-00-00 00:00:00'),
            (3, '2024-10-10', NULL)
        """
    )
    finding = bench.found(check_stored_type, table=bench.table("t"))
    assert (finding.count, finding.of) == (2, 3)


def test_stored_type_passes_clean_data(shop: Make) -> None:
    """Clean data passes, whether the DBMS or we look at it."""
    bench = shop()
    for table in bench.database.schema.tables.values():
        assert bench.passes(check_stored_type, table=table)
