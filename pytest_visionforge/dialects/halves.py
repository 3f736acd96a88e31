"""Long expressions, written so that a server can take them."""

from __future__ import annotations

from collections.abc import Sequence


def halved(parts: Sequence[str], join: str) -> str:
    """SQL that joins parts in halves: neither deep nor, where each join copies, quadratic in long rows."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({halved(parts[:middle], join)}{join}{halved(parts[middle:], join)})"
