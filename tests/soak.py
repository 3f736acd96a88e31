"""How many examples the property tests try: few in `make test`, many in `make soak`."""

from __future__ import annotations

import os

SOAK = os.environ.get("VISIONFORGE_SOAK") == "1"


def examples(count: int) -> int:
    """The number of examples of a property test: `count`, or twenty times as many in a soak."""
    return 20 * count if SOAK else count
