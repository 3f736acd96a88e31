"""What a check may be parametrized over: one item per object.

A check asks for an object by the name of its argument: `check_unique(database, names, unique)` runs
once for each `unique` of the plan. The functions here say which objects there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_visionforge import applies
from pytest_visionforge.outcome import Severity
from pytest_visionforge.plan.values import rules
from pytest_visionforge.plan.values.changes import Declared
from pytest_visionforge.rules import POSTMIGRATION, PREMIGRATION, Rule
from pytest_visionforge.scope import Scope

if TYPE_CHECKING:
    from pytest_visionforge.database import ForeignKey, Table


class ForeignKeyOf(NamedTuple):
    """A declared foreign key and the table that has it."""

    table: Table
    key: ForeignKey


class Linted(NamedTuple):
    """What a linter looks at: a file, relative to the plan."""

    linter: str
    file: str


@dataclass(frozen=True)
class Object:
    """One object: its `id` in the item's brackets, its `table` and `part` in its name, its value."""

    id: str
    value: Any
    table: str = ""
    part: str = ""
    severity: Severity | None = None

    def name(self, word: str) -> str:
        """`table.word.part`, as in waivers and records."""
        return ".".join(filter(None, (self.table, word, self.part)))


def of_rule(rule: Rule, scope: Scope) -> list[Object] | None:
    """The objects that a rule runs on; None for a rule that runs once, on none in particular.

    None of them, and the reason noted, where the rule does not apply to the databases of the plan.
    """
    argument = next((name for name in rule.needs if name in OBJECTS), "")
    if reason := applies.refusal(rule, scope, argument):
        scope.not_applicable[rule.id] = reason
        return []
    if not argument:
        return None
    objects = list(OBJECTS[argument](scope))
    if argument == "role":
        return [each for each in objects if not applies.on_role(rule, scope, each.value)]
    return objects


def _table_rules(kind: type[rules.TableRule]) -> Callable[[Scope], Iterable[Object]]:
    def objects(scope: Scope) -> Iterable[Object]:
        for rule in scope.plan.rules_of(kind):
            reason = scope.names.not_applicable(rule) if scope.schema else ""
            if reason:
                scope.not_applicable[rule.name] = reason
            else:
                yield Object(str(rule), rule, rule.table, rule.part, rule.severity)

    return objects


def _tables(scope: Scope) -> Iterable[Object]:
    for table in scope.tables:
        yield Object(table.id, table, table.id)


def _foreign_keys(scope: Scope) -> Iterable[Object]:
    for table in scope.tables:
        for key in table.foreign_keys:
            part = ",".join(key.columns)
            yield Object(f"{table.id}.{part}", ForeignKeyOf(table, key), table.id, part)


def _composite_keys(scope: Scope) -> Iterable[Object]:
    """Foreign keys of several columns, some of which may be NULL."""
    for each in _foreign_keys(scope):
        table, key = each.value
        columns = [table.column(name) for name in key.columns]
        if len(columns) > 1 and any(column and column.nullable for column in columns):
            yield each


def _own_keys(scope: Scope) -> Iterable[Object]:
    """Foreign keys of one column that lead into their own table: hierarchies."""
    for each in _foreign_keys(scope):
        table, key = each.value
        if key.parent == table.id and len(key.columns) == len(key.parent_columns) == 1:
            yield each


def _tables_with(has: Callable[[Table], object]) -> Callable[[Scope], Iterable[Object]]:
    return lambda scope: (each for each in _tables(scope) if has(each.value))


def _compared(scope: Scope) -> Iterable[Object]:
    """Tables that are there before and after, named as they are in this phase."""
    for table in _tables_before(scope):
        named = scope.changes.after(table)
        if named is None:
            scope.not_applicable[f"{table}.values"] = "the migration drops the table"
        elif scope.excluded(named):
            scope.not_applicable[f"{named}.values"] = f"excluded: {scope.excluded(named)}"
        else:
            yield Object(named, named, named)
    yield from _split(scope)


def _split(scope: Scope) -> Iterable[Object]:
    """Tables of whose rows the plan says from which others they are."""
    for change in scope.changes.tables.values():
        if change.split_from:
            yield Object(change.name, change.name, change.name)


def _tables_before(scope: Scope) -> list[str]:
    """The baseline's tables; without a baseline those at hand, so that the checks can say what is missing."""
    if scope.baseline is not None:
        return list(scope.baseline.tables)
    return [table.id for table in scope.tables]


def _schema_objects(scope: Scope) -> Iterable[Object]:
    """Every table before, after or declared; then all views, all sequences and so on as one object each."""
    from pytest_visionforge.compare import GROUPS

    before = scope.baseline.schema if scope.baseline else scope.schema
    if before is None:
        return
    tables = {scope.changes.after(table) or table for table in before.tables}
    tables.update(scope.schema.tables if scope.schema else (), scope.changes.tables)
    for table in sorted(tables):
        yield Object(table, table, table)
    for kind in GROUPS:
        sides = [side for side in (before, scope.schema) if side]
        found = [getattr(side, kind) for side in sides if kind != "database"]
        if kind == "database" or any(found) or getattr(scope.changes, kind) != Declared():
            yield Object(kind, kind, part=kind)


