"""What the server refuses, or lacks: one clear message, nothing half, and the next run works."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pytest_visionforge import backup
from pytest_visionforge.backup import find, verify
from pytest_visionforge.backup.manifest import Manifest
from pytest_visionforge.database import Database
from pytest_visionforge.errors import BackupError, CannotConnect, VisionForgeError
from tests.backup import forging
from tests.backup.shop import back_up, fill, writing
from tests.faults.aftermath import nothing_is_left, the_next_run_works

SECRET = "s3cr3t-p4ss"


@pytest.fixture
def clerk(postgresql: str) -> Iterator[str]:
    """The URL of a PostgreSQL shop for a role that may read its tables, and whose password is known."""
    fill(postgresql)
    with writing(postgresql) as run:
        run("DROP ROLE IF EXISTS vf_test_clerk")
        run(f"CREATE ROLE vf_test_clerk LOGIN PASSWORD '{SECRET}'")
        run("GRANT USAGE ON SCHEMA sales TO vf_test_clerk")
        run("GRANT SELECT ON ALL TABLES IN SCHEMA public, sales TO vf_test_clerk")
        run("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO vf_test_clerk")
        run("GRANT pg_read_all_settings TO vf_test_clerk")
    url = make_url(postgresql).set(username="vf_test_clerk", password=SECRET)
    yield url.render_as_string(hide_password=False)
    with writing(postgresql) as run:
        run("DROP OWNED BY vf_test_clerk")
        run("DROP ROLE vf_test_clerk")


FORBIDDEN = {
    "a table": "REVOKE SELECT ON customers FROM vf_test_clerk",
    "a sequence": "REVOKE SELECT ON customers_id_seq FROM vf_test_clerk",
    "a schema": "REVOKE USAGE ON SCHEMA sales FROM vf_test_clerk",
    "a large object": "SELECT lo_from_bytea(4711, 'private')",
    "some rows": "ALTER TABLE customers ENABLE ROW LEVEL SECURITY",
}


def test_what_a_role_may_not_see_stops_the_backup(clerk: str, postgresql: str, backups: Path) -> None:
    """A table, sequence, schema, large object or row that the role may not read: no backup, and it is said."""
    assert back_up(clerk, backups / "before").rows > 1000
    for name, statement in FORBIDDEN.items():
        directory = backups / name
        with writing(postgresql) as run:
            run(statement)
        with pytest.raises(
            VisionForgeError, match=r"permission denied|row.level security|may not|not see"
        ) as caught:
            back_up(clerk, directory, digests={} if name != "some rows" else None)
        assert SECRET not in str(caught.value), name
        if directory.exists():
            nothing_is_left(directory)
        with writing(postgresql) as run:
            run("ALTER TABLE customers DISABLE ROW LEVEL SECURITY")
            run("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
            run("GRANT USAGE ON SCHEMA sales TO vf_test_clerk")
            run("GRANT SELECT ON customers, customers_id_seq TO vf_test_clerk")
        the_next_run_works(postgresql, directory)


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_a_server_that_is_not_there_is_one_clear_message(
    name: str, request: pytest.FixtureRequest, backups: Path
) -> None:
    """A stopped server, an unknown host and an unknown database are named, and nothing is begun."""
    url = make_url(request.getfixturevalue(name))
    for wrong in (url.set(port=1), url.set(host="nowhere.invalid"), url.set(database="vf_test_none")):
        with pytest.raises(CannotConnect, match="check the URL, its rights, and that the server runs"):
            back_up(wrong.render_as_string(hide_password=False), backups)
    assert not backups.exists()


def test_roles_that_the_server_has_not_are_named(postgresql: str, backups: Path) -> None:
    """A backup that needs a role is not restored where the role is missing; the message says how to mend it."""
    with writing(postgresql) as run:
        run("CREATE TABLE t (id int)")
        run("DROP ROLE IF EXISTS vf_test_gone")
        run("CREATE ROLE vf_test_gone")
        run("GRANT SELECT ON t TO vf_test_gone")
        made = back_up(postgresql, backups)
        assert "vf_test_gone" in made.manifest.needs["roles"]
        assert verify(made, scratch_url=postgresql).holds
        run("DROP OWNED BY vf_test_gone")
        run("DROP ROLE vf_test_gone")
        with pytest.raises(BackupError, match=r"has not the roles vf_test_gone \(CREATE ROLE\)"):
            verify(made, scratch_url=postgresql)
        assert find(backups, made.id).level == "restored"  # nothing was proved against it
        run("CREATE ROLE vf_test_gone")
        assert verify(made, scratch_url=postgresql).holds
        run("DROP OWNED BY vf_test_gone")
        run("DROP ROLE vf_test_gone")


def test_extensions_are_needed(postgresql: str, backups: Path) -> None:
    """An extension is named in the manifest, and missed where a server has it not."""
    with writing(postgresql) as run:
        if not run("SELECT FROM pg_available_extensions WHERE name = 'pgcrypto'").all():
            pytest.skip("the server has no extensions")
        run("CREATE EXTENSION pgcrypto")
        run(
            "CREATE TABLE t (id uuid DEFAULT gen_random_uuid(), secret text DEFAULT crypt('x', gen_salt('md5')))"
        )
        run("INSERT INTO t DEFAULT VALUES")
    made = back_up(postgresql, backups)
    assert made.manifest.needs["extensions"] == ("pgcrypto",)
    assert verify(made, scratch_url=postgresql).holds
    other = forging.claims(made, needs={**_lists(made.manifest), "extensions": ("pgcrypto", "vf_none")})
    with pytest.raises(BackupError, match=r"has not the extensions vf_none \(install the package"):
        verify(other, scratch_url=postgresql)


def _lists(manifest: Manifest) -> dict[str, tuple[str, ...]]:
    return dict(manifest.needs)


def test_a_missing_module_is_named(sqlite: str, backups: Path) -> None:
    """A virtual table whose module is missing here is named before anything is restored."""
    with writing(sqlite) as run:
        run("CREATE VIRTUAL TABLE words USING fts5(word)")
        run("INSERT INTO words VALUES ('hello')")
    made = back_up(sqlite, backups)
    assert made.manifest.needs == {"modules": ("fts5",)}
    with pytest.raises(BackupError, match="SQLite here has not the modules none5"):
        verify(forging.claims(made, needs={"modules": ("none5",)}), scratch_url=sqlite)


def test_a_view_that_cannot_be_read_stops_the_backup(mariadb: str, backups: Path) -> None:
    """A view over a dropped table, or of a definer who is gone, is named; without it the next backup works."""
    with writing(mariadb) as run:
        run("CREATE TABLE t (id int PRIMARY KEY)")
        run("CREATE TABLE gone (id int)")
        run("CREATE VIEW broken AS SELECT id FROM gone")
        run("DROP TABLE gone")
        with pytest.raises(
            BackupError, match=r"mariadb-dump ended with status \d+: .*broken.*; mend or drop"
        ):
            back_up(mariadb, backups)
        nothing_is_left(backups)
        run("DROP VIEW broken")
    the_next_run_works(mariadb, backups)


def _kill_dump(run: Callable[[str], object], ended: threading.Event) -> None:
    query = "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT /*!40001 SQL_NO_CACHE */%'"
    while not ended.is_set():
        for (number,) in run(query):  # type: ignore[attr-defined]
            run(f"KILL CONNECTION {number}")
            return
        time.sleep(0.01)


def test_a_server_that_ends_a_mariadb_dump_leaves_nothing(mariadb: str, backups: Path) -> None:
    """When the server ends the connection of the dump program in a table's rows, nothing of it is left."""
    with writing(mariadb) as run, writing(mariadb) as other:
        run("CREATE TABLE t (id int PRIMARY KEY, filler char(200))")
        run("INSERT INTO t SELECT seq, 'x' FROM seq_1_to_400000")
        ended = threading.Event()

        def hold(word: str) -> None:
            if word.endswith(": full"):
                threading.Thread(target=_kill_dump, args=(other, ended)).start()

        with (
            Database("source", mariadb) as database,
            database.session() as session,
            pytest.raises(
                BackupError,
                match=r"mariadb-dump ended with status \d+: .*(Lost connection|killed).*; see the server",
            ),
        ):
            backup.create(session, backups, url=database.url, digests={}, progress=hold)
        ended.set()
        nothing_is_left(backups)
        run("DELETE FROM t WHERE id > 100")
    the_next_run_works(mariadb, backups)


def test_a_lock_that_is_never_given_back_stops_the_backup(
    postgresql: str, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that another transaction keeps locked is not waited for for ever."""
    from pytest_visionforge.dialects.postgresql import archive

    options = [o if "lock-wait" not in o else "--lock-wait-timeout=200ms" for o in archive.DUMP_OPTIONS]
    monkeypatch.setattr(archive, "DUMP_OPTIONS", tuple(options))
    fill(postgresql)
    with writing(postgresql) as run:

        def lock(word: str) -> None:
            if word.startswith("pg_dump"):
                run("BEGIN")
                run("LOCK TABLE log IN ACCESS EXCLUSIVE MODE")

        with (
            Database("source", postgresql) as database,
            database.session() as session,
            pytest.raises(
                BackupError, match=r"pg_dump ended .*timeout.* LOCK TABLE .*; another transaction holds"
            ),
        ):
            backup.create(session, backups, url=database.url, kind="schema", progress=lock)
        nothing_is_left(backups)
        run("ROLLBACK")
    the_next_run_works(postgresql, backups)
