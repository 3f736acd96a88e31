"""The sample record, for every test of the room."""

from __future__ import annotations

import pytest

from pytest_visionforge.record import Record
from tests.record import samples


@pytest.fixture
def record() -> Record:
    """A postmigration record that says NO-GO, with every kind of result."""
    return samples.record()
