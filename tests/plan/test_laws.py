from __future__ import annotations

import pytest

from tests.plan import samples

RULES = """
[tables.orders]
accepted = { status = ["new"] }
[[rules]]
id = "paid-orders-are-settled"
sql = "select 1"
"""


def waived(check: str) -> list[str]:
    """What is said of a waiver of some check."""
    waiver = f'[[waivers]]\ncheck = "{check}"\nreason = "r"\nby = "b"\nuntil = 2026-12-31\n'
    return samples.errors(samples.SHORTEST + RULES + waiver)


@pytest.mark.parametrize(
    "check",
    [
        "orders.accepted.status",
        "paid-orders-are-settled",
        "orders.accepted",
        "payments.not_null.paid_at",
        "orders.check.total > 0.5",
        "baseline.values",
        "values",
        "sales.orders.rows",
        "sales.orders.values.total",
    ],
)
def test_a_waiver_that_may_match_is_kept(check: str) -> None:
    """A waiver may name a rule of the plan, a word on any table, or a rule that needs no plan."""
    assert waived(check) == []


@pytest.mark.parametrize(
    ("check", "says"),
    [
        ("orders.acepted.status", 'matches no rule; for "acepted", did you mean "accepted"?'),
        ("paid-orders-are-setled", 'for "paid-orders-are-setled", did you mean "paid-orders-are-settled"?'),
        ("orders..status", "is no name of a check; write table.word.column, or the id of a rule"),
        ("orders.accepted. ", "is no name of a check"),
        (".", "is no name of a check"),
    ],
)
def test_a_waiver_that_can_match_nothing_is_told(check: str, says: str) -> None:
    """A slip in a waiver is told when the plan is read, and not at the cutover."""
    (error,) = waived(check)
    assert error.startswith(f'waivers: "{check}" ')
    assert says in error


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[tables.a]\nnot_null = ["x", "x"]', '2 rules are called "a.not_null.x"'),
        ('[tables.a]\ncheck = ["x > 0", "x  >\\t0"]', '2 rules are called "a.check.x > 0"'),
        ('[tables.a]\nhas = ["b.x"]\n[tables."a.has.b"]\nhas = ["b.x"]', ""),
        ('[[rules]]\nid = "r"\nsql = "s"\n[[rules]]\nid = "r"\nsql = "t"', '2 rules are called "r"'),
        (
            '[tables.a]\nrows = "1.."\n[[rules]]\nid = "a.rows"\nsql = "s"',
            '2 rules are called "a.rows", and a name must be unique: put them into one, or give each',
        ),
        ('[[smoke]]\ncommand = "c"\n[[smoke]]\ncommand = "c"', '2 smoke tests are called "c"'),
        (
            '[[queries]]\nname = "q"\nsql = "s"\n[[queries]]\nname = "q"\nsql = "t"',
            '2 queries are called "q"',
        ),
        (
            '[[endpoints]]\nurl = "http://h/"\n[[endpoints]]\nurl = "http://h/"',
            '2 endpoints are called "http://h/"',
        ),
    ],
)
def test_names_are_unique(text: str, says: str) -> None:
    """Two checks of one name could not be told apart in a record or a waiver."""
    errors = samples.errors(samples.SHORTEST + text)
    assert len(errors) == bool(says)
    assert "".join(errors).startswith(says)


def test_an_id_tells_two_checks_apart() -> None:
    """What says the same on the same table may be there twice under two ids."""
    text = """[tables.a]
        check = [{ expression = "x > 0", id = "one", where = "y = 1" }, { expression = "x > 0", id = "two" }]
    """
    plan = samples.plan(samples.SHORTEST + text)
    assert [rule.name for rule in plan.tables["a"].rules] == ["a.check.one", "a.check.two"]


def test_a_rule_file_and_a_rule_in_the_plan_have_different_ids() -> None:
    """Files take part in the law of unique names."""
    files = {"rules/paid-orders-are-settled.sql": "select 1"}
    (error,) = samples.errors(samples.SHORTEST + RULES, files=files)
    assert error.startswith('2 rules are called "paid-orders-are-settled"')
