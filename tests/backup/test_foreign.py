"""Dumps that others made: restored with care, and told what came out; nothing is claimed beyond that."""

from __future__ import annotations

import gzip
import os
import shlex
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from pytest_visionforge.backup import examine
from pytest_visionforge.backup.payload import zstd
from pytest_visionforge.cutover import journal
from pytest_visionforge.dialects.postgresql.quoting import Quoting
from pytest_visionforge.errors import BackupError
from tests.backup.shop import ROWS, databases, fill, writing
from tests.soak import examples

PACKED: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstd.compress}


def _dump(url: str, path: Path, words: str) -> Path:
    made = make_url(url)
    where = f"-h {made.host} -{'p' if made.get_backend_name() == 'postgresql' else 'P'} {made.port}"
    login = f"-{'U' if made.get_backend_name() == 'postgresql' else 'u'} {made.username}"
    command = [*shlex.split(words.format(where=f"{where} {login}", name=made.database))]
    environment = {**os.environ, "LC_ALL": "C"}
    path.write_bytes(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
    return path


@pytest.fixture
def clerk(postgresql: str) -> Iterator[str]:
    """A role that may make databases and nothing else."""
    with writing(postgresql) as run:
        run("DROP ROLE IF EXISTS vf_test_maker")
        run("CREATE ROLE vf_test_maker LOGIN CREATEDB")
    yield make_url(postgresql).set(username="vf_test_maker").render_as_string(hide_password=False)
    with writing(postgresql) as run:
        run("DROP ROLE vf_test_maker")


@pytest.mark.parametrize("ending", PACKED)
def test_plain_dumps_of_postgresql_are_restored(
    postgresql: str, clerk: str, tmp_path: Path, ending: str
) -> None:
    """What pg_dump prints is restored without psql, packed or not, and each table's rows are counted."""
    fill(postgresql)
    with writing(postgresql) as run:
        run("CREATE TABLE odd (a text DEFAULT 'COPY x FROM stdin;')")
        run("INSERT INTO odd VALUES (E'\\\\! touch x\\n\\\\.\\n--')")
        run(
            "CREATE FUNCTION odd() RETURNS text LANGUAGE plpgsql AS $f$ BEGIN\n-- it's\n"
            "RETURN $q$\nCOPY odd FROM stdin;\n\\! touch x\n$q$;\nEND $f$"
        )
        run("CREATE FUNCTION atomic() RETURNS int BEGIN ATOMIC SELECT 1;\nSELECT 2;\nEND")
    plain = _dump(postgresql, tmp_path / "plain", "pg_dump {where} {name}").read_bytes()
    path = tmp_path / f"plain.sql{ending}"
    path.write_bytes(PACKED[ending](plain))
    found = examine(path, journal=tmp_path / "backups", scratch_url=clerk)
    assert found.tables["orders"] == ROWS
    assert found.tables["odd"] == 1
    assert "there is nothing to compare it with" in found.says
    assert found.notes == ("without owners and rights",)
    assert databases(postgresql) == []
    assert list(journal.read(tmp_path / "backups" / "journal.jsonl"))[-1].result == "ok"


def test_archives_of_postgresql_are_restored(postgresql: str, clerk: str, tmp_path: Path) -> None:
    """A custom archive is restored as well; by a superuser no dump of others is."""
    fill(postgresql)
    path = _dump(postgresql, tmp_path / "a.dump", "pg_dump -Fc {where} {name}")
    assert examine(path, journal=tmp_path, scratch_url=clerk).tables["orders"] == ROWS
    with pytest.raises(BackupError, match=r"superuser, or may run programs .*CREATE ROLE examiner"):
        examine(path, journal=tmp_path, scratch_url=postgresql)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(BackupError, match="pg_restore ended with status"):
        examine(path, journal=tmp_path, scratch_url=clerk)
    assert databases(postgresql) == []


def test_a_plain_dump_that_is_cut_or_hostile_is_refused(postgresql: str, clerk: str, tmp_path: Path) -> None:
    """Cut at any line's end, or with a command for psql, a plain dump is refused; nothing of it is run by psql."""
    with writing(postgresql) as run:
        run("CREATE TABLE t (id int PRIMARY KEY)")
        run("INSERT INTO t SELECT generate_series(1, 50)")
    path = _dump(postgresql, tmp_path / "a.sql", "pg_dump {where} {name}")
    whole = path.read_bytes()
    ends = [place + 1 for place, byte in enumerate(whole) if byte == 10]
    last = whole.index(b"-- PostgreSQL database dump complete")
    inside = [place for place in ends if place <= last]
    for place in (*inside[20 :: len(inside) // 6], inside[-1]):
        path.write_bytes(whole[:place])
        with pytest.raises(BackupError, match="cut off"):
            examine(path, journal=tmp_path, scratch_url=clerk)
    for line in (f"\\! touch {tmp_path}/x", f"\\i {path}", "\\connect postgres", f"\\o {tmp_path}/x"):
        path.write_bytes(whole.replace(b"CREATE TABLE", line.encode() + b"\nCREATE TABLE", 1))
        with pytest.raises(BackupError, match="a command for psql, which is not run"):
            examine(path, journal=tmp_path, scratch_url=clerk)
    program = f"COPY t TO PROGRAM 'touch {tmp_path}/x';\n".encode()
    path.write_bytes(whole.replace(b"ALTER TABLE ONLY", program + b"ALTER TABLE ONLY", 1))
    with pytest.raises(BackupError, match=r"cannot be restored: .*COPY to"):
        examine(path, journal=tmp_path, scratch_url=clerk)
    assert not (tmp_path / "x").exists()
    assert databases(postgresql) == []


def test_dumps_of_mariadb_are_restored(mariadb: str, tmp_path: Path) -> None:
    """What mariadb-dump prints is restored; what is cut, reaches elsewhere or would act by itself is not."""
    fill(mariadb)
    dump = "mariadb-dump --no-defaults {where} --single-transaction --routines "
    path = _dump(mariadb, tmp_path / "a.sql", dump + "{name}")
    found = examine(path, journal=tmp_path, scratch_url=mariadb)
    assert (found.tables["orders"], found.views) == (ROWS, 1)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"-- Dump completed")])
    with pytest.raises(BackupError, match="cut off: the marker"):
        examine(path, journal=tmp_path, scratch_url=mariadb)
    for words, says in (
        ("--databases {name}", "names a database of its own"),
        ("--events {name}", "makes an event"),
    ):
        path = _dump(mariadb, tmp_path / "b.sql", dump + words)
        with pytest.raises(BackupError, match=f"line .* {says}"):
            examine(path, journal=tmp_path, scratch_url=mariadb)
    assert databases(mariadb) == []


