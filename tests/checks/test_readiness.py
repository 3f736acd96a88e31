"""readiness: environment, machine, databases."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url

from checks import machine, readiness
from pytest_visionforge import CannotTell, Evidence, Finding
from pytest_visionforge.database import Database
from pytest_visionforge.errors import CannotConnect
from pytest_visionforge.plan.values.sections import System
from pytest_visionforge.rules import facts_of
from tests import samples
from tests.checks.conftest import Bench, Make

# ---------------------------------------------------------------- environment


def test_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is unset or blank is found."""
    monkeypatch.setenv("VF_SET", "x")
    monkeypatch.setenv("VF_BLANK", " ")
    assert isinstance(readiness.check_variables("VF_SET"), Evidence)
    for name, words in (("VF_BLANK", "is empty"), ("VF_MISSING", "is not set")):
        said = readiness.check_variables(name)
        assert isinstance(said, Finding)
        assert said.says == f"{name} {words}"


def test_variable_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole value must match, and is never shown."""
    monkeypatch.setenv("VF_SECRET", "hunter2 ")
    assert isinstance(readiness.check_variable_format(("VF_SECRET", r"hunter\d ")), Evidence)
    said = readiness.check_variable_format(("VF_SECRET", r"hunter\d"))
    assert isinstance(said, Finding)
    assert "8 characters" in said.says
    assert "hunter2" not in repr(said)
    with pytest.raises(CannotTell, match="VF_MISSING is not set"):
        readiness.check_variable_format(("VF_MISSING", ".*"))


@pytest.mark.parametrize(
    "value",
    ["changeme", "postgresql://u:CHANGE_ME@h/d", "xxx", "p:XXXX@h", "TODO", "<password>", "<your token>",
     "...", "your-key-here", "****", "replace-me", "FIXME", "a PLACEHOLDER"],
)  # fmt: skip
def test_placeholders(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """What a template left behind is found, and not shown."""
    monkeypatch.setenv("VF_VALUE", value)
    said = readiness.check_placeholders("VF_VALUE")
    assert isinstance(said, Finding)
    assert value not in said.says


@pytest.mark.parametrize(
    "value",
    [
        "postgresql://shop@db/shop",
        "maxxxxim",
        "autodoc",
        "/srv/xx/data",
        "s3cr3t<>!",
        "1 < 2",
        "exchange me",
    ],
)
def test_values_are_no_placeholders(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """What only looks a little like a placeholder passes."""
    monkeypatch.setenv("VF_VALUE", value)
    assert isinstance(readiness.check_placeholders("VF_VALUE"), Evidence)


@pytest.mark.parametrize(
    ("package", "words"),
    [
        ("pytest>=8", None),
        ("PyTest", None),
        ("pytest>=9999", "not >=9999"),
        ("no-such-distribution-here", "not installed"),
    ],
)
def test_packages(package: str, words: str | None) -> None:
    """A distribution that is missing or of another version is found, with the command that installs it."""
    said = readiness.check_packages(package)
    assert isinstance(said, Evidence if words is None else Finding)
    if isinstance(said, Finding):
        assert words
        assert words in said.says
        assert said.remedy == f'pip install "{package}"'


def _program(directory: Path, name: str, script: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of programs, the first on the PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("pg_dump (PostgreSQL) 15.6 (Debian 15.6-0+deb12u1)", "15.6"),
        ("pg_dump (PostgreSQL) 18beta1", "18"),
        ("mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)", "8.0.36"),
        ("mysqldump  Ver 10.19 Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)", "10.11.6"),
        ("mariadb-dump from 11.4.2-MariaDB, client 10.19 for debian-linux-gnu (x86_64)", "11.4.2"),
        ("sha256sum (GNU coreutils) 9.1", "9.1"),
        ("v20.11.1", "20.11.1"),
        ("bzip2, a block-sorting file compressor.  Version 1.0.8, 13-Jul-2019.", "1.0.8"),
    ],
)
def test_program_versions(programs: Path, told: str, version: str) -> None:
    """The version is read from what the program tells of itself."""
    _program(programs, "vf-tool", f"echo '{told}'")
    assert machine.program_version(programs / "vf-tool") == version


def test_programs(programs: Path) -> None:
    """A program that is missing or of another version is found; one that tells none leaves us unsure."""
    _program(programs, "vf-tool", "echo vf-tool 15.6")
    _program(programs, "vf-mute", "exit 3")
    for program in ("vf-tool", "vf-tool>=15", "vf-tool >=15,<16", "vf-mute"):
        assert isinstance(readiness.check_programs(program), Evidence)
    for program, words in (("vf-tool>=16", "is 15.6, not >=16"), ("vf-missing>=1", "not on the PATH")):
        said = readiness.check_programs(program)
        assert isinstance(said, Finding)
        assert words in said.says
    with pytest.raises(CannotTell, match="tells no version"):
        readiness.check_programs("vf-mute>=1")


# ---------------------------------------------------------------- machine


def test_paths_that_we_may_use(tmp_path: Path) -> None:
    """What may be read, written and entered passes, and is left as it was."""
    file = tmp_path / "file"
    file.write_text("unchanged")
    before = file.stat()
    assert isinstance(readiness.check_paths((tmp_path, "rwx")), Evidence)
    assert isinstance(readiness.check_paths((file, "rw")), Evidence)
    assert (file.read_text(), file.stat().st_mtime_ns) == ("unchanged", before.st_mtime_ns)
    assert list(tmp_path.iterdir()) == [file]


def test_paths_that_we_may_not_use(tmp_path: Path) -> None:
    """What is missing, not executable or on a file system that takes nothing is found, with its owner."""
    file = tmp_path / "script.sh"
    file.touch(0o644)
    missing = readiness.check_paths((tmp_path / "missing", "r"))
    assert isinstance(missing, Finding)
    assert "is not there" in missing.says
    assert missing.remedy == f"mkdir -p '{tmp_path / 'missing'}'"
    plain = readiness.check_paths((file, "rx"))
    assert isinstance(plain, Finding)
    assert stat.filemode(file.stat().st_mode) in plain.says
    assert "is not executable" in plain.says
    closed = readiness.check_paths((Path("/proc"), "rw"))
    assert isinstance(closed, Finding)
    assert "is not writable" in closed.says


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_paths_without_rights(tmp_path: Path) -> None:
    """What this user may not read is found."""
    file = tmp_path / "secret"
    file.touch(0o000)
    assert isinstance(readiness.check_paths((file, "r")), Finding)


def test_disk(shop: Make) -> None:
    """Too little room is found, with path, volume and both numbers; enough room passes."""
    made = shop()
    volume = ("backup", made.plan.backup.directory)
    evidence = made.passes(readiness.check_disk, volume=volume)
    found = machine.volume_of(made.plan.backup.directory)
    for part in (str(volume[1]), str(found.mount), found.device, "(2 x "):
        assert part in evidence.says
    made.plan = replace(made.plan, system=System(disk_factor=1e15))
    finding = made.found(readiness.check_disk, volume=volume)
    assert "bytes) needed (1e+15 x" in finding.says
    assert not made.plan.backup.directory.exists()


def test_volume_of_another_mount() -> None:
    """The volume of a path is the innermost mount that holds it."""
    assert machine.volume_of(Path("/proc/self")).mount == Path("/proc")


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 kB (1,500 bytes)"),
        (2 * 10**13, "20.0 TB (20,000,000,000,000 bytes)"),
    ],
)
def test_human(size: int, shown: str) -> None:
    """A size is shown in units of a thousand, and exactly."""
    assert machine.human(size) == shown


# ---------------------------------------------------------------- databases


def _run(made: Bench, check: Callable[..., Any], other: Database | None = None, **objects: Any) -> Any:
    """Runs a check of databases; `other` is the target."""
    databases = {"source": made.database, "target": other or made.database}
    known = {"unopened": databases.__getitem__, "role": "source", **objects}
    rule = facts_of(check)
    assert rule is not None
    return check(**{name: known[name] for name in rule.needs})


@pytest.mark.parametrize(
    "check", [readiness.check_connect, readiness.check_read_only, readiness.check_version]
)
def test_a_good_database(shop: Make, check: Callable[..., Any]) -> None:
    """A database that answers, that cannot be written to and is new enough, passes."""
    made = shop()
    assert isinstance(_run(made, check), Evidence)
    assert "vf_probe" not in " ".join(made.database.schema.tables)


@pytest.mark.parametrize(
    "url",
    ["sqlite:////nowhere/x.db", "postgresql://u:hunter2@127.0.0.1:1/x", "mysql://u:hunter2@127.0.0.1:1/x"],
)
def test_a_database_that_does_not_answer(url: str) -> None:
    """No answer is a finding with the reason, without the password; whatever else is asked cannot tell."""
    with Database("source", url) as database:
        said = readiness.check_connect({"source": database}.__getitem__, "source")
        assert isinstance(said, Finding)
        assert "source does not answer" in said.says
        assert "hunter2" not in repr(said)
        with pytest.raises(CannotConnect):
            readiness.check_read_only({"source": database}.__getitem__, "source")


@pytest.fixture
def writable(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database whose sessions are opened by somebody who forgot that checks only read."""
    room = "pytest_visionforge.dialects.sqlite.session"
    engine = create_engine(sqlite, isolation_level="AUTOCOMMIT")
    monkeypatch.setattr(f"{room}.engine", lambda url, connections: engine)
    monkeypatch.setattr(f"{room}.begin", lambda connection, seconds: connection.exec_driver_sql("BEGIN"))
    with Database("source", sqlite) as database:
        yield database


