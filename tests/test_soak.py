"""`make soak` runs each test that does more there: none can be forgotten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import servers, soak

TESTS = Path(__file__).parent
ASKS = re.compile(r"^from tests(\.soak)? import .*\b(soak|SOAK|examples)\b", re.MULTILINE)
HERE = {TESTS / "soak.py", Path(__file__)}


def test_only_files_of_tests_ask_whether_it_is_a_soak() -> None:
    """What a helper or a fixture of a conftest did more, no marker on the tests would tell."""
    for path in {*TESTS.rglob("*.py")} - HERE:
        text = path.read_text("utf-8")
        assert 'VISIONFORGE_SOAK"' not in text, f"{path}: tests/soak.py asks for the variable"
        if "tests.soak" in text or ASKS.search(text):
            assert path.name.startswith("test_"), f"{path}: let the file of tests ask, and tell this one"
            assert ASKS.search(text), f"{path}: from tests.soak import SOAK, so that it is marked"


def test_all_property_tests_try_more_in_a_soak() -> None:
    """A number of examples goes through `examples`, which multiplies it."""
    for path in TESTS.rglob("*.py"):
        assert not re.search(r"max_examples=\d", path.read_text("utf-8")), (
            f"{path}: max_examples=examples(...)"
        )


def test_those_files_are_marked(request: pytest.FixtureRequest) -> None:
    """A test of a file that asks, as this one does, is selected by `-m soak`; one of another file is not."""
    assert request.node.get_closest_marker("soak")
    assert not soak.asks(servers)
