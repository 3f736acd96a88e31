"""A baseline that is killed in the middle goes on where it was, or begins anew where somebody has written."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_visionforge.compare import Baseline, going_on, take, unfinished
from pytest_visionforge.compare import segments as cut
from pytest_visionforge.compare.segments import Digest, Segment
from pytest_visionforge.compare.unfinished import Unfinished
from pytest_visionforge.database import Database
from tests import apart
from tests.compare.conftest import Migration, plan_of

ROWS = 40


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of four rows, each written down at once."""
    monkeypatch.setattr(cut, "ROWS", 4)
    monkeypatch.setattr(unfinished, "SECONDS", 0.0)


def taken(folder: Path, url: str, told: Callable[[str], None] | None = None) -> Baseline:
    """The baseline of a database, as premigration takes it."""
    with Database("source", url) as database:
        schema, identity, state = database.schema, database.identity.id, database.state()
        with database.snapshot() as snapshot, going_on(folder / "left", identity, state) as kept:
            return take(snapshot, plan_of(folder, url), schema, folder / "baseline", told, kept)


@pytest.fixture
def two(migration: Migration) -> Migration:
    """A table that is through, one in the middle, and one without a key that has not been begun."""
    rows = ", ".join(f"({number}, 'x{number}')" for number in range(1, ROWS + 1))
    names = ("a_done", "b_begun", "c_later")
    quiet = (
        " STATS_AUTO_RECALC=0" if migration.before_url.startswith("mysql") else ""
    )  # seconds later it would write
    for name in names:
        key = "" if name == "c_later" else " PRIMARY KEY"
        migration.both(f"CREATE TABLE {name} (id integer NOT NULL{key}, v varchar(20) NOT NULL){quiet}")
        migration.both(f"INSERT INTO {name} VALUES {rows}")
    return migration


def die_after(folder: Path, url: str, ranges: int) -> None:
    """Takes a baseline of ranges of four rows, and dies after so many of them."""
    left, went = ranges, Unfinished.went

    def then_die(self: Unfinished, fingerprint: str, digest: Digest) -> None:
        nonlocal left
        went(self, fingerprint, digest)
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Unfinished, "went", then_die)
        patch.setattr(cut, "ROWS", 4)
        patch.setattr(unfinished, "SECONDS", 0.0)
        taken(folder, url)


def _settled(url: str) -> str:
    """The state of a database, once MariaDB is through with what it does by itself after a write.

    That moves its log as a write does.
    """
    with Database("source", url) as database:
        before = ""
        while (state := database.state()) != before and state.startswith("log"):
            before = state
            time.sleep(0.5)
        return state


def _killed(folder: Path, url: str, ranges: int) -> None:
    """Takes a baseline that is killed after so many ranges; once more where MariaDB's log moved by itself."""
    for _ in range(9):
        state = _settled(url)
        assert apart.run(die_after, folder, url, ranges) == -signal.SIGKILL
        assert not (folder / "baseline").exists()
        if _settled(url) == state:
            return
    pytest.fail("the server's log does not come to rest")


def _digests(baseline: Baseline) -> dict[str, object]:
    return {id: table.whole for id, table in baseline.tables.items()}


def test_it_goes_on_where_it_was_killed(two: Migration) -> None:
    """After a kill only what was not done is done, and the digests are those of a run that was left alone."""
    _killed(two.folder, two.before_url, 15)
    told: list[str] = []
    found = taken(two.folder, two.before_url, told.append)
    assert found.resumed >= ROWS + 4 * 4
    assert any("interrupted" in words for words in told)
    alone = taken(two.folder, two.before_url)
    assert alone.resumed == 0
    assert _digests(found) == _digests(alone)
    assert not (two.folder / "left").exists()


@pytest.mark.parametrize("migration", ["sqlite"], indirect=True)
def test_killed_again_and_again(two: Migration) -> None:
    """It is killed after each few ranges, and comes to its end all the same."""
    for _ in range(3):
        _killed(two.folder, two.before_url, 6)
    found = taken(two.folder, two.before_url)
    assert found.resumed >= ROWS + 4 * 6
    assert _digests(found) == _digests(taken(two.folder, two.before_url))


def test_it_begins_anew_where_somebody_wrote(two: Migration) -> None:
    """A row that was altered after the kill is in the baseline: nothing from before is used."""
    _killed(two.folder, two.before_url, 15)
    two.both("UPDATE a_done SET v = 'other' WHERE id = 1")
    found = taken(two.folder, two.before_url)
    assert found.resumed == 0
    assert _digests(found) == _digests(taken(two.folder, two.before_url))


def test_another_database_is_not_gone_on_with(two: Migration) -> None:
    """What was taken of one database is nothing to another."""
    _killed(two.folder, two.before_url, 15)
    assert taken(two.folder, two.after_url).resumed == 0


def _one() -> Digest:
    return Digest(Segment((), ("7",)), 7, "aa")


def _interrupted(path: Path, *digests: Digest) -> None:
    with going_on(path, "d", "s") as kept:
        for digest in digests:
            kept.went("f", digest)
        raise KeyboardInterrupt


@pytest.mark.parametrize("cut_off", [1, 20, 100])
def test_a_cut_line_is_passed_over(tmp_path: Path, cut_off: int) -> None:
    """A line that was cut by the kill, or altered, is as if it had not been written."""
    path = tmp_path / "left"
    with pytest.raises(KeyboardInterrupt):
        _interrupted(path, _one(), Digest(Segment(("7",), ("9",)), 2, "bb"))
    path.write_bytes(path.read_bytes()[:-cut_off])
    with going_on(path, "d", "s") as kept:
        assert list(kept.begun("f")) == [_one()]


def test_two_runs_at_once_do_not_meet(tmp_path: Path) -> None:
    """The second run keeps nothing, and takes nothing of the first."""
    path = tmp_path / "left"
    with going_on(path, "d", "s") as first:
        first.went("f", _one())
        with going_on(path, "d", "s") as second:
            assert second.resumed == 0
        assert path.exists()


def test_nothing_is_kept_of_an_unknown_state(tmp_path: Path) -> None:
    """Where it cannot be told whether somebody writes, there is no file."""
    with going_on(tmp_path / "left", "d", "") as kept:
        kept.went("f", _one())
        assert not (tmp_path / "left").exists()
