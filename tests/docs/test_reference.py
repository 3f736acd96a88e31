"""The pages of the reference are what the code gives."""

from __future__ import annotations

import pytest

from tests.docs import keys, reference


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_of_the_reference_is_current(name: str) -> None:
    """A committed page equals what the code gives now."""
    written = (reference.DIRECTORY / name).read_text("utf-8")
    assert written == reference.PAGES[name](), "python -m tests.docs.reference writes the new one"


def test_no_page_of_the_reference_is_left_over() -> None:
    """Each page in docs/reference/ is one that is generated."""
    assert {path.name for path in reference.DIRECTORY.iterdir()} == set(reference.PAGES)


def test_the_readers_tell_their_keys() -> None:
    """Keys are found at each depth: of tables, of lists, of tables of the user's own names."""
    assert set(keys.known(("limits",))) >= {"cpu", "load"}
    assert set(keys.known(("migration", "steps", 0))) == {"name", "command", "repeatable"}
    assert "columns" in keys.known(("changes", "tables", keys.NAME))
    assert keys.known(("plan",)) == []
