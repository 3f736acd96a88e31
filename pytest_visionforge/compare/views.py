"""The views of the schema after against those before, with what the plan renames carried through."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_visionforge.compare.expected import Renaming, mentions, names_of, plain, renamed_in
from pytest_visionforge.compare.named import is_same
from pytest_visionforge.compare.pair import Pair, SchemaDifference
from pytest_visionforge.database import Schema, View
from pytest_visionforge.plan.values.changes import Changes
from pytest_visionforge.plan.values.plan import Plan


def differences(before: Schema, after: Schema, changes: Changes, pair: Pair) -> Iterator[SchemaDifference]:
    """What differs; between two DBMS whether a view is there, and its columns."""
    declared, carried = changes.views, renamed_in(before, changes)
    for id, view in before.views.items():
        now = after.views.get(id)
        if now is None:
            if id not in (*declared.dropped, *declared.changed):
                remedy = pair.after.remedy.view(view) if pair.same else ""
                yield SchemaDifference("view", id, "is not there", remedy)
        elif id in declared.dropped:
            yield SchemaDifference("view", id, "is declared as dropped and is still there")
        elif id not in declared.changed:
            is_open = id in untold(before, after, changes)
            yield from _columns(view, now)
            yield from _view(view, now, pair, carried, is_open) if pair.same else ()
        elif pair.same and _facts(view) == _facts(now):
            yield SchemaDifference("view", id, "is declared to change and is as before")
    for id in declared.added:
        if id not in after.views:
            yield SchemaDifference("view", id, "is declared as added and is not there")
    for id in after.views:
        if id not in before.views and id not in (*declared.added, *declared.changed):
            yield SchemaDifference("view", id, "is new and not declared")


def _facts(view: View) -> tuple[object, ...]:
    return plain(view.definition), view.columns, view.materialized, dict(view.options), view.triggers


def _columns(old: View, new: View) -> Iterator[SchemaDifference]:
    before, after = (", ".join(sorted(view.columns)) for view in (old, new))
    if old.columns and not new.columns:
        yield SchemaDifference(
            "view", old.id, "can no longer be read: what it reads from is not there", "", before
        )
    elif old.columns and set(old.columns) != set(new.columns):
        yield SchemaDifference("view", old.id, f"had the columns {before}, has {after}", "", before, after)


def _view(old: View, new: View, pair: Pair, carried: Renaming, is_open: bool) -> Iterator[SchemaDifference]:
    again = f"{pair.after.remedy.drop(_kind(new), old.id, None)}\n{pair.after.remedy.view(old)}"
    if not is_open and not is_same(old.definition, new.definition, carried.whole):
        says = "is defined in another way"
        yield SchemaDifference("view", old.id, says, again, old.definition, new.definition)
    if old.materialized != new.materialized:
        says = f"was a {_kind(old)}, is a {_kind(new)}"
        yield SchemaDifference("view", old.id, says, again, _kind(old), _kind(new))
    for name in sorted({*old.options, *new.options}):
        before, after = old.options.get(name, ""), new.options.get(name, "")
        if before != after:
            says = f"was {before or 'none'}, is {after or 'none'}"
            yield SchemaDifference(name, old.id, says, again, before, after)
    yield from _triggers(old, new, carried)


def _kind(view: View) -> str:
    return "materialized view" if view.materialized else "view"


def _triggers(old: View, new: View, carried: Renaming) -> Iterator[SchemaDifference]:
    """Of views whose triggers are defined in another way: all of it is in their text."""
    there = {plain(carried.whole(trigger.definition)): trigger for trigger in new.triggers}
    for trigger in old.triggers:
        now = there.get(plain(carried.whole(trigger.definition)))
        if now is None or now.enabled != trigger.enabled:
            remedy = f"{trigger.definition.rstrip('; ')};"
            says = "is not there, or defined in another way"
            yield SchemaDifference("trigger", f"{old.id}.{trigger.name}", says, remedy, trigger.definition)
    names = {trigger.name for trigger in old.triggers}
    for trigger in new.triggers:
        if trigger.name not in names:
            yield SchemaDifference("trigger", f"{old.id}.{trigger.name}", "is new and not declared")


def untold(before: Schema, after: Schema, changes: Changes) -> list[str]:
    """Views that name what the migration renames, and whose text is another one even so.

    Their server has rewritten it, or somebody else has: nobody can tell from the text.
    """
    carried = renamed_in(before, changes)
    both = [(view, after.views[id]) for id, view in before.views.items() if id in after.views]
    return [
        old.id
        for old, new in both
        if mentions(old.definition, names_of(before, changes))
        and old.columns == new.columns
        and not is_same(old.definition, new.definition, carried.whole)
    ]


def is_compared(plan: Plan, view: str) -> bool:
    """Does the plan want a view compared, as a table is? Then it names the columns of its key."""
    known = plan.tables.get(view)
    return bool(known and known.key)
