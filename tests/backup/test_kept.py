"""What stands beside a database: it is found, it swaps back whole, and goes only when it may."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pytest_visionforge.backup import discard, instant, kept, kept_state, put_back, restore
from pytest_visionforge.cutover import journal
from pytest_visionforge.dialects.writing import is_kept
from pytest_visionforge.errors import BackupError
from tests.backup.shop import back_up, change, databases, digests, drop_kept, fill, writing


def test_there_and_back_and_there_again(shop: str, backups: Path) -> None:
    """A restore is gone back from, and that in turn; each state is whole; what is discarded is gone."""
    made, before = back_up(shop, backups), digests(shop)
    change(shop)
    between = digests(shop)
    restored = restore(made, shop, replace=True)
    [first] = kept(backups, shop)
    assert (first.name, first.backup, first.settled) == (restored.kept, made.id, True)
    back = put_back(backups, shop)
    assert back.name == first.name
    assert digests(shop) == between
    [second] = kept(backups, shop)
    assert (second.name, second.action) == (back.kept, "backup back")
    put_back(backups, shop, second.name)
    assert digests(shop) == before
    assert discard(backups, shop).name == kept_state_is_gone(backups, shop)
    assert databases(shop) == []
    journal.verify(backups / "journal.jsonl")


def kept_state_is_gone(backups: Path, url: str) -> str:
    """The name that was discarded last; nothing is kept any more."""
    assert kept(backups, url) == ()
    with pytest.raises(BackupError, match="there is: nothing"):
        kept_state(backups, url)
    discarded = [begin for begin, _ in journal.steps(backups / "journal.jsonl")][-1]
    return str(discarded.facts["discarded"])


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_an_instant_copy_is_the_state_of_its_moment(
    name: str, request: pytest.FixtureRequest, backups: Path
) -> None:
    """Where the DBMS can copy its files, the copy swaps back as it was, with the database's settings."""
    url = fill(request.getfixturevalue(name))
    database = make_url(url).database
    settings = "SELECT array_agg(setconfig::text) FROM pg_db_role_setting"
    if name == "postgresql":
        with writing(url) as run:
            run(f"ALTER DATABASE {database} SET work_mem = '7MB'")
    before = digests(url)
    copy = instant(backups, url)
    change(url)
    assert kept(backups, url) == (copy,)
    put_back(backups, url)
    assert digests(url) == before
    if name == "postgresql":
        with writing(url) as run:
            assert run(f"{settings} s, pg_database d WHERE d.oid = s.setdatabase AND datname = '{database}'")
            assert run("SHOW work_mem").scalar() == "7MB"
    drop_kept(url)


def test_who_uses_a_database_stops_its_copy(postgresql: str, backups: Path) -> None:
    """PostgreSQL copies only what nobody uses: who does is named, and nothing is left."""
    fill(postgresql)
    with writing(postgresql) as run:
        run("SET application_name = 'the shop'")
        with pytest.raises(BackupError, match="in use by the shop"):
            instant(backups, postgresql)
    assert kept(backups, postgresql) == ()


def test_a_server_that_cannot_says_so(mariadb: str, backups: Path) -> None:
    """MariaDB has no copy in an instant, and says what to use."""
    with pytest.raises(BackupError, match="take a snapshot of the volume"):
        instant(backups, mariadb)


def test_what_was_not_proved_is_not_discarded(
    sqlite_shop: str, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as what came in its place is in doubt, the old state stays, unless it is said that it may go."""
    made = back_up(sqlite_shop, backups)
    change(sqlite_shop)

    def spoil(word: str) -> None:
        if word.startswith("looking at"):
            with closing(sqlite3.connect(str(make_url(sqlite_shop).database))) as db:
                db.execute("DROP TABLE log")

    with pytest.raises(BackupError, match=r"in its place table log is missing; the state before is kept in"):
        restore(made, sqlite_shop, replace=True, keep_old=False, progress=spoil)
    [old] = kept(backups, sqlite_shop)
    assert not old.settled
    with pytest.raises(BackupError, match="look at the database first"):
        discard(backups, sqlite_shop)
    discard(backups, sqlite_shop, force=True)
    assert kept(backups, sqlite_shop) == ()


def test_what_is_unclear_is_asked(sqlite_shop: str, backups: Path) -> None:
    """A beginning that fits several, or a state that no run tells of, is not guessed at."""
    made = back_up(sqlite_shop, backups)
    for _ in range(2):
        restore(made, sqlite_shop, replace=True)
    with pytest.raises(BackupError, match=r"may be any of .*: say which"):
        kept_state(backups, sqlite_shop, "test.db")
    newest, older = kept(backups, sqlite_shop)
    assert newest.since > older.since
    assert kept_state(backups, sqlite_shop) == newest
    Path(f"{newest.name[:-3]}999").write_bytes(b"from nobody")
    with pytest.raises(BackupError, match=r"the newest may be any of .*: say which"):
        kept_state(backups, sqlite_shop)


@pytest.mark.parametrize(
    ("name", "live", "is_it"),
    [
        ("shop__old_0a1b2c3d", "shop", True),
        ("shop__safe_0a1b2c3d_2", "shop", True),
        ("shop__old_0a1b2c3d", "sho", False),
        ("shop__old_0a1b2c3", "shop", False),
        ("shop__new_0a1b2c3d", "shop", False),
        ("shop_2__old_0a1b2c3d", "shop", False),
        ("shop", "shop", False),
        (f"{'x' * 48}__old_0a1b2c3d", "x" * 60, True),  # cut off
        (f"{'x' * 48}__old_0a1b2c3d", "x" * 48, True),
        (f"{'x' * 47}é__old_0a1b2c3d", "x" * 47 + "é" * 5, True),
        (f"{'x' * 20}__old_0a1b2c3d", "x" * 60, False),
    ],
)
def test_a_kept_state_is_known_by_its_name(name: str, live: str, is_it: bool) -> None:
    """Only the states of this very database are taken for its own."""
    assert is_kept(name, live, 63) == is_it
