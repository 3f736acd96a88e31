"""Killed within a swap: the database is as before or as after, and one command leads to the other state."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from pytest_visionforge.backup import catalogue, discard, kept, put_back, restore
from pytest_visionforge.database import Database
from pytest_visionforge.dialects import of, parse_url
from tests import apart
from tests.backup.shop import back_up, change, databases, digests, drop_kept, fill, writing
from tests.soak import SOAK

WORDS = {  # what is said at the steps of a swap
    "sqlite": ("replacing", "looking at"),
    "postgresql": ("swapping", "looking at"),
    "mysql": ("moving", "dropping the old", "putting back", *(("noting", "completing") if SOAK else ())),
}


def die_at(action: str, url: str, directory: Path, word: str) -> None:
    """Restores or puts back, and dies at a word of progress."""

    def die(said: str) -> None:
        if said.startswith(word):
            os.kill(os.getpid(), signal.SIGKILL)

    if action == "restore":
        restore(catalogue(directory)[0], url, replace=True, progress=die)
    else:
        put_back(directory, url, progress=die)


def _killed(action: str, url: str, directory: Path, word: str) -> None:
    assert apart.run(die_at, action, url, directory, word) == -signal.SIGKILL


def _state(url: str) -> dict[str, Any]:
    """Rows, definitions, and what lies beside tables."""
    with Database("target", url) as database:
        state: dict[str, Any] = {"schema": database.schema, "rows": digests(url)}
    if make_url(url).get_backend_name() == "mysql":
        with writing(url) as run:
            for what in ("ROUTINE", "TRIGGER", "EVENT"):
                sql = f"SELECT {what}_NAME FROM information_schema.{what}S WHERE {what}_SCHEMA = DATABASE()"
                state[what] = sorted(run(sql).scalars())
    return state


def test_killed_at_any_step_of_a_swap(shop: str, backups: Path) -> None:
    """What is left is one of the two states or becomes it by recovery; a restore or the way back does the rest."""
    made, after = back_up(shop, backups), _state(shop)
    change(shop)
    before = _state(shop)
    address = parse_url(shop)
    archive = of(address).archive
    seen = []
    for word in WORDS[address.get_backend_name()]:
        _killed("restore", shop, backups, word)
        assert _state(shop)["rows"] in (before["rows"], after["rows"])  # of the tables, at once
        archive.recover(address, lambda _: None)
        now = _state(shop)
        assert now in (before, after)
        seen.append(now == after)
        if now == after:
            [old] = kept(backups, shop)
            assert not old.settled
        else:
            assert kept(backups, shop) == ()
            restore(made, shop, replace=True)
            assert _state(shop) == after
        put_back(backups, shop)
        assert _state(shop) == before
        [other] = kept(backups, shop)
        assert archive.recover(address, lambda _: None) == ""  # nothing more is left to do
        discard(backups, shop, other.name)
    assert set(seen) == {True, False}


@pytest.mark.parametrize("word", ["moving", "putting back"])
def test_a_way_back_that_is_killed_loses_nothing(mariadb: str, backups: Path, word: str) -> None:
    """On MariaDB a kept state has its triggers, routines, views and events again, whenever the run dies."""
    before = _state(fill(mariadb))
    made = back_up(mariadb, backups)
    restore(made, mariadb, replace=True)
    change(mariadb)
    between = _state(mariadb)
    _killed("put_back", mariadb, backups, word)
    address = parse_url(mariadb)
    of(address).archive.recover(address, lambda _: None)
    now = _state(mariadb)
    assert now == (between if word == "moving" else before)
    if now == between:
        put_back(backups, mariadb)
        assert _state(mariadb) == before
    drop_kept(mariadb)


def test_scratch_databases_of_the_dead_are_dropped(shop: str, backups: Path) -> None:
    """A run that died while it loaded leaves a scratch database: the next run removes it."""
    back_up(shop, backups)
    _killed("restore", shop, backups, "comparing")
    address = parse_url(shop)
    assert "left by a run that died" in of(address).archive.recover(address, lambda _: None)
    assert databases(shop) == []
    assert of(address).archive.recover(address, lambda _: None) == ""
