"""Objects that are known by their names and compared by their texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pytest_visionforge.compare.expected import plain
from pytest_visionforge.compare.pair import SchemaDifference
from pytest_visionforge.plan.values.changes import Declared


@dataclass(frozen=True, slots=True)
class Named:
    """One object: what it is shown as, what a plan may call it, and its text ("": nobody may see it).

    `restored` is SQL that creates it, `reverted` SQL that turns what is there now into it, and `dropped`
    SQL that drops it; each is "" where that is not simple.
    """

    kind: str
    object: str
    names: frozenset[str]
    text: str
    restored: str = ""
    reverted: str = ""
    dropped: str = ""

    def among(self, names: Iterable[str]) -> bool:
        """Does a plan name it here?"""
        return not self.names.isdisjoint(names)


def differences(
    before: Mapping[str, Named],
    after: Mapping[str, Named],
    declared: Declared,
    carried: Callable[[str], str],
) -> Iterator[SchemaDifference]:
    """What differs of objects under the same keys; `carried` carries the plan's renames through a text."""
    for key, old in before.items():
        yield from _one(old, after.get(key), declared, carried)
    for key, new in after.items():
        if key not in before and not new.among((*declared.added, *declared.changed)):
            says = f"is new and not declared: {plain(new.text)}"
            yield SchemaDifference(new.kind, new.object, says, new.dropped, "", new.text)
    known = {name for new in after.values() for name in new.names}
    for name in declared.added:
        if name not in known:
            kind = next(iter({each.kind for each in (*before.values(), *after.values())}), "object")
            yield SchemaDifference(kind, name, "is declared as added and is not there")


def _one(
    old: Named, new: Named | None, declared: Declared, carried: Callable[[str], str]
) -> Iterator[SchemaDifference]:
    is_changed, is_dropped = old.among(declared.changed), old.among(declared.dropped)
    if new is None:
        if not is_changed and not is_dropped:
            says = f"is not there: {plain(old.text)}"
            yield SchemaDifference(old.kind, old.object, says, old.restored, old.text)
    elif is_dropped:
        yield SchemaDifference(old.kind, old.object, "is declared as dropped and is still there", new.dropped)
    elif is_same(old.text, new.text, carried):
        if is_changed and plain(old.text) == plain(new.text):
            yield SchemaDifference(old.kind, old.object, "is declared to change and is as before")
    elif not is_changed:
        says = f"was {plain(old.text)}, is {plain(new.text)}"
        yield SchemaDifference(old.kind, old.object, says, old.reverted, old.text, new.text)


def is_same(before: str, after: str, carried: Callable[[str], str]) -> bool:
    """Do two texts say the same, as far as both can be seen, with the plan's renames carried through?"""
    if not before or not after or plain(before) == plain(after):
        return True
    return plain(carried(before)) == plain(carried(after))
