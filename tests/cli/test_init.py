"""`visionforge init`: what it writes, what it says, and what it leaves alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pytest_visionforge.plan import read
from tests import samples
from tests.cli.conftest import Console
from tests.servers import Server

PROGRAM = "from pytest_visionforge.cli import main; main()"
PASSWORD = "geheim%21"  # as it stands in an address


def visionforge(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in a folder."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two databases, whose tables are the same but for one, and for the case of one."""
    for name, table, cased in (("old", "t", "Cased"), ("new", "u", "cased")):
        connection = sqlite3.connect(tmp_path / f"{name}.db")
        connection.executescript(
            f"CREATE TABLE {table} (id INTEGER PRIMARY KEY); CREATE TABLE both_sides (i INT);"
            f"CREATE TABLE {cased} (id INTEGER PRIMARY KEY)"
        )
        connection.close()
    return tmp_path


def test_a_plan_is_written_that_runs(folder: Path) -> None:
    """The plan runs as it is written, and the database is as it was."""
    before = (folder / "old.db").read_bytes()
    done = visionforge(folder, "init", "sqlite:///old.db")
    assert done.returncode == 0, done.stderr
    assert "pytest -m premigration" in done.stdout
    plan = read(folder / "visionforge.toml", {})
    assert (plan.name, plan.in_place, set(plan.tables)) == ("old", True, {"t", "both_sides", "Cased"})
    assert (folder / "old.db").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["new.db", "old.db", "visionforge.toml"]
    run = [sys.executable, "-m", "pytest", "-q", "-m", "premigration", "-p", "no:cacheprovider"]
    assert subprocess.run(run, cwd=folder, check=False, capture_output=True).returncode == 0


def test_two_databases(folder: Path, console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """Source and target stand in the plan; what only one of them has is a suggestion to declare."""
    environ = {"OLD": "sqlite:///old.db", "NEW": "sqlite:///new.db"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    done = console("init", "$OLD", "$NEW", "--name", "move")
    assert done.returncode == 0, done.stderr
    text = (folder / "visionforge.toml").read_text("utf-8")
    assert not read(folder / "visionforge.toml", environ).in_place
    assert "#[changes.tables.u]\n#added = true" in text
    assert "#[changes.tables.t]\n#dropped = true" in text
    assert '#[changes.tables.cased]\n#renamed_from = "Cased"' in text
    (folder / "visionforge.toml").write_text(re.sub(r"(?m)^#(?=\S)", "", text))
    assert set(read(folder / "visionforge.toml", environ).changes.tables) == {"t", "u", "cased"}


def test_a_password_is_nowhere(mariadb_server: Server, tmp_path: Path) -> None:
    """A password that was typed is neither in the plan nor said; the plan reads it from a variable."""
    url = mariadb_server.create()
    try:
        mariadb_server.run("CREATE USER vf_init@'127.0.0.1' IDENTIFIED BY 'geheim!'")
        mariadb_server.run(f"GRANT SELECT, SHOW VIEW ON {make_url(url).database}.* TO vf_init@'127.0.0.1'")
        samples.execute(url, "CREATE TABLE t (id INT PRIMARY KEY)")
        port = make_url(url).port
        typed = f"mysql://vf_init:{PASSWORD}@127.0.0.1:{port}/{make_url(url).database}"
        done = visionforge(tmp_path, "init", typed)
        text = (tmp_path / "visionforge.toml").read_text("utf-8")
        wrong = visionforge(tmp_path, "init", typed.replace(PASSWORD, "falsch%21"), "--force")
    finally:
        mariadb_server.run("DROP USER IF EXISTS vf_init@'127.0.0.1'")
        mariadb_server.drop(url)
    assert done.returncode == 0, done.stderr
    assert "export DATABASE_PASSWORD=" in done.stdout
    assert "geheim" not in text + done.stdout + done.stderr
    plan = read(tmp_path / "visionforge.toml", {"DATABASE_PASSWORD": PASSWORD})
    assert plan.source.url == typed
    assert plan.environment.variables == ("DATABASE_PASSWORD",)
    assert wrong.returncode == 3
    assert "falsch" not in wrong.stdout + wrong.stderr
    assert (tmp_path / "visionforge.toml").read_text("utf-8") == text


def test_nothing_is_written_over_unless_told(folder: Path, console: Console) -> None:
    """A plan, or jobs, that are there stay, and then nothing else is written either."""
    (folder / "visionforge.toml").write_text("mine")
    done = console("init", "sqlite:///old.db", "--ci", "gitlab")
    assert (done.returncode, (folder / "visionforge.toml").read_text()) == (4, "mine")
    assert "--force" in done.stderr
    assert not (folder / ".gitlab-ci.yml").exists()
    (folder / ".gitlab-ci.yml").write_text("mine")
    (folder / "visionforge.toml").unlink()
    assert console("init", "sqlite:///old.db", "--ci", "gitlab").returncode == 4
    assert not (folder / "visionforge.toml").exists()
    assert console("init", "sqlite:///old.db", "--ci", "gitlab", "--force").returncode == 0
    assert "mine" not in (folder / "visionforge.toml").read_text() + (folder / ".gitlab-ci.yml").read_text()


@pytest.mark.parametrize("ci", ["github", "gitlab", "jenkins"])
def test_jobs_for_a_plan_that_is_there(folder: Path, console: Console, ci: str) -> None:
    """Without an address only the jobs are written, with the variables that the plan names."""
    (folder / "p.toml").write_text(
        'plan = "p"\n[database]\nurl = "$SHOP_DB"\n[environment]\nvariables = ["EXTRA"]\n'
    )
    done = console("init", "--ci", ci, "--plan", "p.toml", "--json")
    assert done.returncode == 0, done.stderr
    text = Path(json.loads(done.stdout)["jobs"]).read_text()
    assert all(word in text for word in ("p.toml", "SHOP_DB", "EXTRA"))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 4, "name the database"),
        (("old.db",), 4, "for a SQLite file write sqlite:///old.db"),
        (("$NOT_SET",), 4, "environment variable NOT_SET is not set"),
        (("sqlite:///none.db",), 3, "none.db"),
        (("sqlite:///junk.db",), 3, "junk.db"),
        (("mysql://me@127.0.0.1:1/shop",), 3, "check the URL"),
        (("sqlite:///old.db", "--plan", "old.db/visionforge.toml"), 4, "cannot be written"),
        (("sqlite:///old.db", "sqlite:///old.db"), 4, "the same database"),
        (("--ci", "github"), 4, "cannot be read"),
        (("--ci", "gitbug"), 4, "'github'"),
        (("--ci", "github", "--plan", "junk.db"), 4, "is not"),
    ],
)
def test_a_mistake_is_one_message_and_leaves_nothing(
    folder: Path, console: Console, arguments: tuple[str, ...], code: int, says: str
) -> None:
    """What was tried, what was found, how to mend it; no traceback, and no file."""
    (folder / "junk.db").write_bytes(b"junk" * 1000)
    before = sorted(folder.rglob("*"))
    done = console("init", *arguments)
    assert (done.returncode, says in done.stderr, "Traceback" in done.stderr) == (code, True, False), (
        done.stderr
    )
    assert sorted(folder.rglob("*")) == before


