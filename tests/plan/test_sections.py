from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pytest_visionforge.plan.values.sections import (
    BackupPlan,
    Endpoint,
    Environment,
    Limits,
    Migration,
    NamedQuery,
    RecordPlan,
    SmokeTest,
    System,
    Waiver,
)
from tests.plan import samples

WAIVER = '[[waivers]]\ncheck = "orders.rows"\nreason = "r"\nby = "b"\nuntil = 2026-12-31\n'


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    """The shortest plan is whole: backups and reports lie beside it."""
    plan = samples.plan_in(tmp_path, samples.SHORTEST)
    assert plan.backup == BackupPlan(directory=tmp_path / "backups")
    assert plan.record == RecordPlan(directory=tmp_path / "reports")
    assert (plan.migration, plan.environment, plan.system) == (Migration(), Environment(), System())
    assert plan.limits == Limits(
        response_time=5.0, error_rate=0.01, cpu=0.8, memory=0.9, check_time=30.0, connections=4
    )


def test_directories_are_expanded_and_absolute(tmp_path: Path) -> None:
    """`$NAME` stands in directories and in the keys of paths; relative ones start at the plan."""
    text = """
        [system]
        disk_factor = 3
        paths = { "$BACKUP_DIR/daily" = "rw", "migrations" = "r" }
        [backup]
        directory = "${BACKUP_DIR}"
        max_age = "12h"
        verify = "decoded"
        [record]
        directory = "../records"
        sample = 0
    """
    plan = samples.plan_in(tmp_path, samples.SHORTEST + text)
    assert plan.system == System(
        disk_factor=3.0, paths={Path("/srv/backups/daily"): "rw", tmp_path / "migrations": "r"}
    )
    assert plan.backup == BackupPlan(directory=Path("/srv/backups"), max_age=43200.0, verify="decoded")
    assert plan.record == RecordPlan(directory=tmp_path.parent / "records", sample=0)


def test_an_endpoint_is_called_as_it_is_written() -> None:
    """The name of an endpoint is what stands in the plan: what the environment holds is not shown."""
    text = '[[endpoints]]\nurl = "https://$HOST/@me?token=$TOKEN"'
    environ = {**samples.ENVIRON, "HOST": "shop.example:8443", "TOKEN": "geheim"}
    (endpoint,) = samples.plan(samples.SHORTEST + text, environ=environ).endpoints
    assert endpoint.url == "https://shop.example:8443/@me?token=geheim"
    assert str(endpoint) == "https://$HOST/@me?token=$TOKEN"
    assert "geheim" not in repr(endpoint)


def test_lists_of_things_to_try() -> None:
    """Endpoints, queries and smoke tests need no more than what names them."""
    text = """
        [[endpoints]]
        url = "http://localhost:8000/"
        [[queries]]
        name = "q"
        sql = "select '$HOME'"
        [[smoke]]
        command = "true $HOME"
    """
    plan = samples.plan(samples.SHORTEST + text)
    assert plan.endpoints == (Endpoint(url="http://localhost:8000/", shown="http://localhost:8000/"),)
    assert plan.queries == (NamedQuery(name="q", sql="select '$HOME'"),)
    assert plan.smoke == (SmokeTest(command="true $HOME"),)


