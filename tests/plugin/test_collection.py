"""How a plan becomes items: names for people, and every way of choosing among them."""

from __future__ import annotations

import html
import sys

import pytest

from tests.plugin.conftest import Shop


def test_items_are_named_for_people(shop: Shop) -> None:
    """A node id says file, phase, suite, check and object."""
    result = shop.run("-m", "premigration", "--collect-only", "-q")
    lines = result.stdout.str().splitlines()
    assert "visionforge.toml::premigration::integrity.py::check_foreign_keys[orders.customer_id]" in lines
    assert "visionforge.toml::premigration::readiness.py::check_connect[source]" in lines
    assert not shop.records()


def test_hostile_names_are_planned_as_they_are_collected(shop: Shop) -> None:
    """Whatever a table is called, its checks run and count."""
    shop.execute('CREATE TABLE "a::b [c] \\ ü;%s<img src=x>" (id INTEGER PRIMARY KEY, "x:y%z" TEXT)')
    result = shop.run("-m", "premigration")
    assert result.ret == 0, result.stdout.str()
    page = (shop.reports / "record.html").read_text("utf-8")
    assert "<img src=x" not in page


def test_keywords_choose_by_table_and_column(shop: Shop) -> None:
    """`-k` knows tables and columns by name."""
    result = shop.run("-m", "premigration", "-k", "orders and customer_id", "--collect-only", "-q")
    assert "check_foreign_keys[orders.customer_id]" in result.stdout.str()
    assert "check_primary_key" not in result.stdout.str()


def test_last_failed_runs_only_what_failed(shop: Shop) -> None:
    """`--lf` runs the violated checks again."""
    shop.plan('[tables.customers]\naccepted = { country = ["DE"] }\n')
    shop.run("-m", "premigration")
    result = shop.run("-m", "premigration", "--lf")
    assert len(shop.record()["results"]) == 1
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_workers_give_the_same_record(shop: Shop) -> None:
    """With xdist there is one backup, and the same results as without."""
    shop.run("-m", "premigration")
    result = shop.run("-m", "premigration", "-n", "2")
    assert result.ret == 0, result.stdout.str()
    one, two = shop.records()
    assert {each["nodeid"] for each in one["results"]} == {each["nodeid"] for each in two["results"]}
    assert len([path for path in (shop.path / "backups").iterdir() if path.is_dir()]) == 2


def test_ordinary_tests_are_left_alone(shop: Shop) -> None:
    """Plain pytest runs the user's tests: no check, no backup, no record."""
    shop.pytester.makepyfile("def test_mine():\n    assert True\n")
    result = shop.run()
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    assert not (shop.path / "reports").exists()
    assert not (shop.path / "backups").exists()


def test_a_plan_without_a_phase_is_not_run(shop: Shop) -> None:
    """Checks of several phases are not run together; the user is told how to choose."""
    result = shop.run("visionforge.toml")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["*-m premigration*"])


def test_testpaths_may_name_the_plan(shop: Shop) -> None:
    """A project with testpaths names the plan there."""
    shop.pytester.makeini("[pytest]\ntestpaths = tests visionforge.toml\n")
    shop.pytester.mkdir("tests")
    assert shop.run("-m", "premigration").ret == 0


def test_without_the_plan_own_tests_prove_nothing(shop: Shop) -> None:
    """A run that leaves the plan out is INCOMPLETE, however green."""
    shop.pytester.makepyfile("import pytest\n@pytest.mark.premigration\ndef test_mine():\n    pass\n")
    result = shop.run("-m", "premigration", "test_without_the_plan_own_tests_prove_nothing.py")
    assert result.ret == 3, result.stdout.str()


def test_a_wrong_plan_is_one_message(shop: Shop) -> None:
    """All errors of a plan at once, without a traceback, exit code 4."""
    shop.plan("[tables.orders]\nacepted = { total = [1] }\nnot_nul = ['id']\n")
    result = shop.run("-m", "premigration")
    assert result.ret == pytest.ExitCode.USAGE_ERROR, result.stdout.str()
    text = result.stdout.str()
    assert 'did you mean "accepted"' in text
    assert 'did you mean "not_null"' in text
    assert "Traceback" not in text


