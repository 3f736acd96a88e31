"""Who owns what and who may do what, after against before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pytest_visionforge.compare.expected import column_names
from pytest_visionforge.compare.pair import Pair, SchemaDifference
from pytest_visionforge.database import Grant, Schema
from pytest_visionforge.plan.grants import grant as words_of
from pytest_visionforge.plan.values.changes import Changes

_GROUPS = {
    "view": "views",
    "sequence": "sequences",
    **dict.fromkeys(("function", "procedure", "aggregate"), "routines"),
    **dict.fromkeys(("type", "domain"), "types"),
    "event": "events",
}
Holder = tuple[str, str, str]  # kind and id of an object, and a role


def differences(before: Schema, after: Schema, changes: Changes, pair: Pair) -> Iterator[SchemaDifference]:
    """Owners and grants of what is there before and after; between two DBMS they do not compare."""
    if pair.same:
        yield from _owners(before, after, changes, pair)
        yield from _grants(before, after, changes, pair)


def _group(kind: str, id: str) -> str:
    return id if kind == "table" else _GROUPS.get(kind, "database")


def _owners(before: Schema, after: Schema, changes: Changes, pair: Pair) -> Iterator[SchemaDifference]:
    roles = _renamed_roles(changes)
    for key, owner in before.owners.items():
        kind, _, id = key.partition(" ")
        id = (changes.after(id) or "") if kind == "table" else id
        wanted, found = roles.get(owner, owner), after.owners.get(f"{kind} {id}")
        is_declared = bool({id, f"{kind} {id}"} & set(changes.owners))
        if found is not None and (found == wanted) == is_declared:
            says = f"was {wanted}, is {found}"
            remedy = pair.after.remedy.owner(kind, id, wanted)
            difference = SchemaDifference("owner", id, says, remedy, wanted, found, _group(kind, id))
            undone = replace(difference, says="is declared to change and is as before", remedy="")
            yield undone if is_declared else difference


def _renamed_roles(changes: Changes) -> dict[str, str]:
    return {old: new for new, old in changes.roles.renamed.items()}


def _grants(before: Schema, after: Schema, changes: Changes, pair: Pair) -> Iterator[SchemaDifference]:
    if before.grants is None or after.grants is None:
        return
    known = _ids(after)
    expected = set(_expected(before.grants, before, changes))
    old = {each for each in expected if each.object in known}
    kept = {changes.after(id) or "" for id in before.tables} | (_ids(before) - set(before.tables))
    new = {each for each in after.grants if each.object in kept}
    lost = _by_holder(
        each for each in old - new if not _named(each, changes.grants.dropped, changes.grants.changed)
    )
    more = _by_holder(
        each for each in new - old if not _named(each, changes.grants.added, changes.grants.changed)
    )
    for holder in sorted({*lost, *more}):
        yield from _of_holder(holder, lost[holder], more[holder], pair)
    yield from _undone(expected, set(after.grants), changes)


def _ids(schema: Schema) -> set[str]:
    """Of all that rights can be granted on; "" is the database."""
    routines = {each.id for each in schema.routines.values()}
    schemas = {key.removeprefix("schema ") for key in schema.owners if key.startswith("schema ")}
    return {"", *schema.tables, *schema.views, *schema.sequences, *routines, *schemas}


def _expected(grants: Iterable[Grant], before: Schema, changes: Changes) -> Iterator[Grant]:
    """The grants with the names of tables, columns and roles after; without those on what is dropped."""
    roles = _renamed_roles(changes)
    for each in grants:
        one = replace(each, role=roles.get(each.role, each.role))
        table = before.tables.get(each.object) if each.kind == "table" else None
        if table is None:
            yield one
            continue
        after = changes.after(table.id)
        columns = column_names(table, changes.of(after or ""))
        if after is not None and (not each.column or each.column in columns):
            yield replace(one, object=after, column=columns.get(each.column, ""))


def _by_holder(grants: Iterable[Grant]) -> Mapping[Holder, list[Grant]]:
    found: dict[Holder, list[Grant]] = defaultdict(list)
    for each in sorted(grants, key=lambda grant: (grant.grantable, grant.privilege, grant.column)):
        found[each.kind, each.object, each.role].append(each)
    return found


def _of_holder(
    holder: Holder, lost: list[Grant], more: list[Grant], pair: Pair
) -> Iterator[SchemaDifference]:
    kind, id, role = holder
    remedy = pair.after.remedy
    object = f"{id or 'the database'} to {role}"
    for grants, says, statement in (
        (lost, "is not granted any more", remedy.grant),
        (more, "is granted and not declared", remedy.revoke),
    ):
        for grantable in (False, True):
            some = [each for each in grants if each.grantable == grantable]
            if some:
                privileges = ", ".join(map(_privilege, some))
                facts = (privileges, "") if grants is lost else ("", privileges)
                yield SchemaDifference(
                    "grant", object, f"{privileges} {says}", statement(some), *facts, _group(kind, id)
                )


def _privilege(grant: Grant) -> str:
    column = f" ({grant.column})" if grant.column else ""
    return f"{grant.privilege}{column}{' with grant option' if grant.grantable else ''}"


def _named(grant: Grant, *declared: Iterable[str]) -> bool:
    """Does one of the plan's texts mean this grant?"""
    return any(_means(text, grant) for texts in declared for text in texts)


def _means(text: str, grant: Grant) -> bool:
    privilege, object, role = words_of(text)
    names = {grant.object, f"{grant.kind} {grant.object}".strip(), grant.object.partition("(")[0]}
    if grant.column:
        names.add(f"{grant.object}.{grant.column}")
    return (
        privilege.upper() in ("", grant.privilege)
        and (not object or object in names)
        and (not role or _bare(role) in (_bare(grant.role), _bare(grant.role).partition("@")[0]))
    )


def _bare(role: str) -> str:
    """A role or user without the quotes of its parts."""
    return role.translate(str.maketrans("", "", "'\"`"))


def _undone(before: set[Grant], after: set[Grant], changes: Changes) -> Iterator[SchemaDifference]:
    declared = changes.grants
    for text in declared.added:
        if not any(_means(text, each) for each in after):
            yield SchemaDifference("grant", text, "is declared as added and is not there", owner="database")
    for text in declared.dropped:
        if any(_means(text, each) for each in after):
            yield SchemaDifference(
                "grant", text, "is declared as dropped and is still there", owner="database"
            )
    for text in declared.changed:
        if {each for each in before if _means(text, each)} == {each for each in after if _means(text, each)}:
            yield SchemaDifference("grant", text, "is declared to change and is as before", owner="database")