def test_a_full_disk_leaves_nothing(folder: Path) -> None:
    """A plan that cannot be written whole is not written, and the one that was there stays."""
    (folder / "visionforge.toml").write_text("mine")
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200)); {PROGRAM}"
    done = subprocess.run(
        [sys.executable, "-B", "-c", limited, "init", "sqlite:///old.db", "--force"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    assert "cannot be written" in done.stderr
    assert (folder / "visionforge.toml").read_text() == "mine"
    assert len(list(folder.iterdir())) == 3


def test_shells_complete(console: Console) -> None:
    """Commands, options and their words are completed by what each shell is given."""
    program = shutil.which("visionforge", path=str(Path(sys.executable).parent))
    assert program
    for shell in ("bash", "zsh", "fish"):
        script = console("completion", shell).stdout
        assert "_VISIONFORGE_COMPLETE" in script
    for typed, meant in (
        ("visionforge ro", "rollback"),
        ("visionforge init --c", "--ci"),
        ("visionforge init --ci j", "jenkins"),
    ):
        environ = {
            "COMP_WORDS": typed,
            "COMP_CWORD": str(typed.count(" ")),
            "_VISIONFORGE_COMPLETE": "bash_complete",
        }
        done = subprocess.run(
            [program], env={**os.environ, **environ}, capture_output=True, text=True, check=False
        )
        assert f"plain,{meant}" in done.stdout.splitlines()


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_no_color_is_heard(folder: Path, environ: dict[str, str], coloured: bool) -> None:
    """On a terminal there are colours, unless the environment asks for none."""
    import pty

    ours, theirs = pty.openpty()
    clean = {name: text for name, text in os.environ.items() if name != "NO_COLOR"}
    command = [sys.executable, "-c", PROGRAM, "explain", "nothing.at.all"]
    subprocess.run(command, cwd=folder, env={**clean, **environ}, stdout=theirs, stderr=theirs, check=False)
    os.close(theirs)
    said = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "error:" in said
    assert ("\x1b[" in said) is coloured
