"""expectations: great_expectations suites, on each DBMS."""

from __future__ import annotations

import socket
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from checks import expectations
from pytest_visionforge import CannotTell, Evidence, Finding, Severity
from pytest_visionforge import expectations as room
from pytest_visionforge.expectations import Batches
from pytest_visionforge.plan.values.rules import Expectation, TablePlan
from tests.checks.conftest import Bench, Make

ORDERS = """
CREATE TABLE "Orders" (id integer NOT NULL PRIMARY KEY, "State" varchar(10), total decimal(10, 2));
INSERT INTO "Orders" VALUES (1, 'new', 10), (2, 'secret', 20), (3, NULL, 30), (4, 'new', -1);
"""


def expect(type: str, where: str = "", **arguments: Any) -> Expectation:
    """An expectation on Orders."""
    return Expectation(table="Orders", type=f"expect_{type}", where=where, arguments=arguments)


MET = (
    expect("column_values_to_be_in_set", column="State", value_set=["new", "secret"]),
    expect("column_values_to_be_unique", column="id"),
    expect("table_row_count_to_equal", value=4),
    expect("column_mean_to_be_between", column="total", min_value=14, max_value=15),
    expect("column_values_to_be_between", where="id < 4", column="total", min_value=0),
)
BROKEN = (  # with the keys that must be named; None: a number of the whole table
    (expect("column_values_to_not_be_null", column="State"), ["3"]),
    (expect("column_values_to_be_in_set", column="State", value_set=["new"]), ["2"]),
    (expect("column_values_to_be_between", column="total", min_value=0, max_value=15), ["2", "3", "4"]),
    (expect("column_value_lengths_to_equal", column="State", value=3), ["2"]),
    (expect("table_row_count_to_equal", value=5), None),
    (expect("column_max_to_be_between", column="total", max_value=20), None),
    (expect("column_to_exist", column="gone"), None),
    (expect("column_values_to_be_between", where="id > 1", column="total", max_value=25), ["3"]),
)
UNTOLD = (
    expect("column_values_to_not_be_null", column="gone"),
    expect("column_values_to_be_beautiful", column="State"),
    expect("column_values_to_be_between", column="total"),
    expect("column_values_to_not_be_null", where="gone = 1", column="State"),
)


def suite(bench: Bench, *rules: Expectation, sample: int = 20) -> Batches:
    """The expectations as the plan's."""
    plan = replace(bench.plan, tables={"Orders": TablePlan("Orders", rules)})
    bench.plan = replace(plan, record=replace(plan.record, sample=sample))
    return Batches(bench.plan, bench.database, bench.names)


def quoted(script: str, bench: str) -> str:
    """The script in the DBMS's own quotes."""
    return script.replace('"', "`") if "mysql" in bench else script


@pytest.fixture
def orders(bench: Make, url: str) -> Bench:
    """A bench with the orders."""
    return bench(quoted(ORDERS, url))


def test_expectations_are_judged(orders: Bench) -> None:
    """What holds passes, what is broken is found with its keys, what cannot be tried is no pass."""
    batches = suite(orders, *MET, *(each for each, _ in BROKEN), *UNTOLD)
    for met in MET:
        assert isinstance(expectations.check_expectations(batches, met), Evidence), met
    for broken, keys in BROKEN:
        said = expectations.check_expectations(batches, broken)
        assert isinstance(said, Finding), broken
        if keys is not None:
            assert sorted(row.key["id"] or "" for row in said.sample) == keys, broken
            assert said.count == len(keys)
            assert all(set(row.key) == {"id"} for row in said.sample)
    for untold in UNTOLD:
        with pytest.raises(CannotTell) as caught:
            expectations.check_expectations(batches, untold)
        assert len(str(caught.value)) > 10, untold


def test_a_table_is_validated_once(orders: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """All expectations on the same rows are one batch, whichever is asked for first."""
    calls: list[int] = []
    tried = room._tried

    def counted(validate: Any, configurations: list[Any], runtime: dict[str, Any]) -> list[Any]:
        calls.append(len(configurations))
        return tried(validate, configurations, runtime)

    monkeypatch.setattr(room, "_tried", counted)
    batches = suite(orders, *MET, sample=1)
    for met in reversed(MET):
        batches.result(met)
    assert sorted(calls) == [1, 4]  # one of them has rows of its own


def test_the_sample_is_kept_small(orders: Bench) -> None:
    """At most `sample` keys are shown; all are counted."""
    broken = BROKEN[2][0]
    for sample in (0, 1):
        said = suite(orders, broken, sample=sample).result(broken)
        assert isinstance(said, Finding)
        assert (said.count, len(said.sample)) == (3, sample)


def test_nothing_of_the_data_is_told(orders: Bench, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    """Neither values nor addresses are in what is said, logged or printed."""
    broken = [each for each, _ in BROKEN[:2]]
    batches = suite(orders, *broken, *UNTOLD)
    said = [repr(batches.result(each)) for each in broken]
    printed = capfd.readouterr()
    told = "".join([*said, caplog.text, printed.out, printed.err])
    assert "secret" not in told.replace("'new', 'secret'", "")
    assert str(orders.database.url) not in told
    assert not printed.out + printed.err


def test_no_network_is_needed(sqlite_bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told that great_expectations is in use."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    batches = suite(sqlite_bench(ORDERS), *MET)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert isinstance(batches.result(MET[0]), Evidence)


def test_writing_is_refused(sqlite_bench: Make) -> None:
    """The connections that great_expectations gets cannot write."""
    bench = sqlite_bench(ORDERS)
    delete = 'DELETE FROM "Orders"'
    with (
        room._engine(bench.database) as engine,
        engine.connect() as connection,
        pytest.raises(OperationalError),
    ):
        connection.exec_driver_sql(delete)


def test_columns_go_by_their_names_of_the_phase(sqlite_bench: Make) -> None:
    """Before the migration an expectation looks at the column's old name."""
    from pytest_visionforge.plan.values.changes import Changes, ColumnChanges, TableChange

    bench = sqlite_bench(ORDERS)
    broken = expect("column_values_to_not_be_null", column="status")
    renamed = TableChange("Orders", columns=ColumnChanges(renamed={"status": "State"}))
    bench.plan = replace(bench.plan, changes=Changes(tables={"Orders": renamed}))
    assert isinstance(suite(bench, broken).result(broken), Finding)


def test_a_table_without_a_key_has_numbers(sqlite_bench: Make) -> None:
    """Where nothing names a row, rows are counted and none is shown."""
    bench = sqlite_bench(ORDERS.replace("NOT NULL PRIMARY KEY", ""))
    broken = BROKEN[0][0]
    said = suite(bench, broken).result(broken)
    assert isinstance(said, Finding)
    assert (said.count, said.of, said.sample) == (1, 4, ())


def test_severity_is_the_plans() -> None:
    """The severity of an expectation is that of the plan's."""
    from pytest_visionforge.objects import OBJECTS
    from pytest_visionforge.scope import Scope
    from tests.plan import samples

    content = '{"expectations": [{"type": "expect_a", "severity": "warning"}, {"type": "expect_b"}]}'
    plan = samples.plan(samples.SHORTEST, files={"expectations/t.json": content})
    objects = list(OBJECTS["expectation"](Scope(plan, "premigration")))
    assert [each.severity for each in objects] == [Severity.WARN, Severity.BLOCK]


def test_the_library_is_imported_when_it_is_needed() -> None:
    """Importing the rules does not import great_expectations, which takes seconds."""
    program = (
        "import sys; import checks.expectations, pytest_visionforge.expectations, pytest_visionforge.fixtures;"
        "print('great_expectations' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
