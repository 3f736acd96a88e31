"""How much is tried: little in `make test`, much in `make soak`.

A file whose tests do more in a soak, or are skipped outside of one, asks for SOAK. `make soak` runs those files,
by the marker `soak`, and every property test, which asks for `examples`; what would be the same again is left out.
"""

from __future__ import annotations

import os
from types import ModuleType

SOAK = os.environ.get("VISIONFORGE_SOAK") == "1"


def examples(count: int) -> int:
    """The number of examples of a property test: `count`, or twenty times as many in a soak."""
    return 20 * count if SOAK else count


def asks(module: ModuleType) -> bool:
    """Does a file of tests ask whether this is a soak?"""
    return not vars(module).keys().isdisjoint({"SOAK", "soak"})