def test_two_plans_are_refused(shop: Shop) -> None:
    """One run has one record: two plans are an error that says so."""
    (shop.path / "other.visionforge.toml").write_text((shop.path / "visionforge.toml").read_text())
    result = shop.run("-m", "premigration")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["*two plans in one run*"])


def test_a_users_fixture_does_not_shadow_ours(shop: Shop) -> None:
    """A `database` fixture in the user's conftest is for the user's tests."""
    shop.pytester.makeconftest("import pytest\n@pytest.fixture\ndef database():\n    return 'mine'\n")
    result = shop.run("-m", "premigration")
    assert result.ret == 0, result.stdout.str()


def test_own_checks_use_our_fixtures_and_count(shop: Shop) -> None:
    """A test of one's own, marked with a phase, asks for our fixtures and is part of the record."""
    shop.pytester.makepyfile(
        "import pytest\n@pytest.mark.premigration\ndef test_orders(source, plan):\n"
        '    """Orders are few."""\n    assert source.value("select count(*) from orders") < 3, plan.name\n'
    )
    result = shop.run("-m", "premigration")
    assert result.ret == 1, result.stdout.str()
    (own,) = [each for each in shop.record()["results"] if each["suite"] == "own"]
    assert own["law"] == "Orders are few."
    assert own["outcome"] == "violated"


def test_a_users_hooks_still_work(shop: Shop) -> None:
    """Hooks of a conftest beside the plan see our items."""
    shop.pytester.makeconftest(
        "def pytest_itemcollected(item):\n    item.user_properties.append(('team', 'payments'))\n"
    )
    assert shop.run("-m", "premigration").ret == 0
    assert 'name="team"' in (shop.reports / "junit.xml").read_text("utf-8")


@pytest.mark.parametrize("absolute", [True, False])
def test_a_plan_is_run_from_elsewhere(shop: Shop, monkeypatch: pytest.MonkeyPatch, absolute: bool) -> None:
    """Named from its parent folder, or by its whole path, a plan finds its database and its record's folder."""
    monkeypatch.chdir(shop.path.parent)
    plan = shop.path / "visionforge.toml"
    named = plan if absolute else plan.relative_to(shop.path.parent)
    result = shop.pytester.run(
        sys.executable, "-m", "pytest", "-m", "premigration", str(named), "-p", "no:cacheprovider"
    )
    assert result.ret == 0, result.stdout.str()
    assert shop.record()["verdict"] == "GO"


def test_reports_may_go_elsewhere(shop: Shop) -> None:
    """Who wants the page and the JUnit file elsewhere has them there; the record has a page all the same."""
    result = shop.run("-m", "premigration", "--junitxml", "mine.xml", "--html", "mine.html")
    assert result.ret == 0, result.stdout.str()
    assert {"mine.xml", "mine.html"} <= {path.name for path in shop.path.iterdir()}
    assert "GO" in (shop.reports / "record.html").read_text("utf-8")


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_value_of_the_environment_is_no_tag(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    """A branch may be called like a tag, and a worker tells its name again: in the page it is text."""
    monkeypatch.setenv("GIT_BRANCH", "<img src=x onerror=alert(1)></script>")
    shop.plan()
    shop.run("-m", "premigration", "-n", workers)
    page = html.unescape((shop.reports / "record.html").read_text("utf-8"))
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img src=x" not in page


def test_without_pytest_html_there_is_a_page(shop: Shop) -> None:
    """The record renders its own page where pytest-html is switched off."""
    assert shop.run("-m", "premigration", "-p", "no:html").ret == 0
    assert "GO" in (shop.reports / "record.html").read_text("utf-8")


def test_records_may_go_elsewhere(shop: Shop) -> None:
    """`--visionforge-record` names another folder for this run's record."""
    assert shop.run("-m", "premigration", "--visionforge-record", "elsewhere").ret == 0
    assert list(shop.path.glob("elsewhere/*-premigration-*/record.json"))
    assert not (shop.path / "reports").exists()