def test_a_session_that_can_write(writable: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that can write is found: by what the server says, and, where that is wrong, by trying."""
    unopened = {"source": writable}.__getitem__
    said = readiness.check_read_only(unopened, "source")
    assert isinstance(said, Finding)
    assert "the server says" in said.says
    monkeypatch.setattr("pytest_visionforge.dialects.sqlite.session.read_only", lambda session: True)
    said = readiness.check_read_only(unopened, "source")
    assert isinstance(said, Finding)
    assert "could create a table" in said.says
    assert not writable.value("SELECT count(*) FROM sqlite_schema")


def test_versions(shop: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that is too old is found, and a target that is older than its source."""
    made = shop()
    product = made.database.identity.dbms
    with Database("target", made.plan.source.url) as target:
        assert isinstance(_run(made, readiness.check_version, target, role="target"), Evidence)
        made.database.__dict__["version"] = (99, 1)
        said = _run(made, readiness.check_version, target, role="target")
        assert isinstance(said, Finding)
        assert f"target is {product}" in said.says
        assert "source is 99.1" in said.says
    monkeypatch.setitem(readiness.OLDEST, product, (100,))
    said = _run(made, readiness.check_version)
    assert isinstance(said, Finding)
    assert "older than 100" in said.says


def test_source_is_not_target(shop: Make, tmp_path: Path) -> None:
    """Two roads to one database are found to be one; two databases pass."""
    made = shop()
    with Database("target", made.plan.source.url) as same:
        said = _run(made, readiness.check_source_is_not_target, same, pair=("source", "target"))
        assert isinstance(said, Finding)
        assert "are the same database" in said.says
    samples.run(f"sqlite:///{tmp_path}/other.db", "CREATE TABLE t (x integer)")
    with Database("target", f"sqlite:///{tmp_path}/other.db") as other:
        said = _run(made, readiness.check_source_is_not_target, other, pair=("source", "target"))
        assert isinstance(said, Evidence)


def test_privileges(shop: Make) -> None:
    """A role that may read everything passes."""
    assert isinstance(_run(shop(), readiness.check_privileges), Evidence)


def test_privileges_of_postgresql(postgresql_bench: Make) -> None:
    """A table that the role may not read is named, with the grant that mends it."""
    made = postgresql_bench(
        "CREATE TABLE seen (x integer); CREATE TABLE hidden (x integer); CREATE ROLE vf_reader LOGIN;"
        "GRANT SELECT ON seen TO vf_reader"
    )
    reader = make_url(made.plan.source.url).set(username="vf_reader").render_as_string(hide_password=False)
    try:
        with Database("source", reader) as database:
            said = readiness.check_privileges({"source": database}.__getitem__, "source")
    finally:
        samples.run(made.plan.source.url, "DROP OWNED BY vf_reader; DROP ROLE vf_reader")
    assert isinstance(said, Finding)
    assert [dict(row.key) for row in said.sample] == [{"table": "hidden"}]
    assert said.remedy == "as their owner: GRANT SELECT ON hidden TO vf_reader"


def test_privileges_of_mariadb(mariadb_bench: Make) -> None:
    """What a role may not see, MariaDB hides: that is no pass."""
    made = mariadb_bench("CREATE TABLE seen (x integer); CREATE TABLE hidden (x integer)")
    url = make_url(made.plan.source.url)
    samples.run(
        made.plan.source.url,
        f"CREATE USER vf_reader@'127.0.0.1'; GRANT SELECT ON {url.database}.seen TO vf_reader@'127.0.0.1'",
    )
    try:
        reader = url.set(username="vf_reader").render_as_string(hide_password=False)
        with Database("source", reader) as database, pytest.raises(CannotTell):
            readiness.check_privileges({"source": database}.__getitem__, "source")
    finally:
        samples.run(made.plan.source.url, "DROP USER vf_reader@'127.0.0.1'")
