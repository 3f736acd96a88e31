from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_visionforge.errors import PlanError
from pytest_visionforge.outcome import Severity
from pytest_visionforge.plan.values.rules import BusinessRule
from tests.plan import samples


def from_file(content: str | bytes, name: str = "rules/orders-are-paid.sql") -> BusinessRule:
    """Read the rule in a file."""
    (rule,) = samples.plan(samples.SHORTEST, files={name: content}).rules
    return rule


def test_a_rule_in_the_plan() -> None:
    """`[[rules]]` gives every field of a rule, and its SQL as it stands."""
    text = f"""{samples.SHORTEST}
        [[rules]]
        id = "r"
        why = "w"
        remedy = "m"
        severity = "warn"
        when = "after"
        parameters = {{ least = 1, name = "x", share = 0.5, strict = true }}
        sql = "select '$NOT_A_VARIABLE' where :least = 1; "
    """
    assert samples.plan(text).rules == (
        BusinessRule(
            id="r",
            sql={"": "select '$NOT_A_VARIABLE' where :least = 1"},
            why="w",
            remedy="m",
            severity=Severity.WARN,
            when="after",
            parameters={"least": 1, "name": "x", "share": 0.5, "strict": True},
        ),
    )


def test_a_rule_has_its_own_sql_for_each_dbms() -> None:
    """The text of the DBMS comes before the text for any."""
    rule = BusinessRule(id="r", sql={"mysql": "m", "": "any"})
    assert (rule.text("mysql"), rule.text("sqlite")) == ("m", "any")
    text = '[[rules]]\nid = "r"\nsql = { sqlite = "select 1", mysql = "select 2" }'
    (read,) = samples.plan(samples.SHORTEST + text).rules
    assert (read.text("sqlite"), read.text("mysql"), read.text("postgresql")) == ("select 1", "select 2", "")


@pytest.mark.parametrize(
    ("when", "missing"),
    [("before", ["mysql"]), ("after", ["postgresql"]), ("both", ["mysql", "postgresql"])],
)
def test_a_dbms_without_sql_is_told(when: str, missing: list[str]) -> None:
    """A rule that has no SQL for a database that it would meet asserts nothing there."""
    rule = f'[[rules]]\nid = "r"\nwhen = "{when}"\nsql = {{ sqlite = "select 1" }}'
    assert samples.errors(samples.WHOLE + rule) == [
        f'rules: "r" has no SQL for {dbms}; write sql = {{ {dbms} = "..." }}' for dbms in missing
    ]


def test_a_rule_in_a_file() -> None:
    """The comment at the head of a file gives the keys of the rule."""
    rule = from_file(
        "-- id: settled\n"
        "-- why: Finance closes the month\n"
        "--   on settled payments: always\n"
        "-- remedy: settle them\n"
        "-- severity: warn\n"
        "-- when: after\n"
        "-- A remark that is no key.\n"
        "--   and goes on\n"
        "\n"
        "-- why: no longer the head\n"
        "select 1;\n"
    )
    assert rule.id == "settled"
    assert rule.why == "Finance closes the month on settled payments: always"
    assert (rule.remedy, rule.severity, rule.when) == ("settle them", Severity.WARN, "after")
    assert rule.sql[""].endswith("select 1")
    assert rule.path is not None
    assert rule.path.name == "orders-are-paid.sql"


def test_a_file_without_a_head_is_called_by_its_name() -> None:
    """The id of a rule is the stem of its file, where the head gives none."""
    assert from_file("select 1").id == "orders-are-paid"
    assert from_file(b"\xef\xbb\xbf-- why: x\r\nselect 1\r\n").why == "x"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.sql", "-- severty: warn\nselect 1", 'severty: unknown key; did you mean "severity"?'),
        ("a.sql", "-- severity: wrong\nselect 1", "severity: unknown word 'wrong'"),
        ("a.sql", "-- why:\nselect 1", "why: is blank"),
        ("a.sql", "-- id: two words\nselect 1", "id: 'two words' is no id"),
        ("a.sql", "-- why: x\n/* nothing */ ;", "holds no SQL, so it asserts nothing"),
        ("a.sql", b"\xff", "is not UTF-8 text"),
        ("two words.sql", "select 1", "'two words' is no id"),
    ],
)
def test_a_wrong_file_is_told_by_its_name(name: str, content: str | bytes, says: str) -> None:
    """An error in a rule file names that file."""
    (error,) = samples.errors(samples.SHORTEST, files={f"rules/{name}": content})
    assert error.startswith(f"rules/{name}: ")
    assert says in error


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ('sql = "select 1"', "rules #1.id: is missing"),
        ('id = "r"', "rules #1.sql: is missing"),
        ('id = "r"\nsql = " -- nothing"', "rules #1.sql: holds no SQL"),
        ('id = "r"\nsql = {}', 'rules: "r" has no SQL for sqlite'),
        (
            'id = "r"\nsql = { postgres = "x" }',
            'rules #1.sql.postgres: unknown key; did you mean "postgresql"?',
        ),
        ('id = "r"\nsql = 5', "rules #1.sql: expected text, found a number"),
        ('id = "r"\nsql = "x"\nparameters = { a = [] }', "rules #1.parameters.a: expected text, a number"),
    ],
)
def test_a_wrong_rule_is_told(rule: str, says: str) -> None:
    """Each error in `[[rules]]` names the rule by its place."""
    assert any(error.startswith(says) for error in samples.errors(f"{samples.SHORTEST}[[rules]]\n{rule}"))


def test_an_empty_list_of_rules_is_told() -> None:
    """`rules = []` asserts nothing."""
    (error,) = samples.errors(f"rules = []\n{samples.SHORTEST}")
    assert error == "rules: is empty, so it asserts nothing: leave it out or fill it"


@given(st.binary() | st.text("-- idwhy:\n").map(str.encode))
def test_no_rule_file_does_more_than_be_wrong(content: bytes) -> None:
    """Any bytes at all in a rule file are either read or told."""
    told = samples.errors(samples.SHORTEST, files={"rules/a.sql": content})
    assert all(error.startswith("rules/a.sql: ") for error in told)


def test_a_rule_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """What stands in the place of a rule file and is none does not go by in silence."""
    (tmp_path / "rules" / "a.sql").mkdir(parents=True)
    with pytest.raises(PlanError, match=r"rules/a\.sql: cannot be read: Is a directory"):
        samples.plan_in(tmp_path, samples.SHORTEST)
