"""The baseline's file: whole or not there; and the digests that prove a restored database."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_visionforge.compare import TableDigests, identity_digests, lines, read, take, unequal
from pytest_visionforge.errors import RecordError
from pytest_visionforge.plan.values.changes import TableChange
from pytest_visionforge.plan.values.rules import TablePlan
from tests.compare.conftest import Migration
from tests.soak import examples

SHOP = (
    "CREATE TABLE a (id integer PRIMARY KEY, v varchar(20))",
    "INSERT INTO a VALUES (1, 'x'), (2, NULL), (3, '')",
    "CREATE TABLE log (what varchar(20))",
    "INSERT INTO log VALUES ('x'), ('x')",
    "CREATE TABLE empty_one (id integer PRIMARY KEY)",
)


@pytest.fixture
def shop(migration: Migration) -> Migration:
    """A small shop, the same on both sides."""
    migration.both(*SHOP)
    return migration


def test_it_reads_as_it_was_taken(shop: Migration) -> None:
    """What is read from the file is what was written: identity, schema, rows, digests, sequences."""
    database = shop.database(shop.before_url)
    path = shop.folder / "baseline.zst"
    told: list[str] = []
    plan = shop.plan(TableChange("log", dropped=True), tables=(TablePlan("empty_one", exclude="empty"),))
    with database.session() as session:
        taken = take(session, plan, database.schema, path, told.append)
    found = read(path)
    assert found == taken
    assert found.identity.id == database.identity.id
    assert abs((found.taken - database.now()).total_seconds()) < 600
    assert {id: table.rows for id, table in found.tables.items()} == {"a": 3, "log": 2, "empty_one": 0}
    assert found.tables["log"].projected is None
    assert found.tables["log"].whole is not None
    assert found.tables["empty_one"].excluded == "empty"
    assert any(words.startswith("a: ") for words in told)


def test_only_its_owner_reads_it(shop: Migration) -> None:
    """The file is there for its owner alone, and nothing unfinished is beside it."""
    shop.baseline(shop.plan())
    assert [path.name for path in shop.folder.iterdir()] == ["baseline.zst"]
    assert (shop.folder / "baseline.zst").stat().st_mode & 0o777 == 0o600


def test_no_password_is_in_it(shop: Migration) -> None:
    """The file names the database as the plan shows it, without its URL."""
    shop.baseline(shop.plan())
    text = zstd.decompress((shop.folder / "baseline.zst").read_bytes()).decode()
    assert "://" not in text


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    """An error while writing leaves the file before, and nothing unfinished."""
    path = tmp_path / "lines.zst"
    with lines.written(path) as write:
        write({"first": 1})
    with pytest.raises(ZeroDivisionError), lines.written(path) as write:
        write({"second": 1 / 0})
    assert list(lines.read(path)) == [{"first": 1}]
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import sys, time
from pathlib import Path
from pytest_visionforge.compare import lines
with lines.written(Path(sys.argv[1])) as write:
    for number in range(10**9):
        write({"number": number})
        if number == 1000:
            print("now", flush=True)
"""


def test_killed_while_writing(tmp_path: Path) -> None:
    """A process that is killed while it writes leaves no file that could be taken for a whole one."""
    path = tmp_path / "lines.zst"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not path.exists()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The octets of a whole file."""
    path = tmp_path_factory.mktemp("whole") / "lines.zst"
    with lines.written(path) as write:
        for number in range(50):
            write({"number": number, "time": time.time()})
    return path.read_bytes()


@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_a_cut_or_flipped_file_is_refused(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A file that is cut anywhere, or has one bit flipped anywhere, is refused with its name."""
    path = tmp_path_factory.mktemp("broken") / "broken.zst"
    if data.draw(st.booleans()):
        broken = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        place, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
        broken = whole[:place] + bytes([whole[place] ^ (1 << bit)]) + whole[place + 1 :]
    path.write_bytes(broken)
    assert _read(path) in (f"{path} is refused", _values(whole))  # zstd has no use for some bits


def _read(path: Path) -> object:
    """The values of a file, or that it is refused by its name."""
    try:
        return list(lines.read(path))
    except RecordError as error:
        return f"{path} is refused" if str(path) in str(error) else error


def _values(whole: bytes) -> list[object]:
    return [json.loads(line) for line in zstd.decompress(whole).splitlines()][:-1]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not compressed",
        zstd.compress(b""),
        zstd.compress(b"[]\n"),
        zstd.compress(b'{"format": "other"}\n'),
    ],
)
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """What is no baseline is refused, never read as an empty one."""
    path = tmp_path / "foreign.zst"
    path.write_bytes(content)
    with pytest.raises(RecordError, match="foreign"):
        read(path)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [{"format": "visionforge baseline", "version": 99}],
        [{"format": "another", "version": 1}],
        [{"format": "visionforge baseline", "version": 1}],
        [[1, 2]],
        ["text"],
    ],
)
def test_a_whole_file_of_something_else_is_refused(tmp_path: Path, values: list[object]) -> None:
    """A whole file of ours that is no baseline, or a newer one, is refused."""
    path = tmp_path / "other.zst"
    with lines.written(path) as write:
        for value in values:
            write(value)
    with pytest.raises(RecordError, match="no baseline that this version can read"):
        read(path)


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    """Where there is no baseline the message says what writes it."""
    with pytest.raises(RecordError, match="premigration"):
        read(tmp_path / "none.zst")


def test_equal_databases_have_equal_digests(shop: Migration) -> None:
    """Two databases with the same rows have the same digests, and these survive JSON."""
    found = []
    for url in (shop.before_url, shop.after_url):
        database = shop.database(url)
        with database.session() as session:
            found.append(identity_digests(session, database.schema, exclude=("empty_one",)))
    assert set(found[0]) == {"a", "log"}
    assert found[0] == found[1]
    assert unequal(*found) == ()
    again = {id: TableDigests.from_json(json.loads(json.dumps(d.as_json()))) for id, d in found[0].items()}
    assert again == found[0]


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE a SET v = 'y' WHERE id = 1", "a: 3 rows, then 3; 1 segments differ"),
        ("DELETE FROM log", "log: 2 rows, then 0; 1 segments differ"),
        ("INSERT INTO empty_one VALUES (7)", "empty_one: 0 rows, then 1"),
        ("DROP TABLE log", "log is only in the first"),
        ("CREATE TABLE extra (id integer)", "extra is only in the second"),
        ("ALTER TABLE a ADD COLUMN w integer", "a does not have the same columns"),
    ],
)
def test_what_differs_is_told(shop: Migration, statement: str, sentence: str) -> None:
    """A table that differs is named, with its rows and the first segment that differs."""
    shop.after(statement)
    found = []
    for url in (shop.before_url, shop.after_url):
        database = shop.database(url)
        with database.session() as session:
            found.append(identity_digests(session, database.schema))
    assert len(unequal(*found)) == 1
    assert unequal(*found)[0].startswith(sentence)
