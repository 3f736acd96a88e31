"""Backups by other tools: their commands are run, and what they restore is proved like our own."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pytest_visionforge.backup import Backup, Disproved, catalogue, find, incomplete, restore, verify
from pytest_visionforge.backup.manifest import MANIFEST
from pytest_visionforge.cutover import journal
from pytest_visionforge.errors import BackupError
from pytest_visionforge.plan.values.sections import Address, OwnBackup, Store
from tests.backup.shop import ROWS, back_up, change, watched

_POSTGRESQL = """
create) pg_dump -Fc -d {url} -f {store}/$VISIONFORGE_ID.dump && echo made && echo $VISIONFORGE_ID.dump ;;
list) ls {store} ;;
restore) pg_restore -e -d "$VISIONFORGE_SCRATCH_URL" {store}/$VISIONFORGE_BACKUP ;;
"""
_MARIADB = """
create) mariadb-dump {options} --single-transaction --routines --triggers {name} > {store}/$VISIONFORGE_ID
    echo $VISIONFORGE_ID ;;
list) ls {store} ;;
restore) mariadb {options} $VISIONFORGE_SCRATCH_DATABASE < {store}/$VISIONFORGE_BACKUP ;;
"""
_SQLITE = """
create) sqlite3 {name} ".backup {store}/$VISIONFORGE_ID" && echo $VISIONFORGE_ID ;;
list) ls {store} ;;
restore) cp {store}/$VISIONFORGE_BACKUP $VISIONFORGE_SCRATCH_DATABASE ;;
"""


@dataclass(frozen=True)
class Tool:
    """Another tool for a database: a script, and where it puts backups."""

    script: Path
    kept: Path

    def store(self, **changes: object) -> Store:
        """The plan's words for it."""
        commands = {name: (str(self.script), name) for name in ("create", "list", "restore")}
        return Store(own=OwnBackup(**{**commands, "timeout": 60.0, **changes}))  # type: ignore[arg-type]


@pytest.fixture
def tool(shop: str, tmp_path: Path) -> Tool:
    """A script that backs the shop up and restores it by the DBMS's programs."""
    url = make_url(shop)
    lines = {"postgresql": _POSTGRESQL, "mysql": _MARIADB, "sqlite": _SQLITE}[url.get_backend_name()]
    plain = url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False)
    options = f"--no-defaults -h {url.host} -P {url.port} -u {url.username}"
    made = Tool(tmp_path / "own tool", tmp_path / "elsewhere")
    made.kept.mkdir()
    text = lines.format(url=plain, name=url.database, store=shlex.quote(str(made.kept)), options=options)
    made.script.write_text(f"#!/bin/sh\nset -e\ncase $1 in{text}esac\n")
    made.script.chmod(0o700)
    return made


def _made(shop: str, backups: Path, store: Store) -> Backup:
    return back_up(shop, backups, store=store)


def test_what_another_tool_restores_is_proved_like_our_own(shop: str, backups: Path, tool: Tool) -> None:
    """A backup of another tool is listed, restored into scratch, and every row of it compared."""
    made = _made(shop, backups, tool.store())
    assert (made.manifest.store, made.manifest.files) == ("own", ())
    assert (tool.kept / made.manifest.name).exists()
    assert (
        verify(made, "hashed").says == f"the backup {made.manifest.name} is listed by the tool that made it"
    )
    proof = verify(made, scratch_url=shop)
    assert proof.holds
    assert proof.rows > 2 * ROWS
    assert find(backups, made.id).verified
    assert {path.name for path in made.path.glob("*.log")} >= {"create.log", "list.log"}


def test_what_another_tool_has_lost_is_found(shop: str, backups: Path, tool: Tool) -> None:
    """A backup of another state, or one that the tool lists no more, is disproved."""
    made = _made(shop, backups, tool.store())
    change(shop)
    other = _made(shop, backups, tool.store())
    (tool.kept / other.manifest.name).replace(tool.kept / made.manifest.name)
    with pytest.raises(Disproved, match="orders: 500 rows, then 100"):
        verify(made, scratch_url=shop)
    with pytest.raises(Disproved, match="does not name"):
        verify(other, "hashed")


