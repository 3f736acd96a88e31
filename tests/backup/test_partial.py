"""Some tables put back: exactly they are as they were, and every reference holds; or nothing is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from pytest_visionforge.backup import Backup, restore_tables, scratch
from pytest_visionforge.compare import identity_digests
from pytest_visionforge.database import Database
from pytest_visionforge.errors import BackupError
from tests.backup.shop import back_up, databases, digests, writing


@pytest.fixture
def family(url: str) -> str:
    """Makers of things, which may be parts of each other, with notes on things; and others, by themselves."""
    key = {"sqlite": "INTEGER PRIMARY KEY", "postgresql": "serial PRIMARY KEY"}
    id = key.get(make_url(url).get_backend_name(), "int AUTO_INCREMENT PRIMARY KEY")
    with writing(url) as run:
        run(f"CREATE TABLE makers (id {id}, name varchar(20))")
        run(
            f"CREATE TABLE things (id {id}, maker int, part_of int, price int, twice int GENERATED ALWAYS AS"
            " (price * 2) STORED, FOREIGN KEY (maker) REFERENCES makers (id),"
            " FOREIGN KEY (part_of) REFERENCES things (id))"
        )
        run(
            f"CREATE TABLE notes (id {id}, thing int, word varchar(20), FOREIGN KEY (thing) REFERENCES things (id))"
        )
        run(f"CREATE TABLE others (id {id}, word varchar(20))")
        run("INSERT INTO makers VALUES (1, 'a'), (2, 'b'), (3, 'c')")
        run(
            "INSERT INTO things (id, maker, part_of, price) VALUES (1, 1, NULL, 5), (2, 1, 1, 6), (3, 2, 1, 7)"
        )
        run("INSERT INTO notes VALUES (1, 1, 'x'), (2, 3, 'y')")
        run("INSERT INTO others VALUES (1, 'x')")
    return url


def _damage(url: str) -> None:
    """Spoils the things, goes on with the rest: a new thing has a note."""
    with writing(url) as run:
        run("UPDATE things SET price = 0")
        run("INSERT INTO things (id, maker, price) VALUES (4, 3, 8)")
        run("INSERT INTO others VALUES (2, 'new')")


def _tables(url: str, *wanted: str) -> dict[str, str]:
    return {id: digest for id, digest in digests(url).items() if id in wanted}


def test_only_the_tables_that_are_named_come_back(family: str, backups: Path) -> None:
    """The named table is as it was, all else as it is; the rows from before are kept, new keys are new."""
    made, before = back_up(family, backups), digests(family)
    _damage(family)
    now = digests(family)
    done = restore_tables(made, family, ["things"])
    after = digests(family)
    assert (after["things"], after["others"]) == (before["things"], now["others"])
    with Database("target", family) as database:
        assert database.value(f"SELECT count(*) FROM {done.kept[0]}") == 4
        schema = database.schema
    with writing(family) as run:
        run("INSERT INTO things (maker, price) VALUES (1, 9)")
        assert run("SELECT max(id) FROM things").scalar() == (5 if "mysql" in family else 4)
        run(f"DROP TABLE {done.kept[0]}")
        if "sqlite" in family:
            run("PRAGMA foreign_keys = 1")
        with pytest.raises(Exception, match=r"(?i)foreign"):  # the reference is enforced again
            run("INSERT INTO notes VALUES (9, 99, 'z')")
    assert set(schema.tables) - {done.kept[0]} == set(before)
    assert [key.validated for key in schema.tables["notes"].foreign_keys] == [True]
    assert databases(family) == []


def test_rows_that_would_refer_to_nothing_are_listed(family: str, backups: Path) -> None:
    """A child of a row that would go, and a row whose parent has gone, stop the whole, each with its number."""
    made = back_up(family, backups)
    _damage(family)
    with writing(family) as run:
        run("INSERT INTO notes VALUES (3, 4, 'z'), (4, 4, 'z')")
        run("DELETE FROM notes WHERE thing = 3")
        run("DELETE FROM things WHERE id = 3")
        run("DELETE FROM makers WHERE id = 2")
    now = digests(family)
    with pytest.raises(BackupError) as told:
        restore_tables(made, family, ["things"])
    assert "2 rows of notes refer through thing to rows that things would not have" in str(told.value)
    assert "1 rows of things refer through maker to rows that makers would not have" in str(told.value)
    assert "(--closure: makers, notes, things)" in str(told.value)
    assert digests(family) == now
    assert databases(family) == []


def test_the_closure_takes_all_that_is_bound(family: str, backups: Path) -> None:
    """With everything that refers to it or that it refers to, a table comes back whole."""
    made, before = back_up(family, backups), digests(family)
    _damage(family)
    with writing(family) as run:
        run("INSERT INTO notes VALUES (3, 4, 'z')")
        run("UPDATE makers SET name = 'z'")
    now = digests(family)
    done = restore_tables(made, family, ["things"], dangling="closure")
    assert done.tables == ("makers", "notes", "things")
    after = digests(family)
    assert {id: after[id] for id in done.tables} == {id: before[id] for id in done.tables}
    assert after["others"] == now["others"]


def test_quarantine_sets_such_rows_aside(family: str, backups: Path) -> None:
    """Rows that would refer to nothing, and those that refer to them, are in tables of their own; the rest holds."""
    made = back_up(family, backups)
    _damage(family)
    with writing(family) as run:
        run("INSERT INTO notes VALUES (3, 4, 'z')")
        run("DELETE FROM notes WHERE thing = 3")
        run("DELETE FROM things WHERE id = 3")
        run("DELETE FROM makers WHERE id = 2")
    done = restore_tables(made, family, ["things"], dangling="quarantine")
    aside = {name.partition("__")[0]: (name, count) for name, count in done.quarantined}
    assert {table: count for table, (_, count) in aside.items()} == {"notes": 1, "things": 1}
    with writing(family) as run:
        assert run(f"SELECT thing, word FROM {aside['notes'][0]}").all() == [(4, "z")]
        assert run(f"SELECT id, maker, price FROM {aside['things'][0]}").all() == [(3, 2, 7)]
        assert sorted(run("SELECT id FROM things").scalars()) == [1, 2]
        assert sorted(run("SELECT id FROM notes").scalars()) == [1]


def test_triggers_do_not_fire(shop: str, backups: Path) -> None:
    """Rows that come back are no new orders: triggers are quiet, and there again; MariaDB, which cannot, says so."""
    made, before = back_up(shop, backups), digests(shop)
    with Database("target", shop) as database:
        orders = database.schema.tables["orders"]
    with writing(shop) as run:
        run("UPDATE orders SET amount = 0")
    if make_url(shop).get_backend_name() == "mysql":
        with pytest.raises(BackupError, match="triggers would fire on the rows that are put back: noted"):
            restore_tables(made, shop, ["orders"])
        return
    restore_tables(made, shop, ["orders", "words"] if "sqlite" in shop else ["orders", "sales.pairs"])
    after = digests(shop)
    assert {id: after[id] for id in before} == before
    with Database("target", shop) as database:
        assert database.schema.tables["orders"] == orders


def test_what_has_changed_its_form_is_refused(family: str, backups: Path) -> None:
    """A table with other columns, or that is not there, is not filled; a misspelt one is recognised."""
    made = back_up(family, backups)
    with writing(family) as run:
        run("ALTER TABLE others ADD COLUMN more int")
        run("DROP TABLE notes")
    now = digests(family)
    for table, says in (
        ("others", "other columns now than in the backup"),
        ("notes", "the database has no table notes"),
        ("thing", 'did you mean "things"'),
    ):
        with pytest.raises(BackupError, match=says):
            restore_tables(made, family, [table])
    assert digests(family) == now


def test_a_run_that_fails_in_the_middle_changes_nothing(family: str, backups: Path) -> None:
    """At whichever word it ends: before the commit all is as it was, triggers and keys too."""
    made = back_up(family, backups)
    _damage(family)
    now = digests(family)
    with Database("target", family) as database:
        schema = database.schema
    for word in ("replacing", "looking at every", "committing"):

        def fail(said: str, word: str = word) -> None:
            if said.startswith(word):
                raise BackupError("on purpose")

        with pytest.raises(BackupError, match="on purpose"):
            restore_tables(made, family, ["things", "notes"], progress=fail)
        assert digests(family) == now
        with Database("target", family) as database:
            assert database.schema == schema


def test_a_damaged_backup_is_not_put_back_in_part(made: Backup, sqlite_shop: str) -> None:
    """A backup that is not what it says gives no table."""
    path = made.path / made.manifest.files[0].name
    path.write_bytes(path.read_bytes()[:-1])
    before = digests(sqlite_shop)
    with pytest.raises(BackupError, match="the manifest says"):
        restore_tables(made, sqlite_shop, ["orders"])
    assert digests(sqlite_shop) == before


def test_a_scratch_database_may_hold_some_tables_only(shop: str, backups: Path) -> None:
    """Of what is not wanted nothing but the definition is restored, where the DBMS can; the rest is as it was."""
    made, before = back_up(shop, backups), digests(shop)
    wanted = [
        id for id in before if id in ("orders", "sales.pairs", "pairs") or "weird" in id or "we;ird" in id
    ]
    with scratch(made, url=None if "sqlite" in shop else shop, tables=wanted) as database:
        with database.session() as session:
            found = identity_digests(session, database.schema)
        assert {id: found[id].digest for id in wanted} == {id: before[id] for id in wanted}
        rows = found["customers"].rows
    assert len(wanted) == 3
    assert rows == (500 if "sqlite" in shop else 0)
