"""Foreign tables whose server is gone: their rows are nobody's business here."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_visionforge import plan as plans
from pytest_visionforge.backup import find, outlook, restore
from pytest_visionforge.objects import of_rule
from pytest_visionforge.prepare import prepare
from pytest_visionforge.rules import shipped
from pytest_visionforge.run import Run
from tests.backup.shop import change, databases, digests, fill, writing

SECRET = "s3cr3t-far"


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A port that takes connections and never says a word: who asks there waits for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture
def linked(postgresql: str, silent: socket.socket) -> str:
    """The URL of a shop with a foreign table there, numbered by a sequence, and a view over it."""
    fill(postgresql)
    with writing(postgresql) as run:
        run("CREATE EXTENSION postgres_fdw")
        run(
            "CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw"
            f" OPTIONS (host '127.0.0.1', port '{silent.getsockname()[1]}', dbname 'far')"
        )
        run(f"CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user 'me', password '{SECRET}')")
        run("CREATE FOREIGN TABLE away (id serial, name text) SERVER far")
        run("CREATE VIEW seen AS SELECT a.id, c.name FROM away a JOIN customers c USING (id)")
    return postgresql


def _asked(silent: socket.socket) -> int:
    """How many have connected."""
    found = 0
    with suppress(BlockingIOError):
        while True:
            silent.accept()[0].close()
            found += 1
    return found


def test_a_foreign_server_that_is_gone_is_not_asked(
    linked: str, silent: socket.socket, tmp_path: Path
) -> None:
    """Baseline, backup, proof, dry run and restore neither wait for it nor read its rows; definitions come back."""
    path = tmp_path / "visionforge.toml"
    path.write_text('plan = "shop"\n[database]\nurl = "$SHOP"\n', "utf-8")
    run = Run(plans.read(path, {"SHOP": linked}), "20261124T052300Z", "abcdef", tmp_path / "reports")
    run.phase = "premigration"
    prepared = prepare(run, lambda _: None)
    assert (prepared.failed, run.baseline.tables["away"].excluded[:15]) == ("", "a foreign table")
    rule = next(rule for rule in shipped() if rule.id == "baseline.rows")
    compared = [each.id for each in of_rule(rule, run.scope("postmigration")) or ()]
    assert "away" not in compared
    assert "customers" in compared
    run.close()
    made = find(tmp_path / "backups", prepared.backup)
    assert made.level == "restored"
    assert made.proof
    assert any("rows lie in another database: away" in note for note in made.proof.notes)
    before = digests(linked)
    change(linked)
    with writing(linked) as statement:
        statement("DROP FOREIGN TABLE away CASCADE")
    assert any("table away would come back" in str(each) for each in outlook(made, linked).changes)
    restore(made, linked, replace=True, keep_old=False)
    assert digests(linked) == before
    assert databases(linked) == []
    assert _asked(silent) == 0
    kept = [path.read_text(errors="replace") for path in (tmp_path / "backups").rglob("*.json*")]
    assert not any(SECRET in text for text in kept)