@pytest.fixture
def made(sqlite_shop: str, backups: Path, tmp_path: Path) -> Backup:
    """A backup of a SQLite shop by another tool."""
    script = tmp_path / "tool"
    name = make_url(sqlite_shop).database
    script.write_text(f"#!/bin/sh\ncp {name} {tmp_path}/kept.db; echo; echo kept.db; echo\n")
    script.chmod(0o700)
    own = OwnBackup(create=(str(script),), restore=("false",))
    return back_up(sqlite_shop, backups, store=Store(own=own))


def _with(made: Backup, **commands: object) -> Backup:
    own = OwnBackup(**{"create": ("true",), "restore": ("true",), **commands})  # type: ignore[arg-type]
    return find(made.path.parent, made.id, Store(own=own))


def test_its_own_database_is_looked_at(made: Backup, tmp_path: Path) -> None:
    """Where the plan says which database the tool brings up, that one is compared, and the tool cleans up."""
    kept = Address(url=f"sqlite:///{tmp_path}/kept.db", shown="kept")
    proof = verify(_with(made, url=kept, stop=("touch", f"{tmp_path}/stopped")))
    assert proof.rows > 2 * ROWS
    assert (tmp_path / "stopped").exists()


def test_a_restore_that_fails_proves_nothing(made: Backup, tmp_path: Path) -> None:
    """A command that fails, takes too long or does nothing is told, cleans up, and nothing is proved by it."""
    stop = ("touch", f"{tmp_path}/stopped")
    for commands, says in (
        ({"restore": ("false",)}, "false ended with status 1"),
        ({"restore": ("sleep", "60"), "timeout": 0.2}, r"sleep has not ended within 0\.2 s"),
        ({"restore": ("/nonexistent/tool",)}, "/nonexistent/tool cannot be run: No such file"),
        ({"restore": ("true",)}, "is not what was backed up|cannot be read"),
    ):
        with pytest.raises(BackupError, match=says):
            verify(_with(made, stop=stop, **commands))
        assert not find(made.path.parent, made.id).verified
        (tmp_path / "stopped").unlink()
    with pytest.raises(BackupError, match=r"the plan must name them"):
        verify(find(made.path.parent, made.id))
    with pytest.raises(BackupError, match=r"names no command that lists"):
        verify(_with(made), "hashed")


def test_a_tool_that_fails_makes_no_backup(sqlite_shop: str, backups: Path) -> None:
    """A command that fails, or does not say what it made, leaves nothing; what it said is told."""
    for create, says in (
        (("sh", "-c", "echo the disk is away >&2; exit 3"), "sh ended with status 3: the disk is away"),
        (("true",), "true must print what it calls the backup"),
        (("printf", "a\\033[2J\\n"), "printf must print what it calls the backup"),
    ):
        with pytest.raises(BackupError, match=says):
            back_up(sqlite_shop, backups, store=Store(own=OwnBackup(create=create, restore=("true",))))
        assert (catalogue(backups), incomplete(backups)) == ((), ())
        last = list(journal.read(backups / "journal.jsonl"))[-1]
        assert (last.phase, last.result) == ("end", "failed")


def test_it_is_not_put_back_by_us(made: Backup, sqlite_shop: str) -> None:
    """What another tool has made, that tool puts back."""
    with pytest.raises(BackupError):
        restore(made, sqlite_shop, replace=True)
    assert (made.path / MANIFEST).exists()


def test_no_shell_is_run(sqlite_shop: str, backups: Path, tmp_path: Path) -> None:
    """Words of a command are words: nothing in them is run, and no secret is in an argument."""
    create = ("echo", f"$(touch {tmp_path}/x); `touch {tmp_path}/x` | name")
    with watched() as arguments:
        made = back_up(sqlite_shop, backups, store=Store(own=OwnBackup(create=create, restore=("true",))))
    assert made.manifest.name == create[1]
    assert not (tmp_path / "x").exists()
    assert sqlite_shop not in " ".join(arguments)