def _fed_columns(scope: Scope) -> Iterable[Object]:
    for sequence in scope.schema.sequences.values() if scope.schema else ():
        yield Object(sequence.id, sequence, part=sequence.id)


def _business_rules(scope: Scope) -> Iterable[Object]:
    side = "after" if scope.phase == POSTMIGRATION else "before"
    for rule in scope.plan.rules:
        if rule.when in ("both", side):
            yield Object(rule.id, rule, part=rule.id, severity=rule.severity)
        else:
            scope.not_applicable[f"rules.{rule.id}"] = f"the plan wants it only {rule.when} the migration"


def _named(items: Callable[[Scope], Iterable[Any]]) -> Callable[[Scope], Iterable[Object]]:
    """Objects whose text is their name."""
    return lambda scope: (Object(_id(item), item, part=_id(item)) for item in items(scope))


def _id(item: Any) -> str:
    return " ".join(map(str, item)) if isinstance(item, tuple) else str(item)


def _volumes(scope: Scope) -> Iterable[Object]:
    """Where space is needed: the backups' directory and, on this machine, the database's own."""
    for directory in scope.directories:
        yield Object("database", ("database", Path(directory)), part="database")
    yield Object("backup", ("backup", scope.plan.backup.directory), part="backup")


def _linted(scope: Scope) -> Iterable[Object]:
    """Each file of the migration with each linter that the plan names, or that is installed."""
    from pytest_visionforge.linters import linted

    pairs, reason = linted(scope.plan)
    if reason:
        scope.not_applicable["readiness.migration_lint"] = reason
    for linter, file in pairs:
        id = f"{linter} {file}"
        yield Object(id, Linted(linter, file), part=id)


def _migration_file(kind: str) -> Callable[[Scope], Iterable[Object]]:
    """The alembic.ini or manage.py of the plan."""

    def objects(scope: Scope) -> Iterable[Object]:
        path: Path | None = getattr(scope.plan.migration, kind)
        return [Object(path.name, path)] if path else []

    return objects


def _pair(scope: Scope) -> Iterable[Object]:
    if not scope.plan.in_place:
        yield Object("source-target", ("source", "target"))


def _target_role(scope: Scope) -> Iterable[str]:
    return scope.plan.roles if scope.phase == PREMIGRATION else [scope.plan.migrated]


OBJECTS: Mapping[str, Callable[[Scope], Iterable[Object]]] = {
    "table": _tables,
    "checked_table": _tables_with(lambda table: table.checks),
    "computed_table": _tables_with(lambda table: any(column.generated for column in table.columns)),
    "foreign_key": _foreign_keys,
    "composite_key": _composite_keys,
    "own_key": _own_keys,
    "not_null": _table_rules(rules.NotNull),
    "unique": _table_rules(rules.Unique),
    "pattern": _table_rules(rules.Pattern),
    "accepted": _table_rules(rules.Accepted),
    "range_": _table_rules(rules.Range),
    "not_future": _table_rules(rules.NotFuture),
    "rows": _table_rules(rules.Rows),
    "reference": _table_rules(rules.Reference),
    "has": _table_rules(rules.Has),
    "order": _table_rules(rules.Order),
    "after": _table_rules(rules.After),
    "calculated": _table_rules(rules.Calculated),
    "aggregate": _table_rules(rules.Aggregate),
    "holds": _table_rules(rules.Holds),
    "changed_at": _table_rules(rules.ChangedAt),
    "expectation": _table_rules(rules.Expectation),
    "business_rule": _business_rules,
    "compared": _compared,
    "schema_object": _schema_objects,
    "sequence": _fed_columns,
    "role": _named(_target_role),
    "written": _named(lambda scope: [scope.plan.migrated]),
    "pair": _pair,
    "variable": _named(lambda scope: scope.plan.environment.variables),
    "variable_match": lambda scope: (
        Object(name, (name, pattern), part=name) for name, pattern in scope.plan.environment.match.items()
    ),
    "package": _named(lambda scope: scope.plan.environment.packages),
    "program": _named(lambda scope: scope.plan.environment.programs),
    "path": lambda scope: (
        Object(str(path), (path, rights), part=str(path)) for path, rights in scope.plan.system.paths.items()
    ),
    "volume": _volumes,
    "linted": _linted,
    "alembic": _migration_file("alembic"),
    "django": _migration_file("django"),
    "automatic_rollback": lambda scope: (
        Object(word, word, part=word) for word in (scope.plan.backup.rollback,) if word != "never"
    ),
    "retention": _named(lambda scope: scope.plan.backup.keep),
    "endpoint": _named(lambda scope: scope.plan.endpoints),
    "named_query": _named(lambda scope: scope.plan.queries),
    "smoke_test": _named(lambda scope: scope.plan.smoke),
}
