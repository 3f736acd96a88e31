"""Fixtures for the cutover: a filled shop on each DBMS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.backup import shop as shops


@pytest.fixture
def shop(url: str) -> Iterator[str]:
    """The URL of a filled shop, on each DBMS in turn."""
    yield shops.fill(url)
    shops.drop_kept(url)
