"""Every step forward killed (-9) on each DBMS: the tool, the migration, the checks, the server. Takes minutes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil
import pytest
from sqlalchemy import make_url

from tests import servers
from tests.backup import shop as shops
from tests.cutover.project import Project
from tests.cutover.site import site
from tests.faults.killing import (
    LIVE,
    PLAN,
    answering,
    appeared,
    begun,
    ended,
    held,
    journalled,
    migrated,
    more,
    rows,
    services,
    shop,
    told,
    wait_until,
)
from tests.soak import SOAK

pytestmark = pytest.mark.skipif(not SOAK, reason="only under VISIONFORGE_SOAK=1: it takes its time")
EACH = pytest.mark.parametrize("project", ["sqlite", "postgresql", "mariadb"], indirect=True)


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """A small shop with its plan, its migration and its web site."""
    url = str(request.getfixturevalue(request.param))
    with site(answering(tmp_path)) as address:
        yield shop(tmp_path, url, PLAN + LIVE, SITE=address)
    shops.drop_kept(url)


def _stopped(project: Project, step: str) -> None:
    """The journal says where it stopped, and that it is not over."""
    past = told(project, PLAN + LIVE)
    assert (past.stopped_in, past.over) == (step, False)


@EACH
def test_killed_in_every_step_forward_it_goes_on(project: Project) -> None:
    """At each step, and within those that are long: as before up to the commit, as after from there; then done."""
    before = rows(project)
    after = migrated(before)
    held(project, "site", "cutover")
    _stopped(project, "measure")
    held(project, "stop", "cutover", "--resume")
    _stopped(project, "stop")
    for kill in (
        partial(journalled, project, "cutover premigration"),  # readiness comes first
        partial(appeared, project, "*-premigration-*/*baseline*"),
        partial(journalled, project, "backup create full"),
        partial(journalled, project, "backup verify restored"),
    ):
        kill("cutover", "--resume")
        _stopped(project, "premigration")
        assert rows(project) == before
    journalled(project, "migrate", "cutover", "--resume")
    _stopped(project, "migrate")
    assert rows(project) in (before, after)
    if rows(project) == before:
        held(project, "before-commit", "cutover", "--resume")
        assert rows(project) == before
        held(project, "after-commit", "cutover", "--resume")
    _stopped(project, "migrate")
    assert rows(project) == after
    migrations = begun(project, "migrate")
    journalled(project, "cutover state", "cutover", "--resume")
    journalled(project, "cutover postmigration", "cutover", "--resume")
    _stopped(project, "postmigration")
    appeared(project, "*-postmigration-*", "cutover", "--resume")
    _stopped(project, "postmigration")
    held(project, "start", "cutover", "--resume")
    _stopped(project, "start")
    journalled(project, "cutover smoke", "cutover", "--resume")
    held(project, "smoke", "cutover", "--resume")
    _stopped(project, "smoke")
    held(project, "site", "cutover", "--resume")
    _stopped(project, "smoke")
    assert rows(project) == after
    code, output = project.run("cutover", "--resume", "--yes")
    assert code == 0, output
    assert told(project, PLAN + LIVE).ending == "done"
    assert rows(project) == after
    assert begun(project, "migrate") == migrations  # what was committed is proved, not done again
    assert "previous" not in services(project)
    assert not [name for name in shops.databases(project.url) if "scratch" in name]


@EACH
def test_a_migration_that_is_killed_is_undone_or_was_never_done(project: Project) -> None:
    """Killed before the commit nothing was changed; after it, all is put back, proved: the previous version runs."""
    before = rows(project)
    for hold, ending in (("before-commit", "untouched"), ("after-commit", "back")):
        (project.folder / f"hold-{hold}").touch()
        here = project.folder / "here"
        code, output = ended(project, here.exists, lambda each: True, "cutover")
        assert code == 1, output
        assert "by signal 9" in output or "status 137" in output
        assert told(project, PLAN + LIVE).ending == ending, output
        assert rows(project) == before
        assert services(project)[-1] == "previous"


def _checks(each: psutil.Process) -> bool:
    return "pytest" in each.cmdline()


@EACH
def test_checks_that_are_killed_prove_nothing(project: Project) -> None:
    """Premigration killed: nothing was changed; postmigration: all goes back; the proof of that: back once more."""
    before = rows(project)
    for pattern, ending in (("*-premigration-*", "untouched"), ("*-postmigration-*", "back")):
        code, output = ended(project, more(project, pattern), _checks, "cutover")
        assert code == 1, output
        assert "left no record (exit status -9)" in output
        assert told(project, PLAN + LIVE).ending == ending, output
        assert rows(project) == before
    (project.folder / "broken").touch()
    code, output = ended(project, more(project, "*-rollback-*"), _checks, "cutover")
    assert code == 1, output
    assert told(project, PLAN + LIVE).ending == "undecided", output
    assert rows(project) == before
    code, output = project.run("cutover", "--rollback", "--yes")
    assert code == 0, output
    assert told(project, PLAN + LIVE).ending == "back"
    assert rows(project) == before


@contextmanager
def _server(name: str, home: Path) -> Iterator[servers.Server]:
    with getattr(servers, name)(home) as server:
        if server.admin.host != "127.0.0.1":
            pytest.skip("only a server of our own may be killed")
        yield server


def _kill_server(home: Path) -> None:
    """Kills the server whose data are below `home`, with all its processes."""
    for each in psutil.process_iter(["cmdline"]):
        if any(str(home) in part for part in each.info["cmdline"] or ()):
            for process in (each, *each.children(recursive=True)):
                with suppress(psutil.Error):  # one of its children may just have ended
                    process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_a_server_that_is_killed_comes_back_as_before(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed within the migration, nobody can tell, and it is said; started again, one command leads back, proved."""
    port = servers._free_port()
    monkeypatch.setattr(servers, "_free_port", lambda: port)
    with servers._folder("killed") as home, site(answering(tmp_path)) as address:
        with _server(name, home) as server:
            url = server.create()
            project = shop(tmp_path, make_url(url).render_as_string(False), PLAN + LIVE, SITE=address)
            before = rows(project)
            (tmp_path / "hold-before-commit").touch()
            process = project.start("cutover", "--yes")
            wait_until((tmp_path / "here").exists, process)
            _kill_server(home)
            (tmp_path / "hold-before-commit").unlink()
            output, _ = process.communicate(timeout=240)
            assert process.returncode == 1, output
            assert not [line for line in output.splitlines() if line.startswith("Traceback")]
            past = told(project, PLAN + LIVE)
            assert (past.ending, past.over) == ("undecided", False), output
            assert "visionforge cutover --rollback" in output
        with _server(name, home):
            assert rows(project) == before
            code, output = project.run("cutover", "--rollback", "--yes")
            assert code == 0, output
            assert told(project, PLAN + LIVE).ending == "back"
            assert rows(project) == before
