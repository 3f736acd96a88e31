"""What the dialects say in their own words means the same."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from pytest_visionforge.database import Database
from tests import samples
from tests.soak import examples

WHOLE = (
    ("abc", "abc", True),
    ("a.c", "abc", True),
    ("ab", "abc", False),
    ("bc", "abc", False),
    ("abc", "abc\n", False),
    ("abc", "ABC", False),
    ("abc", "abc ", False),
    ("a|abc", "abc", True),
    (r"[a-z]+\d{2}", "shop42", True),
    (r"\d+:\d+", "10:30", True),
    ("100%", "100%", True),
    ("", "", True),
)


@pytest.mark.parametrize(("pattern", "value", "holds"), WHOLE)
def test_matches(url: str, pattern: str, value: str, holds: bool) -> None:
    """A pattern matches the whole text, case counts, and a newline at the end is a character."""
    samples.execute(url, "CREATE TABLE t (a varchar(20))")
    _insert(url, value)
    with Database("source", url) as database, database.session() as session:
        matches = database.dialect.language.matches("a", "pattern")
        assert session.value(f"SELECT count(*) FROM t WHERE {matches}", pattern=pattern) == holds


def test_matches_null(url: str) -> None:
    """NULL neither matches nor fails to match; a number matches by its text."""
    samples.execute(url, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (NULL), (42)")
    with Database("source", url) as database, database.session() as session:
        matches = database.dialect.language.matches("a", "pattern")
        assert session.value(f"SELECT count(*) FROM t WHERE {matches}", pattern="4.") == 1
        assert session.value(f"SELECT count(*) FROM t WHERE NOT ({matches})", pattern="4.") == 0


@pytest.mark.parametrize("other", ["ABC", "abc ", "äbc", "abc\t", "bc", ""])
def test_plain_tells_apart(url: str, other: str) -> None:
    """Two texts are the same only if they are the same bytes, whatever the collation says."""
    collation = {"sqlite": "COLLATE nocase", "mysql": "COLLATE utf8mb4_general_ci"}
    with Database("source", url) as database:
        samples.execute(url, f"CREATE TABLE t (a varchar(20) {collation.get(database.dialect.name, '')})")
        _insert(url, "abc")
        _insert(url, other)
        plain = database.dialect.language.plain
        twins = f"SELECT count(*) FROM t x, t y WHERE {plain('x.a')} = {plain('y.a')}"
        assert database.value(twins) == 2


def test_plain_is_byte_order(url: str) -> None:
    """Texts are ordered by their bytes."""
    samples.execute(url, "CREATE TABLE t (a varchar(20))")
    words = ["b", "A", "a", "ä", "B", "aa", "a a", "漢", "Z", "_"]
    for word in words:
        _insert(url, word)
    with Database("source", url) as database:
        rows = database.all(f"SELECT a FROM t ORDER BY {database.dialect.language.plain('a')}")
        assert [row[0] for row in rows] == sorted(words, key=str.encode)


def test_plain_across_charsets(mariadb: str) -> None:
    """The same text in two character sets is the same."""
    samples.execute(
        mariadb,
        "CREATE TABLE t (a varchar(9) CHARACTER SET latin1, b varchar(9) CHARACTER SET utf8mb4)",
        "INSERT INTO t VALUES ('äö', 'äö')",
    )
    with Database("source", mariadb) as database:
        plain = database.dialect.language.plain
        assert database.value(f"SELECT count(*) FROM t WHERE {plain('a')} = {plain('b')}") == 1


def test_plain_ignores_citext(postgresql: str) -> None:
    """A type that ignores case is compared by its text."""
    samples.execute(
        postgresql,
        "CREATE EXTENSION citext",
        "CREATE TABLE t (a citext)",
        "INSERT INTO t VALUES ('A'), ('a')",
    )
    with Database("source", postgresql) as database:
        plain = database.dialect.language.plain
        assert database.value(f"SELECT count(*) FROM t x, t y WHERE {plain('x.a')} = {plain('y.a')}") == 2


def test_same(url: str) -> None:
    """NULL is the same as NULL, and as nothing else."""
    with Database("source", url) as database:
        same = database.dialect.language.same
        pairs = {("NULL", "NULL"): 1, ("1", "1"): 1, ("1", "NULL"): 0, ("NULL", "1"): 0, ("1", "2"): 0}
        for (left, right), holds in pairs.items():
            assert database.value(f"SELECT CASE WHEN {same(left, right)} THEN 1 ELSE 0 END") == holds


def test_number_keeps_cents(url: str) -> None:
    """A sum of prices loses no cent (SQLite: none that a tolerance of a tenth of a cent shows)."""
    samples.execute(
        url, "CREATE TABLE t (a numeric(10,2))", "INSERT INTO t VALUES " + ", ".join(["(0.1)"] * 1000)
    )
    with Database("source", url) as database:
        total = database.value(f"SELECT sum({database.dialect.language.number('a')}) FROM t")
        assert abs(Decimal(str(total)) - 100) < Decimal("0.001")
        if database.dialect.name != "sqlite":
            assert total == 100


TIMES = {
    "sqlite": (
        ("text", "strftime('%Y-%m-%d %H:%M:%f', 'now', '-2 minutes')", "datetime('now', '+2 minutes')"),
        ("text", "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-2 minutes')", "datetime('now', '+1 day')"),
        ("int", "unixepoch() - 120", "unixepoch() + 120"),
        ("real", "julianday('now') - 0.01", "julianday('now') + 0.01"),
        ("text", "date('now')", "date('now', '+1 day')"),
    ),
    "postgresql": (
        ("timestamptz", "now() - interval '2 minutes'", "now() + interval '2 minutes'"),
        (
            "timestamp",
            "now() AT TIME ZONE 'UTC' - interval '2 minutes'",
            "now() AT TIME ZONE 'UTC' + interval '2 minutes'",
        ),
        ("date", "date(now() AT TIME ZONE 'UTC')", "date(now() AT TIME ZONE 'UTC') + 1"),
    ),
    "mysql": (
        ("timestamp", "now() - interval 2 minute", "now() + interval 2 minute"),
        ("datetime", "utc_timestamp() - interval 2 minute", "utc_timestamp() + interval 2 minute"),
        ("date", "utc_date()", "utc_date() + interval 1 day"),
    ),
}


def test_timestamps_and_now(url: str) -> None:
    """What is past is before the server's now, what is to come after it, in whatever zone it was written."""
    with Database("source", url) as database:
        zone = {"postgresql": "SET TIME ZONE '+09'", "mysql": "SET time_zone = '+09:00'"}
        for number, (type, past, coming) in enumerate(TIMES[database.dialect.name]):
            samples.execute(
                url,
                zone.get(database.dialect.name, "SELECT 1"),
                f"CREATE TABLE t{number} (past {type}, coming {type})",
                f"INSERT INTO t{number} VALUES ({past}, {coming})",
            )
            language = database.dialect.language
            past_is_past = f"{language.timestamp('past')} <= {language.now()}"
            coming_is_coming = f"{language.now()} < {language.timestamp('coming')}"
            ordered = f"SELECT count(*) FROM t{number} WHERE {past_is_past} AND {coming_is_coming}"
            assert database.value(ordered) == 1, type


@settings(
    max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=some.text(some.characters(min_codepoint=1, exclude_categories=["Cs"])))
def test_literal(url: str, text: str) -> None:
    """A text written as a literal is that text."""
    with Database("source", url) as database:
        assert database.value(f"SELECT {database.dialect.language.literal(text)}") == text


@settings(
    max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=some.text(some.characters(min_codepoint=1, exclude_categories=["Cs"]), max_size=20))
def test_as_text(url: str, text: str) -> None:
    """A text stays what it is."""
    with Database("source", url) as database, database.session() as session:
        as_text = database.dialect.language.as_text(database.dialect.language.literal(text))
        assert session.value(f"SELECT {as_text}") == text


def _insert(url: str, value: str) -> None:
    escaped = value.replace("'", "''")
    samples.execute(url, f"INSERT INTO t VALUES ('{escaped}')")