def test_files_and_scripts_of_sqlite_are_restored(sqlite: str, tmp_path: Path) -> None:
    """A SQLite file and what `.dump` prints are read; orphans in them are told, other files are not touched."""
    with writing(sqlite) as run:
        run("CREATE TABLE p (id INTEGER PRIMARY KEY, what TEXT)")
        run("CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id))")
        run("INSERT INTO p VALUES (1, 'a; ''b\n--')")
        run("INSERT INTO c VALUES (1, 1), (2, 7)")
    file = Path(str(make_url(sqlite).database))
    with closing(sqlite3.connect(file)) as db:
        script = "PRAGMA foreign_keys=OFF;\n" + "\n".join(db.iterdump())
    path = tmp_path / "script.sql"
    path.write_text(script)
    for source in (file, path):
        found = examine(source, journal=tmp_path)
        assert found.tables == {"c": 2, "p": 1}
        assert found.notes == ("1 rows of c refer through p to rows that p has not",)
    path.write_text(script.replace("COMMIT;", f"ATTACH '{tmp_path}/x' AS x; COMMIT;"))
    with pytest.raises(BackupError, match="SQLite says: not authorized"):
        examine(path, journal=tmp_path)
    path.write_text(script.replace("COMMIT;", ""))
    with pytest.raises(BackupError, match="cut off: its transaction has no end"):
        examine(path, journal=tmp_path)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"hello", "is no backup of ours"),
        (b"", "is no backup of ours"),
        (gzip.compress(b"SQLite format 3\0" * 1000)[:-9], "cannot be decompressed"),
        (b"SQLite format 3\0" + b"x" * 5000, "SQLite says|cannot be read"),
    ],
    ids=["text", "nothing", "a cut file", "a damaged file"],
)
def test_what_is_no_dump_is_one_clear_message(tmp_path: Path, content: bytes, says: str) -> None:
    """A file of another kind, an empty, a cut and a damaged one are told, and the failure is in the journal."""
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(BackupError, match=says):
        examine(path, journal=tmp_path / "backups")
    assert list(journal.read(tmp_path / "backups" / "journal.jsonl"))[-1].result == "failed"


_QUOTED = st.one_of(
    st.text("a;\n-$", max_size=8).map(lambda text: f"'{text}'"),
    st.text("a;\n-$'", max_size=8).map(lambda text: f'"{text}"'),
    st.text("a;\n-'\"", max_size=8).map(lambda text: f"$t${text}$t$"),
    st.text("a;\n'\"$", max_size=8).map(lambda text: f"/*{text}*/"),
    st.text("a;'\"$", max_size=8).map(lambda text: f"--{text}\n"),
    st.text("a;\n", max_size=8).map(lambda text: f"E'\\'{text}\\\\'"),
    st.text(" ab;\n(),", max_size=8),
)


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(_QUOTED, max_size=8))
def test_what_is_quoted_is_known(pieces: list[str]) -> None:
    """After any pieces that are each closed nothing is open, and what is opened last stays open."""
    quoting = Quoting()
    for line in (" ".join(pieces) + "\n").splitlines(keepends=True):
        quoting.read(line.encode())
    assert quoting.outside
    for opening in (" '", ' "', " $x$", " /*", " E'"):
        half = Quoting()
        for line in (" ".join(pieces) + opening + "\n;\n--\n").splitlines(keepends=True):
            half.read(line.encode())
        assert not half.outside
