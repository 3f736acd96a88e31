"""What a run ends in: GO only where everything that was planned ran and held."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import PLAN, Shop

RULES = """
[tables.customers]
accepted = { country = ["DE"] }
"""


def test_a_clean_database_is_go(shop: Shop) -> None:
    """A plan of four lines checks everything, ends in GO and leaves a whole record."""
    result = shop.run("-m", "premigration")
    assert result.ret == 0, result.stdout.str()
    record = shop.record()
    assert record["verdict"] == "GO"
    assert record["completeness"]["planned"] == record["completeness"]["ran"] > 15
    names = {path.name for path in shop.reports.iterdir()}
    assert {"record.json", "record.html", "junit.xml", "baseline.jsonl.zst", "manifest.json"} <= names


def test_nothing_changed_is_go_afterwards(shop: Shop) -> None:
    """Where nothing changed, nothing is found."""
    shop.run("-m", "premigration")
    result = shop.run("-m", "postmigration")
    assert result.ret == 0, result.stdout.str()
    assert shop.outcomes("postmigration")["orders.values"] == "passed"


def test_a_violation_is_no_go(shop: Shop) -> None:
    """A rule that blocks closes the gate, and the record names the row."""
    shop.plan(RULES)
    result = shop.run("-m", "premigration")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    record = shop.record()
    assert record["verdict"] == "NO-GO"
    (violated,) = [each for each in record["results"] if each["outcome"] == "violated"]
    assert violated["name"] == "customers.accepted.country"
    assert violated["finding"]["sample"][0]["key"] == {"id": "2"}
    result.stdout.fnmatch_lines(["*NO-GO*", "*id=2*", "*Fix*"])


def test_a_warning_does_not_close_the_gate(shop: Shop) -> None:
    """A rule that only warns is reported and counted."""
    shop.plan('[tables.customers]\naccepted = { country = { values = ["DE"], severity = "warn" } }\n')
    result = shop.run("-m", "premigration")
    assert result.ret == 0, result.stdout.str()
    assert shop.outcomes()["customers.accepted.country"] == "warned"


@pytest.mark.parametrize(
    ("until", "rows", "outcome"),
    [("2999-12-31", 2, "waived"), ("2001-01-01", 2, "violated"), ("2999-12-31", 1, "violated")],
)
def test_a_waiver_holds_to_its_end_and_its_rows(shop: Shop, until: str, rows: int, outcome: str) -> None:
    """A waiver covers a violation up to its last day and its number of rows, and no further."""
    shop.execute("INSERT INTO customers VALUES (3, 'cy@example.org', 'SE')")
    shop.plan(
        f"{RULES}[[waivers]]\ncheck = 'customers.accepted.country'\nreason = 'merged soon'\nby = 'ana'\n"
        f"until = {until}\nrows = {rows}\n"
    )
    result = shop.run("-m", "premigration")
    assert shop.outcomes().get("customers.accepted.country") == outcome, result.stdout.str()
    assert (result.ret == 0) == (outcome == "waived")


@pytest.mark.parametrize(
    "selection",
    [
        ("-m", "premigration", "-k", "orders"),
        ("-m", "premigration and integrity"),
        ("-m", "premigration", "--deselect", "visionforge.toml::premigration::readiness.py"),
        ("visionforge.toml::premigration::integrity.py",),
    ],
)
def test_a_selection_is_incomplete(shop: Shop, selection: tuple[str, ...]) -> None:
    """A part of the checks is useful and never a GO."""
    result = shop.run(*selection)
    assert result.ret == 3, result.stdout.str()
    record = shop.record()
    assert record["verdict"] == "INCOMPLETE"
    assert record["completeness"]["ran"] < record["completeness"]["planned"]


def test_all_skipped_is_no_pass(shop: Shop) -> None:
    """A conftest that skips everything does not make a GO."""
    shop.pytester.makeconftest(
        "import pytest\ndef pytest_collection_modifyitems(items):\n"
        "    for item in items:\n        item.add_marker(pytest.mark.skip(reason='busy'))\n"
    )
    result = shop.run("-m", "premigration")
    assert result.ret != 0
    record = shop.record()
    assert record["verdict"] == "INCOMPLETE"
    assert any("busy" in reason for reason in record["completeness"]["reasons"])


def test_nothing_selected_is_no_pass(shop: Shop) -> None:
    """A selection that leaves nothing is exit code 5."""
    assert shop.run("-m", "premigration", "-k", "no_such_check").ret == 5


def test_an_unreachable_server_is_no_go(shop: Shop) -> None:
    """Where no server answers, connect fails with the reason and the rest says because of what."""
    plan = PLAN.replace("sqlite:///shop.db", "postgresql://vf@127.0.0.1:9/shop")
    shop.plan(whole=plan + "[tables.orders]\nnot_null = ['total']\n")
    result = shop.run("-m", "premigration")
    assert result.ret == 1, result.stdout.str()
    record = shop.record()
    assert record["verdict"] == "NO-GO"
    results = {each["name"]: each for each in record["results"]}
    assert results["connect.source"]["outcome"] == "violated"
    assert results["orders.not_null.total"]["outcome"] == "cannot tell"
    assert "because" in results["orders.not_null.total"]["reason"]


def test_a_crashed_worker_is_no_go(shop: Shop) -> None:
    """A worker that dies takes the GO with it."""
    shop.pytester.makepyfile(
        "import os, pytest\n@pytest.mark.premigration\ndef test_dies():\n    os._exit(9)\n"
    )
    result = shop.run("-m", "premigration", "-n", "2")
    assert result.ret != 0
    record = shop.record()
    assert record["verdict"] != "GO"
    assert "crashed" in " ".join(record["completeness"]["reasons"])


def test_an_interruption_is_incomplete(shop: Shop) -> None:
    """Ctrl-C leaves a record that says so."""
    shop.pytester.makepyfile(
        "import pytest\n@pytest.mark.premigration\ndef test_stops():\n    raise KeyboardInterrupt\n"
    )
    result = shop.run("-m", "premigration")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert shop.record()["verdict"] == "INCOMPLETE"


def test_an_endpoint_that_does_not_answer_is_no_go(shop: Shop) -> None:
    """An application that is not there is never a silent pass."""
    shop.plan('[[endpoints]]\nurl = "http://127.0.0.1:9/health"\n')
    shop.run("-m", "premigration")
    result = shop.run("-m", "postmigration")
    assert result.ret == 1, result.stdout.str()
    result.stdout.fnmatch_lines(["*http://127.0.0.1:9/health*"])


def test_postmigration_without_a_baseline_cannot_be_told(shop: Shop) -> None:
    """Without a premigration run nothing can be proved, and the record says what to do."""
    result = shop.run("-m", "postmigration")
    assert result.ret != 0
    record = shop.record()
    assert record["verdict"] != "GO"
    assert any("there is no baseline" in each["reason"] for each in record["results"])


def test_retention_is_looked_after(shop: Shop) -> None:
    """How long backups are kept is a check of its own."""
    shop.plan("[backup]\nkeep = { last = 7 }\n")
    assert shop.run("-m", "premigration").ret == 0
    assert shop.outcomes()["retention.last"] == "passed"


@pytest.mark.parametrize(("age", "outcome"), [("1d", "passed"), ("1ms", "warned")])
def test_an_old_backup_is_told(shop: Shop, age: str, outcome: str) -> None:
    """The way back that has become long is told."""
    shop.plan(f'[backup]\nmax_age = "{age}"\n')
    shop.run("-m", "premigration")
    assert shop.run("-m", "postmigration").ret == 0
    assert shop.outcomes("postmigration")["recent"] == outcome


def test_a_foreign_failure_is_not_hidden(shop: Shop) -> None:
    """A failing test of somebody else in the same run is no GO, and its exit status is not overwritten."""
    shop.pytester.makepyfile("def test_premigration_of_somebody_else():\n    assert False\n")
    file = "test_a_foreign_failure_is_not_hidden.py"
    result = shop.run("visionforge.toml::premigration", file)
    assert result.ret == 3, result.stdout.str()
    record = shop.record()
    assert record["verdict"] == "INCOMPLETE"
    assert "none of the plan's" in " ".join(record["completeness"]["reasons"])


def test_a_failing_teardown_is_no_pass(shop: Shop) -> None:
    """What fails after a check of one's own has passed is told."""
    shop.pytester.makepyfile(
        "import pytest\n@pytest.fixture\ndef held():\n    yield\n    raise OSError('still open')\n"
        "@pytest.mark.premigration\ndef test_mine(held):\n    pass\n"
    )
    assert shop.run("-m", "premigration").ret == 3
    assert "still open" in " ".join(shop.record()["completeness"]["reasons"])


def test_a_schema_that_could_not_be_read_is_no_pass(shop: Shop) -> None:
    """Where tables could not be listed while collecting, fewer checks are planned: they are not all there is."""
    shop.pytester.makeconftest(
        "import pytest\nfrom pytest_visionforge.database import Database\n"
        "from pytest_visionforge.errors import TimeLimit\n"
        "@pytest.hookimpl(wrapper=True)\ndef pytest_collection():\n"
        "    read = Database.schema\n"
        "    def late(self):\n        raise TimeLimit('too late')\n"
        "    Database.schema = property(late)\n"
        "    try:\n        return (yield)\n    finally:\n        Database.schema = read\n"
    )
    result = shop.run("-m", "premigration")
    assert result.ret != 0
    record = shop.record()
    assert record["verdict"] != "GO"
    assert "the schema of the source could not be read: too late" in str(record["results"])
