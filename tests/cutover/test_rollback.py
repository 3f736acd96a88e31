"""The way back: only a proved backup is put back, and the proof is made again where people will use it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pytest_visionforge import record
from pytest_visionforge.backup import Backup, catalogue, find, instant, verify
from pytest_visionforge.cutover import journal
from pytest_visionforge.cutover.rollback import needed, rollback, swap_back
from pytest_visionforge.errors import BackupError
from pytest_visionforge.outcome import Verdict
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.sections import Address, BackupPlan, RecordPlan
from pytest_visionforge.record import Completeness, Record
from tests.backup.shop import back_up, change, databases, digests, fill


def _plan(url: str, directory: Path) -> Plan:
    address = Address(url, make_url(url).render_as_string(hide_password=True))
    return Plan(
        name="shop",
        path=directory / "visionforge.toml",
        sha256="0" * 64,
        source=address,
        target=address,
        backup=BackupPlan(directory / "backups"),
        record=RecordPlan(directory / "reports"),
    )


def _proved(url: str, plan: Plan) -> Backup:
    made = back_up(url, plan.backup.directory)
    verify(made, scratch_url=url)
    return find(plan.backup.directory, made.id)


def test_a_bad_migration_is_undone(shop: str, tmp_path: Path) -> None:
    """After a migration that went wrong the database is what it was, proved in its place, on each DBMS."""
    plan, before = _plan(shop, tmp_path), digests(shop)
    made = _proved(shop, plan)
    change(shop)
    between = digests(shop)
    said: list[str] = []
    back = rollback(plan, echo=said.append)
    assert back.backup == made.id
    assert "identical" in back.says
    assert digests(shop) == before
    kept = make_url(shop).set(database=back.kept).render_as_string(hide_password=False)
    assert digests(kept) == between
    assert said[0].startswith(f"putting back {made.id}")
    assert journal.verify(plan.backup.directory / "journal.jsonl").entries == 8
    *_, end = journal.read(plan.backup.directory / "journal.jsonl")
    assert (end.action, end.result) == ("rollback", "ok")
    assert end.facts["kept"] == back.kept


def test_it_works_a_second_time(shop: str, tmp_path: Path) -> None:
    """A database that was put back (and has another identity since) can be put back again."""
    plan, before = _plan(shop, tmp_path), digests(shop)
    _proved(shop, plan)
    for _ in range(2):
        change(shop)
        rollback(plan)
        assert digests(shop) == before


def test_the_newest_proved_one_is_taken(sqlite: str, tmp_path: Path) -> None:
    """A newer backup that is not proved, or holds a part only, is passed over."""
    plan = _plan(fill(sqlite), tmp_path)
    _proved(sqlite, plan)
    wanted = _proved(sqlite, plan)
    before = digests(sqlite)
    change(sqlite)
    back_up(sqlite, plan.backup.directory)
    verify(back_up(sqlite, plan.backup.directory, kind="data"))
    assert rollback(plan).backup == wanted.id
    assert digests(sqlite) == before


def test_nothing_is_done_where_nothing_is_proved(shop: str, tmp_path: Path) -> None:
    """Without a proved backup nothing is touched, and the message names the command that proves one."""
    plan = _plan(shop, tmp_path)
    change(shop)
    before = digests(shop)
    with pytest.raises(BackupError, match="has proved that it restores; nothing was changed"):
        rollback(plan)
    made = back_up(shop, plan.backup.directory)
    verify(made, "decoded")
    for id in (None, made.id):
        with pytest.raises(BackupError, match=f"visionforge backup verify {made.id}"):
            rollback(plan, backup_id=id)
    assert digests(shop) == before
    assert databases(shop) == []


def test_a_backup_of_another_database_is_not_taken(sqlite: str, tmp_path: Path) -> None:
    """Backups of other databases in the same directory are not put back by themselves."""
    plan = _plan(fill(sqlite), tmp_path)
    other = f"sqlite:///{tmp_path / 'other.db'}"
    (tmp_path / "other.db").touch()
    _proved(fill(other), plan)
    with pytest.raises(BackupError, match="no backup of"):
        rollback(plan)


def test_a_database_that_is_broken_comes_back(sqlite: str, tmp_path: Path) -> None:
    """A database that cannot even be opened any more is put back by its place."""
    plan = _plan(fill(sqlite), tmp_path)
    before = digests(sqlite)
    _proved(sqlite, plan)
    path = Path(str(make_url(sqlite).database))
    path.write_bytes(b"garbage" * 10_000)
    rollback(plan)
    assert digests(sqlite) == before


def test_a_backup_that_has_rotted_since_its_proof_is_not_put_back(sqlite: str, tmp_path: Path) -> None:
    """A proof of yesterday does not put back a backup that is damaged today."""
    plan = _plan(fill(sqlite), tmp_path)
    made = _proved(sqlite, plan)
    change(sqlite)
    before = digests(sqlite)
    payload = made.path / made.manifest.files[0].name
    payload.write_bytes(payload.read_bytes()[:-1])
    with pytest.raises(BackupError, match="the manifest says"):
        rollback(plan)
    assert digests(sqlite) == before
    assert [found.id for found in catalogue(plan.backup.directory)] == [made.id]


def test_two_databases_need_no_way_back(sqlite: str, tmp_path: Path) -> None:
    """Where source and target are two, the source is as it was: there is nothing to put back."""
    plan = replace(_plan(sqlite, tmp_path), target=Address("sqlite:///other.db", "other.db"))
    with pytest.raises(BackupError, match="point the application to it"):
        rollback(plan)


def test_an_instant_copy_leads_back_and_is_compared(sqlite: str, tmp_path: Path) -> None:
    """The copy made before the migration swaps back; with a premigration run its backup proves it."""
    plan, before = _plan(fill(sqlite), tmp_path), digests(sqlite)
    with pytest.raises(BackupError, match="no instant copy stands beside"):
        swap_back(plan)
    copy = instant(plan.backup.directory, sqlite)
    change(sqlite)
    done = swap_back(plan)
    assert (done.backup, digests(sqlite)) == (copy.name, before)
    assert "nothing was compared" in done.says
    _premigration(plan, _proved(sqlite, plan))
    instant(plan.backup.directory, sqlite)
    change(sqlite)
    assert "identical" in swap_back(plan).says
    change(sqlite)
    instant(plan.backup.directory, sqlite)  # of a state that is not the one before the migration
    with pytest.raises(BackupError, match="was put back, but the proof failed"):
        swap_back(plan)


def _premigration(plan: Plan, made: Backup) -> Record:
    """The record of a premigration run that took this backup."""
    return _record(plan, "premigration", Verdict.NO_GO, made)


def _record(plan: Plan, phase: str, verdict: Verdict, made: Backup | None = None) -> Record:
    started = datetime.now(UTC)
    stamp = f"{started:%Y%m%dT%H%M%SZ}-{phase}-{secrets.token_hex(3)}"
    written = Record(
        id=stamp,
        plan=plan.name,
        plan_sha256=plan.sha256,
        phase=phase,
        started=started,
        finished=started,
        verdict=verdict,
        exit_status=0,
        completeness=Completeness(planned=1, ran=1),
        backup={"id": made.id} if made else {},
    )
    record.write(written, plan.record.directory)
    return written


def test_the_way_back_is_needed_until_a_go(sqlite: str, tmp_path: Path) -> None:
    """The backup of a migration that is not over is never pruned; after the GO it is one like others."""
    plan = _plan(fill(sqlite), tmp_path)
    assert needed(plan) == {}
    made = _proved(sqlite, plan)
    before = _premigration(plan, made)
    assert needed(plan) == {made.id: f"the way back of {before.id}, which no GO has followed"}
    _record(plan, "postmigration", Verdict.NO_GO)
    assert made.id in needed(plan)
    _record(plan, "postmigration", Verdict.GO)
    assert needed(plan) == {}


def test_what_a_run_that_died_was_at_is_needed(sqlite: str, tmp_path: Path) -> None:
    """A backup that a restore without an end names may be wanted to complete it."""
    plan = _plan(fill(sqlite), tmp_path)
    made = _proved(sqlite, plan)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(journal.Journal, "_append", _dying(journal.Journal._append))
        with pytest.raises(KeyboardInterrupt):
            rollback(plan)
    assert needed(plan)[made.id].endswith("that has not ended names it")


def _dying(append: Callable[..., None]) -> Callable[..., None]:
    """Writes the begin of what is done, and then never again."""

    def write(self: journal.Journal, run: str, phase: str, *rest: object) -> None:
        if phase == "end":
            raise KeyboardInterrupt
        append(self, run, phase, *rest)

    return write
