"""What our role may not see, so that it may be missing among the facts of a schema."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

RELATIONS = "all tables and views"  # hidden by name: not even that there are more is known


@dataclass(frozen=True, slots=True)
class Hidden:
    """`what` is hidden; the right that would show it, on what a GRANT names.

    Where no right alone would, `right` is "" and `because` says why it is hidden.
    """

    what: str
    right: str = ""
    on: str = ""
    because: str = ""

    def __str__(self) -> str:
        because = self.because or f"no {self.right} on {self.on}"
        return f"{because}: the role may not see {self.what}"


def grants(hidden: Iterable[Hidden], role: str) -> str:
    """SQL that shows all of it to a role, as far as rights can; "" where none can."""
    rights: dict[str, list[str]] = {}
    for each in hidden:
        if each.right:
            rights.setdefault(each.on, []).append(each.right)
    return "; ".join(f"GRANT {', '.join(held)} ON {on} TO {role}" for on, held in rights.items())
