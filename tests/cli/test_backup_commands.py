"""`visionforge backup`: what each command does, says and gives to programs."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Console

COMMANDS = (
    *("create", "schema", "data", "verify", "list"),
    *("restore", "back", "kept", "discard", "prune", "hold", "release"),
)
PLAN = 'plan = "shop"\n[database]\nurl = "sqlite:///shop.db"\n[backup]\nkeep = { last = 1 }\n'


class Run:
    """Runs `visionforge backup ...`; gives what it printed, or what it complained of where it must fail."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.complaints = ""

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """The output; `complaints` is what went to the errors."""
        done = self._console("backup", *arguments)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        self.complaints = done.stderr
        return done.stderr if code else done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a plan and a database of two rows."""
    (tmp_path / "visionforge.toml").write_text(PLAN)
    _execute(
        tmp_path, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')"
    )
    return tmp_path


def _execute(folder: Path, script: str) -> None:
    with closing(sqlite3.connect(folder / "shop.db")) as connection:
        connection.executescript(script)


def _rows(folder: Path) -> list[Any]:
    with closing(sqlite3.connect(folder / "shop.db")) as connection:
        return connection.execute("SELECT * FROM t ORDER BY id").fetchall()


@pytest.fixture
def run(folder: Path, console: Console) -> Run:
    """Runs commands in the folder."""
    return Run(console)


def test_the_life_of_backups(run: Run, folder: Path) -> None:
    """Made, held, listed, thinned out, released: each command does what it says, and `--yes` is needed to remove."""
    first = json.loads(run("create", "--tag", "release=1.4", "--tag", "kind=x", "--json"))
    assert first["tags"] == {"release": "1.4", "kind": "x"}
    second = json.loads(run("create", "--json"))
    third = json.loads(run("create", "--json"))
    assert "audit" in run("hold", first["id"], "--reason", "audit")
    newest, middle, oldest = json.loads(run("list", "--json"))
    assert [each["id"] for each in (oldest, middle, newest)] == [
        each["id"] for each in (first, second, third)
    ]
    assert (newest["level"], newest["kept"]) == ("restored", ["the newest that is proved", "last 1 of 1"])
    assert (middle["kept"], middle["kept_until"]) == ([], None)
    assert "audit" in oldest["kept"][0]
    assert newest["by"].partition("@")[2] == os.uname().nodename
    assert "1 of 3 to be removed with --yes" in run("prune")
    assert len(json.loads(run("list", "--json"))) == 3
    assert f"1 of 3 removed: {second['id']}" in run("prune", "--yes")
    assert "audit" in run("release", first["id"][:20])
    run("prune", "--yes")
    table = run("list")
    assert third["id"] in table
    assert "the newest that is proved; last 1 of 1" in table
    assert first["id"] not in table


def test_back_and_forth(run: Run, folder: Path) -> None:
    """A dry run changes nothing; a restore keeps the old state, which swaps back, and is discarded."""
    before = _rows(folder)
    id = json.loads(run("create", "--json"))["id"]
    _execute(folder, "DELETE FROM t WHERE id = 2")
    between = _rows(folder)
    seen = json.loads(run("restore", "--dry-run", "--json"))
    assert (seen["backup"], seen["changes"], seen["refused"]) == (id, ["t: 1 rows would become 2"], "")
    assert "t: 1 rows would become 2" in run("restore", "--dry-run")
    assert _rows(folder) == between
    restored = json.loads(run("restore", "--yes", "--json"))
    assert _rows(folder) == before
    assert [each["name"] for each in json.loads(run("kept", "--json"))] == [restored["kept"]]
    run("back", "--yes")
    assert _rows(folder) == between
    assert "backup back" in run("kept")
    run("discard", "--yes")
    assert "nothing is kept" in run("kept")


def test_a_dump_of_somebody_else_is_examined(run: Run, folder: Path) -> None:
    """A file that is none of our backups is restored into scratch, and its tables are counted."""
    (folder / "theirs.db").write_bytes((folder / "shop.db").read_bytes())
    found = json.loads(run("verify", "theirs.db", "--json"))
    assert found["tables"] == {"t": 2}
    assert "nothing to compare it with" in run("verify", "theirs.db")
    (folder / "theirs.db").write_text("nothing")
    assert "is no backup of ours" in run("verify", "theirs.db", code=3)


def test_an_instant_copy(run: Run, folder: Path) -> None:
    """A copy beside the database swaps back; it is no backup and is not listed as one."""
    before = _rows(folder)
    assert "no backup" in run("create", "--instant")
    assert json.loads(run("list", "--json")) == []
    _execute(folder, "DELETE FROM t")
    run("back", "--yes")
    assert _rows(folder) == before


def test_some_tables_alone(run: Run, folder: Path) -> None:
    """Named tables come back by themselves, with their old rows beside them; what would dangle is told."""
    _execute(folder, "CREATE TABLE child (t REFERENCES t (id)); CREATE TABLE other (a)")
    before = _rows(folder)
    run("create")
    _execute(folder, "UPDATE t SET v = 'x'; INSERT INTO t VALUES (3, 'c'); INSERT INTO other VALUES (1)")
    said = run("restore", "--tables", "t", "--yes")
    assert "1 tables with 2 rows are back" in said
    assert "t__old_" in said
    assert _rows(folder) == before
    _execute(folder, "INSERT INTO t VALUES (3, 'c'); INSERT INTO child VALUES (3)")
    said = run("restore", "--tables", "t", "--yes", code=3)
    assert "1 rows of child refer through t to rows that t would not have" in said
    assert "child__quarantine_" in run("restore", "--tables", "t", "--quarantine", "--yes")
    assert _rows(folder) == before


def test_a_dry_run_of_some_tables_is_about_them(run: Run, folder: Path) -> None:
    """With `--tables` a dry run tells of these tables alone, or of what is bound to them; and of mistakes."""
    _execute(folder, "CREATE TABLE child (t REFERENCES t (id)); CREATE TABLE other (a)")
    run("create")
    _execute(
        folder, "INSERT INTO t VALUES (3, 'c'); INSERT INTO other VALUES (1); INSERT INTO child VALUES (3)"
    )
    rows = _rows(folder)
    seen = json.loads(run("restore", "--tables", "t", "--dry-run", "--json"))
    assert (seen["changes"], seen["refused"]) == (["t: 3 rows would become 2"], "")
    seen = json.loads(run("restore", "--tables", "t", "--closure", "--dry-run", "--json"))
    assert seen["changes"] == ["child: 1 rows would become 0", "t: 3 rows would become 2"]
    assert 'has no table tt; did you mean "t"?' in run("restore", "--tables", "tt", "--dry-run")
    assert _rows(folder) == rows
    done = json.loads(run("restore", "--tables", "child, other", "--yes", "--json"))
    assert done["tables"] == ["child", "other"]
    assert run("restore", "--tables", "other", "--dry-run", "--json").count("null") == 0  # it took seconds


def test_a_damaged_backup_says_so_and_what_to_do(run: Run, folder: Path) -> None:
    """A backup whose file was altered is `disproved` in the list, and its message leads to another one."""
    id = json.loads(run("create", "--json"))["id"]
    (payload,) = (folder / "backups" / id).glob("*.zst")
    content = bytearray(payload.read_bytes())
    content[len(content) // 2] ^= 1
    payload.write_bytes(content)
    said = run("restore", "--yes", code=3)
    assert "was altered: SHA-256" in said
    assert "take another one (visionforge backup list)" in said
    assert run("verify", code=3) == said
    assert " disproved " in run("list")
    assert json.loads(run("list", "--json"))[0]["disproved"] is True


def test_a_dry_run_of_prune_tells_what_would_stop_it(run: Run, folder: Path) -> None:
    """After a backup that failed `--yes` removes nothing, and the dry run says so."""
    run("create")
    run("create")
    kept = (folder / "shop.db").read_bytes()
    (folder / "shop.db").write_bytes(kept[:100] + b"garbage" * 2000)
    run("create", code=3)
    (folder / "shop.db").write_bytes(kept)
    assert "the last backup failed" in run("prune", "--yes", code=3)
    assert "1 of 2 to be removed with --yes" in run("prune")
    assert "--yes would be refused: the last backup failed" in run.complaints


def test_what_a_dead_run_has_left_is_removed_by_prune(run: Run, folder: Path) -> None:
    """A half backup is named by list and by a dry run, and `--yes` removes it, whatever the plan keeps."""
    run("create")
    id = json.loads(run("list", "--json"))[0]["id"]
    left = folder / "backups" / f".tmp-{id}"
    left.mkdir()
    for command in ("list", "prune"):
        run(command)
        assert "visionforge backup prune --yes removes it" in run.complaints
    run("prune", "--yes")
    assert f"{left.name}: left by a run that died, and removed" in run.complaints
    assert not left.exists()
    run("list")
    assert run.complaints == ""


def test_notes_and_open_directories_are_told(run: Run, folder: Path) -> None:
    """What a proof notes, and who else may write there, is said by verify, list and restore."""
    run("create")
    (folder / "backups").chmod(0o777)
    notes = json.loads(run("verify", "--json"))["notes"]
    assert "can be written by everybody" in notes[0]
    for command in (("verify",), ("list",), ("restore", "--dry-run")):
        run(*command)
        assert "can be written by everybody" in run.complaints


def test_a_backup_of_another_database_is_taken_by_name_only(run: Run, folder: Path) -> None:
    """In a directory that several plans share, the newest is the newest of the plan's own database."""
    ours = json.loads(run("create", "--json"))["id"]
    with closing(sqlite3.connect(folder / "other.db")) as connection:
        connection.executescript("CREATE TABLE mine (a)")
    (folder / "other.toml").write_text(PLAN.replace("shop", "other"))
    theirs = json.loads(run("create", "--plan", "other.toml", "--json"))["id"]
    assert json.loads(run("restore", "--dry-run", "--json"))["backup"] == ours
    assert json.loads(run("verify", "--json"))["id"] == ours
    assert run.complaints == ""
    assert "mine would come back" in run("restore", theirs, "--dry-run")
    assert f"{theirs} is of another database: sqlite:///other.db" in run.complaints
    (folder / "third.toml").write_text(PLAN.replace("shop", "third"))
    assert "no full backup of sqlite:///third.db" in run("restore", "--plan", "third.toml", code=3)


