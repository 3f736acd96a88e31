"""A cutover that is killed (-9): the database is as before or as after, the journal says so, one command goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backup import shop as shops
from tests.cutover.project import Project
from tests.faults.killing import begun, held, journalled, migrated, rows, said, services, shop, told
from tests.soak import SOAK

# Each way has the kills that differ most; every step of both, on each DBMS: test_cutover_killed_everywhere.py.
BACK = ("sqlite", "postgresql", "mariadb") if SOAK else ("postgresql", "mariadb")
SWAPPING = ("swapping", "moving", "replacing")  # what is said then, on each DBMS


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """A small shop with its plan and its migration."""
    url = str(request.getfixturevalue(request.param))
    yield shop(tmp_path, url)
    shops.drop_kept(url)


@pytest.mark.parametrize("project", ["sqlite"], indirect=True)
def test_killed_at_each_step_it_goes_on(project: Project) -> None:
    """Killed in step after step, it is as before up to the commit and as after from there; `--resume` ends it."""
    before = rows(project)
    after = migrated(before)
    held(project, "stop", "cutover")
    assert (told(project).stopped_in, told(project).ending) == ("stop", "")
    journalled(project, "cutover premigration", "cutover", "--resume")
    assert told(project).stopped_in == "premigration"
    held(project, "before-commit", "cutover", "--resume")
    assert told(project).stopped_in == "migrate"
    assert rows(project) == before
    code, output = project.run("cutover", "--yes")
    assert code == 1
    assert "was interrupted (step migrate): go on with visionforge cutover --resume" in output
    held(project, "after-commit", "cutover", "--resume")  # all is as before, so it was run again
    assert rows(project) == after
    journalled(project, "cutover postmigration", "cutover", "--resume")
    held(project, "start", "cutover", "--resume")
    assert told(project).stopped_in == "start"
    assert rows(project) == after
    code, output = project.run("cutover", "--resume", "--yes")
    assert code == 0, output
    assert told(project).ending == "done"
    assert rows(project) == after
    assert begun(project, "migrate") == 2  # what was committed is proved, not done again
    assert services(project) == ["stop", "start"]


@pytest.mark.parametrize("project", BACK, indirect=True)
def test_killed_at_each_step_of_the_way_back_it_goes_on_going_back(project: Project) -> None:
    """Killed before and after the commit, in the restore, the swap, the proof: one command, all is as before."""
    before = rows(project)
    (project.folder / "broken").touch()
    held(project, "before-commit", "cutover")
    assert rows(project) == before
    held(project, "after-commit", "cutover", "--resume")
    broken = rows(project)
    assert broken != before
    if SOAK:
        held(project, "stop", "cutover", "--rollback")
        assert (told(project).stopped_in, rows(project)) == ("stop", broken)
    for words in (*([("comparing every row",)] if SOAK else []), SWAPPING):
        said(project, words, "cutover", "--rollback")
        assert told(project).stopped_in == "rollback"
        assert rows(project) in (before, broken)
    if SOAK:
        journalled(project, "cutover rollback proof", "cutover", "--resume")
        assert rows(project) == before
        held(project, "previous", "cutover", "--resume")
        assert told(project).stopped_in == "start previous"
    code, output = project.run("cutover", "--resume", "--yes")
    assert code == 1, output  # the way back is no GO
    assert told(project).ending == "back"
    assert '"verdict": "GO"' in project.read("*-rollback-*/record.json")
    assert rows(project) == before
    assert services(project)[-1] == "previous"
