"""Addresses as they may stand in a plan: they lead to the same place, and hold no secret."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_visionforge.draft import written
from pytest_visionforge.errors import PlanError
from pytest_visionforge.plan.address import database
from pytest_visionforge.plan.shape import Place
from tests.soak import examples

FOLDER = Path("/srv/shop")


def led_to(text: str, environ: dict[str, str], folder: Path = FOLDER) -> str:
    """Where an address of a plan leads."""
    return database(text, Place(file="", directory=folder, environ=environ, errors=[])).url


@pytest.mark.hypothesis
@settings(max_examples=examples(40), deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=4))
def test_a_password_becomes_a_variable(password: str) -> None:
    """Whatever the password: it is not in the text, and with the variable the same database is reached."""
    encoded = quote(password, safe="!~*'()-._$")
    said = f"postgresql://shop:{encoded}@db.example:5433/shop?sslmode=require"
    found = written(said, "SOURCE", FOLDER, {})
    assert found.text == "postgresql://shop:$SOURCE_PASSWORD@db.example:5433/shop?sslmode=require"
    assert found.secrets == {"SOURCE_PASSWORD": encoded}
    assert led_to(found.text, dict(found.secrets)) == said
    assert encoded not in repr(found)


def test_a_secret_option_becomes_a_variable() -> None:
    """Options that are secrets leave the text as well."""
    found = written("mysql://me@h/db?ssl_password=geheim&x=1", "TARGET", FOLDER, {})
    assert found.text == "mysql://me@h/db?ssl_password=$TARGET_SECRET&x=1"
    assert found.secrets == {"TARGET_SECRET": "geheim"}


@pytest.mark.parametrize("said", ["$SHOP", "postgresql://me:$PW@h/db", "postgresql://me:${PW}@h/db"])
def test_variables_stay(said: str) -> None:
    """What is a variable already stays one."""
    environ = {"SHOP": "postgresql://me:x@h/db", "PW": "x"}
    found = written(said, "DATABASE", FOLDER, environ)
    assert (found.text, found.secrets) == (said, {})
    assert found.address.url == "postgresql://me:x@h/db"


def test_a_file_is_the_same_seen_from_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is typed from here, and stands in the plan as seen from there."""
    monkeypatch.chdir(tmp_path)
    below, beside = tmp_path / "data" / "shop.db", tmp_path / "migration"
    assert written("sqlite:///data/shop.db", "DATABASE", tmp_path, {}).text == "sqlite:///data/shop.db"
    found = written("sqlite:///data/shop.db", "DATABASE", beside, {})
    assert led_to(found.text, {}, beside) == f"sqlite:///{below}" == found.address.url


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("shop.db", "for a SQLite file write sqlite:///shop.db"),
        ("oracle://me:geheim@h/db", "its scheme is not that of a database here"),
        ("$NOT_SET", "environment variable NOT_SET is not set"),
        ("postgresql://me:geheim@x@h/db", "write @ as %40"),
    ],
)
def test_what_is_no_address_is_told(said: str, says: str) -> None:
    """What was found and how it is written, without a secret."""
    with pytest.raises(PlanError, match=says) as caught:
        written(said, "DATABASE", FOLDER, {})
    assert "geheim" not in str(caught.value)