def test_without_anybody_to_answer_it_says_so(run: Run, folder: Path) -> None:
    """A question that nobody can answer names the option that answers it, and nothing is done."""
    run("create")
    before = (folder / "shop.db").read_bytes()
    assert "nobody is there to answer: add --yes" in run("restore", code=2)
    assert (folder / "shop.db").read_bytes() == before


def test_another_database_is_not_overwritten_unawares(run: Run, folder: Path) -> None:
    """What `--into` names must be empty, or `--replace` must say that it may go aside."""
    run("create")
    other = folder / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.executescript("CREATE TABLE mine (a); INSERT INTO mine VALUES (1)")
    content = other.read_bytes()
    assert "is not empty, it holds mine" in run("restore", "--into", "sqlite:///other.db", "--yes", code=3)
    assert other.read_bytes() == content
    assert "kept" in run("restore", "--into", "sqlite:///other.db", "--yes", "--replace")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("restore", "--yes"), 3, "visionforge backup create"),
        (("restore", "--closure"), 4, "--tables"),
        (("restore", "--tables", " , "), 4, "names no table"),
        (("restore", "--tables", "t", "--closure", "--quarantine"), 4, "--closure or --quarantine"),
        (("back", "--yes"), 3, "there is: nothing"),
        (("discard", "--yes"), 3, "there is: nothing"),
        (("hold", "2026"), 4, "--reason"),
        (("hold", "2026", "--reason", "x"), 3, "no backup 2026"),
        (("release", "2026"), 3, "no backup 2026"),
        (("create", "--tag", "=x"), 4, "is no tag"),
        (("list", "--plan", "nowhere.toml"), 4, "there is no such plan"),
    ],
)
def test_a_mistake_is_one_message(run: Run, arguments: tuple[str, ...], code: int, says: str) -> None:
    """What was tried, what was found, how to mend it."""
    assert says in run(*arguments, code=code)


def test_a_plan_that_keeps_nothing_removes_nothing(run: Run, folder: Path) -> None:
    """Without [backup] keep there is no rule by which anything could go."""
    (folder / "visionforge.toml").write_text(PLAN.partition("[backup]")[0])
    run("create")
    assert "[backup] keep" in run("prune", "--yes", code=3)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_a_line_to_copy(run: Run, command: str) -> None:
    """Each command's help shows how it is called."""
    assert f"visionforge backup {command}" in run(command, "--help").partition("\n")[2]