def test_a_waiver() -> None:
    """A waiver has its reason, who, until when, and up to how many rows if that is said."""
    plan = samples.plan(samples.SHORTEST + WAIVER)
    assert plan.waivers == (Waiver(check="orders.rows", reason="r", by="b", until=date(2026, 12, 31)),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[migration]\ncomand = "x"', 'migration.comand: unknown key; did you mean "command"?'),
        ("[migration]\ntimeout = 60", 'migration.timeout: expected text such as "5s", found a number'),
        ('[migration]\ntimeout = "soon"', "migration.timeout: 'soon' is not a duration"),
        ("[environment]\nvariables = []", "environment.variables: is empty, so it asserts nothing"),
        ("[environment]\nmatch = { A = '(' }", "environment.match.A: '(' is not a regular expression"),
        ('[environment]\npackages = ["a >> 1"]', "environment.packages #1: 'a >> 1' is not a name"),
        ("[system]\ndisk_factor = 0", "system.disk_factor: expected a number greater than 0"),
        ("[system]\ndisk_factor = true", "system.disk_factor: expected a number, found true or false"),
        ('[system]\npaths = { a = "rz" }', "system.paths.a: 'rz' are no rights"),
        ('[system]\npaths = { a = "r", "./a" = "w" }', 'system.paths."./a": names a path that is there'),
        ('[system]\npaths = { "$NOT/a" = "r" }', "system.paths.$NOT/a: environment variable NOT is not set"),
        ('[backup]\ndirectory = "$NOT"', "backup.directory: environment variable NOT is not set"),
        ('[backup]\ndirectory = "\\u0000"', "backup.directory: is no path"),
        ('[backup]\nkind = "ful"', "backup.kind: unknown word 'ful'; did you mean \"full\"?"),
        ("[backup]\nkeep = { last = 0 }", "backup.keep.last: is less than 1"),
        ("[backup]\nkeep = {}", "backup.keep: is empty"),
        ("[backup]\nkeep = { weakly = 3 }", "backup.keep.weakly: unknown key; did you mean"),
        ("[backup]\nkeep = { tags = [1] }", "backup.keep.tags #1: expected text"),
        ('[backup]\nkeep = { within = "x" }', "backup.keep.within: 'x' is not a duration"),
        ('[backup]\nrollback = "always"', "backup.rollback: unknown word 'always'; known here: never, on-"),
        ('[limits]\ncpu = "80"', "limits.cpu: '80' is not a share; write 1%"),
        ("[limits]\nerror_rate = 0.01", 'limits.error_rate: expected text such as "1%", found a number'),
        ("[limits]\nconnections = 1.5", "limits.connections: expected a whole number, found a number"),
        ("[limits]\nconnections = true", "limits.connections: expected a whole number, found true or"),
        ("[record]\nsample = -1", "record.sample: is less than 0"),
        ("[[endpoints]]\nstatus = 200", "endpoints #1.url: is missing"),
        ('[[endpoints]]\nurl = "shop.example"', "endpoints #1.url: is no HTTP address; write http://"),
        ('[[endpoints]]\nurl = "http://[x"', "endpoints #1.url: cannot be read as a URL"),
        ('[[endpoints]]\nurl = "http://u:geheim@h/"', "endpoints #1.url: holds a password"),
        ('[[endpoints]]\nurl = "http://h/?token=geheim"', "endpoints #1.url: holds a password"),
        ('[[endpoints]]\nurl = "http://h/"\nstatus = 999', "endpoints #1.status: is more than 599"),
        ('[[queries]]\nname = "q"', "queries #1.sql: is missing"),
        ('[[queries]]\nname = "q"\nsql = "s"\nrows = 1', 'queries #1.rows: expected text such as "1.."'),
        ("[[smoke]]", "smoke #1.command: is missing"),
        ("[smoke]\ncommand = 'x'", "smoke: expected a list, found a table"),
        (WAIVER.replace('"r"', '" "'), "waivers #1.reason: is blank"),
        (WAIVER.replace('by = "b"\n', ""), "waivers #1.by: is missing"),
        (WAIVER.replace("until = 2026-12-31\n", ""), "waivers #1.until: is missing"),
        (WAIVER.replace("2026-12-31", '"2026-12-31"'), "waivers #1.until: expected a date, found text"),
        (WAIVER.replace("2026-12-31", "2026-12-31T01:00:00Z"), "waivers #1.until: expected a date, found a"),
        (f"{WAIVER}rows = 0", "waivers #1.rows: is less than 1"),
    ],
)
def test_a_wrong_section_is_told_with_its_key(text: str, says: str) -> None:
    """Each error is one line that names the key; no secret is repeated in it."""
    (error,) = samples.errors(f"{samples.SHORTEST}\n{text}")
    assert error.startswith(says)
    assert "geheim" not in error


@pytest.mark.parametrize("section", ["endpoints", "queries", "smoke", "rules"])
def test_an_empty_list_is_told(section: str) -> None:
    """A list that is there and empty asserts nothing."""
    (error,) = samples.errors(f"{section} = []\n{samples.SHORTEST}")
    assert error == f"{section}: is empty, so it asserts nothing: leave it out or fill it"


def test_rules_that_are_asked_for() -> None:
    """`[checks]` names rules that run only when asked for, and numbers of rules."""
    asked = 'also = ["integrity.trimmed"]\nlimits = { "readiness.connections.share" = 0.5 }'
    plan = samples.plan(f"{samples.SHORTEST}[checks]\n{asked}")
    assert plan.checks.also == ("integrity.trimmed",)
    assert plan.checks.limits == {"readiness.connections.share": 0.5}
    (error,) = samples.errors(f"{samples.SHORTEST}[checks]\nalso = []")
    assert "asserts nothing" in error
