"""Every rule is red on a planted defect, and green on the same database without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from pytest_visionforge import CannotTell, Evidence, Finding
from pytest_visionforge.rules import shipped
from tests import servers
from tests.checks.defects import DEFECTS
from tests.checks.defects.planting import Defect
from tests.checks.field import BASE, SUITES, Field, Look
from tests.checks.matrix import SEEN, dialects_of, has_own_tests

PG_SETTINGS = ("fsync=on", "max_prepared_transactions=4", "wal_level=logical", "max_replication_slots=4")


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[str, Any]]]:
    """One clean database of each DBMS; the servers are private, because defects are theirs too."""
    path = tmp_path_factory.mktemp("field") / "field.db"
    path.touch()
    with ExitStack() as stack:
        private = stack.enter_context(pytest.MonkeyPatch.context())
        for name in ("VISIONFORGE_TEST_POSTGRESQL", "VISIONFORGE_TEST_MARIADB"):
            private.delenv(name, raising=False)  # defects of a server are not planted in somebody's own
        made: dict[str, tuple[str, Any]] = {"sqlite": (f"sqlite:///{path}", None)}
        for name, server in (
            ("postgresql", servers.postgresql(None, *PG_SETTINGS)),
            ("mysql", servers.mariadb(None, "innodb-flush-log-at-trx-commit=1")),
        ):
            try:
                running = stack.enter_context(server)
            except servers.Missing:
                continue
            options = "CHARACTER SET utf8mb4" if name == "mysql" else ""
            made[name] = (running.create(options), running)
        yield made


@pytest.fixture
def field(
    grounds: dict[str, tuple[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any
) -> Iterator[Field]:
    """The place to plant in, of the DBMS that the test is about."""
    dialect: str = request.node.callspec.params["dialect"]
    if dialect not in grounds:
        pytest.skip(f"there is no {dialect} here")
    url, server = grounds[dialect]
    tmp_path.joinpath("visionforge.toml").touch()
    place = Field(url, server, tmp_path, monkeypatch)
    place.run(BASE)
    yield place
    place.run("DROP TABLE customers")


@contextmanager
def planted(field: Field, defect: Defect) -> Iterator[None]:
    """The defect is there."""
    if not isinstance(defect.plant, str):
        with defect.plant(field):
            yield
        return
    field.run(defect.plant)
    yield


@pytest.mark.parametrize(
    ("dialect", "rule"), [(dialect, rule) for dialect, defects in DEFECTS.items() for rule in defects]
)
def test_a_defect_is_found(field: Field, dialect: str, rule: str, record_property: Any) -> None:
    """Without the defect the rule finds nothing, with it the rule finds it."""
    defect = DEFECTS[dialect][rule]
    if defect.base:
        field.run(defect.base)
    try:
        limits = defect.limits if defect.target else {}
        with defect.clean(field):
            clean = Look(limits, defect.target, defect.plan).outcomes(rule, field)
        assert clean
        assert all(isinstance(each, Evidence) for each in clean), clean
        record_property(SEEN, (rule, dialect, "green"))
        with planted(field, defect):
            said = Look(defect.limits, defect.target, defect.plan).outcomes(rule, field)
        assert any(isinstance(each, Finding) for each in said), said
        record_property(SEEN, (rule, dialect, "red"))
    finally:
        if defect.undo.startswith("!"):
            field.alone(defect.undo[1:])
        elif defect.undo:
            field.run(defect.undo)


@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
def test_settings_that_differ_are_found(field: Field, dialect: str, record_property: Any) -> None:
    """A setting that differs between source and target is found, with both values."""
    assert field.server
    other = field.server.create("CHARACTER SET utf8mb4" if dialect == "mysql" else "")
    look = Look({}, other)
    (clean,) = look.outcomes("readiness.settings", field)
    assert isinstance(clean, Evidence), clean
    changes = {"postgresql": "SET array_nulls = off", "mysql": "COLLATE utf8mb4_bin"}
    field.admin(f"ALTER DATABASE {make_url(other).database} {changes[dialect]}")
    (said,) = look.outcomes("readiness.settings", field)
    field.server.drop(other)
    assert isinstance(said, Finding)
    (offender,) = said.sample
    assert offender.before != offender.after
    for colour in ("green", "red"):
        record_property(SEEN, ("readiness.settings", dialect, colour))


BLIND = {  # what an account without rights cannot see
    "postgresql": ("readiness.long_transactions", "readiness.idle_transactions", "readiness.passwords"),
    "mysql": ("readiness.long_transactions", "readiness.lock_waits", "readiness.replica"),
}


@pytest.mark.parametrize("dialect", BLIND)
def test_who_may_not_see_cannot_tell(field: Field, dialect: str) -> None:
    """An account without rights gets no pass, but the grant that it needs."""
    url = make_url(field.url)
    if dialect == "postgresql":
        field.admin("CREATE ROLE vf_blind LOGIN")
    else:
        field.admin("CREATE USER vf_blind@'%'")
        field.admin("GRANT SELECT ON {db}.* TO vf_blind@'%'")
    blind = replace(field, url=url.set(username="vf_blind").render_as_string(hide_password=False))
    try:
        for rule in BLIND[dialect]:
            (said,) = Look({}).outcomes(rule, blind)
            assert isinstance(said, CannotTell), (rule, said)
            assert "GRANT" in said.remedy.upper() or "superuser" in said.remedy
    finally:
        field.admin("DROP ROLE vf_blind" if dialect == "postgresql" else "DROP USER vf_blind@'%'")


def test_every_rule_has_its_defect() -> None:
    """A rule without a planted defect on each DBMS that it names fails here."""
    missing = []
    for rule in (each for each in shipped() if each.suite in (*SUITES, "expectations")):
        planted = [dialect for dialect, defects in DEFECTS.items() if rule.id in defects]
        if rule.statements is None and not planted:
            missing += [] if has_own_tests(rule) else [rule.id]
        elif rule.id != "readiness.settings":
            missing += [f"{rule.id} on {each}" for each in dialects_of(rule) if each not in planted]
    assert not missing
