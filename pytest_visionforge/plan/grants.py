"""`select on orders to reporting`: which grants a text means."""

from __future__ import annotations

import re
from typing import NamedTuple

from pytest_visionforge.plan.grammar import Wrong, said

_WORDS = re.compile(
    r"(?P<privilege>(?!on\b|to\b)[a-z ]+?)?((?:^|\s+)on\s+(?P<object>.+?))?((?:^|\s+)to\s+(?P<role>.+))?",
    re.IGNORECASE,
)


class GrantWords(NamedTuple):
    """The parts of the text; "" where one is left out, which means any."""

    privilege: str
    object: str
    role: str


def grant(text: str) -> GrantWords:
    """The parts of `[privilege] [on object] [to role]`; at least one of the last two is there."""
    found = _WORDS.fullmatch(text.strip())
    if not found or not (found["object"] or found["role"]):
        raise Wrong(
            f'{said(text)} is no grant; write "select on orders to reporting", or a part: "to reporting"'
        )
    return GrantWords(*(found[part] or "" for part in ("privilege", "object", "role")))
