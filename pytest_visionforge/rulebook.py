"""What a rule is, as plain facts: for `visionforge explain`, `visionforge rules` and the page of the rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_visionforge.rules import Rule
from pytest_visionforge.statements import ANY, Statement

_SECTION = "[tables.NAME] "
#: What a check is run on, by the argument that it asks for.
ON: Mapping[str, str] = {
    "table": "each table",
    "checked_table": "each table with a CHECK",
    "computed_table": "each table with a computed column",
    "foreign_key": "each foreign key",
    "composite_key": "each foreign key of several columns that may be NULL",
    "own_key": "each foreign key of a table to itself",
    "sequence": "each sequence",
    "compared": "each table that is not excluded",
    "schema_object": "each table, the views, the sequences and whatever else the schema holds",
    "role": "source and target",
    "written": "the database that is migrated",
    "pair": "source against target",
    "volume": "the backups' directory, and the database's own on this machine",
    "not_null": f"{_SECTION}not_null",
    "unique": f"{_SECTION}unique",
    "pattern": f"{_SECTION}pattern",
    "accepted": f"{_SECTION}accepted",
    "range_": f"{_SECTION}range",
    "not_future": f"{_SECTION}not_future",
    "rows": f"{_SECTION}rows",
    "reference": f"{_SECTION}references",
    "has": f"{_SECTION}has",
    "order": f"{_SECTION}order",
    "after": f"{_SECTION}after",
    "calculated": f"{_SECTION}calculated",
    "aggregate": f"{_SECTION}aggregate",
    "holds": f"{_SECTION}check",
    "changed_at": f"{_SECTION}changed_at",
    "expectation": f"{_SECTION}expectations, expectations/*.json",
    "business_rule": "[[rules]], rules/*.sql",
    "variable": "[environment] variables",
    "variable_match": "[environment] match",
    "package": "[environment] packages",
    "program": "[environment] programs",
    "path": "[system] paths",
    "linted": "[migration] files, django: each file with each of [migration] linters",
    "alembic": "[migration] alembic",
    "django": "[migration] django",
    "automatic_rollback": '[backup] rollback other than "never"',
    "retention": "[backup] keep",
    "endpoint": "[[endpoints]]",
    "named_query": "[[queries]]",
    "smoke_test": "[[smoke]]",
}


def facts(rule: Rule) -> dict[str, Any]:
    """A rule as plain values for `json`."""
    files = rule.statements.files if rule.statements else ()
    return {
        "id": rule.id,
        "law": rule.law,
        "why": rule.why,
        "remedy": rule.remedy,
        "severity": str(rule.severity),
        "phases": list(rule.phases),
        "runs": condition(rule),
        "asked": rule.asked,
        "dialects": list(dialects_of(rule)),
        "rights": {file.dialect: file["grant"] for file in files if file["grant"]},
        "limits": {name: value for file in files for name, value in file.limits.items()},
        "sql": {title: file.sql for title, file in titled(files)},
    }


def condition(rule: Rule) -> str:
    """When and on what a rule runs, in a line."""
    parts = [" and ".join(rule.phases), _looked_at(rule)]
    if dialects := dialects_of(rule):
        parts.append(f"on {', '.join(dialects)}")
    if versions := _of_files(rule, "versions"):
        parts.append(f"for {versions}")
    if towards := " or ".join(dict.fromkeys((*rule.towards, *_of_files(rule, "towards").split()))):
        parts.append(f"on the way to {towards}")
    if table := _of_files(rule, "table"):
        parts.append(f"where there is {table}")
    if rule.asked:
        parts.append("where [checks] also names it")
    return "; ".join(filter(None, parts))


def dialects_of(rule: Rule) -> tuple[str, ...]:
    """The DBMS that a rule is for; () where it is for all."""
    return () if ANY in rule.dialects else rule.dialects


def titled(files: Iterable[Statement]) -> Iterator[tuple[str, Statement]]:
    """The files of a rule, each with its DBMS and, of conditions, what they are about."""
    for file in files:
        about = file.path.name.split(".")[2] if file.is_condition else ""
        yield " ".join(filter(None, (file.dialect, about))), file


def _of_files(rule: Rule, key: str) -> str:
    files = rule.statements.files if rule.statements else ()
    return " ".join(dict.fromkeys(file[key] for file in files if file[key]))


def _looked_at(rule: Rule) -> str:
    """What a check is run on."""
    if rule.statements and rule.statements.on == "target":
        return "target"
    return next((ON[name] for name in rule.needs if name in ON), "once")


# ---------------------------------------------------------------- the page


def page(rules: Iterable[Rule]) -> str:
    """The rules as Markdown, suite by suite."""
    lines, suite = list[str](), ""
    for rule in rules:
        if rule.suite != suite:
            suite = rule.suite
            lines += [f"## {suite}", ""]
        lines += _entry(rule)
    return "\n".join(lines).rstrip() + "\n"


def _entry(rule: Rule) -> Iterator[str]:
    """One rule of the page."""
    said = facts(rule)
    yield f"### `{rule.id}`"
    yield ""
    yield f"{rule.law} {' '.join(rule.why.split())}".rstrip()
    yield ""
    yield f"- Runs: {said['runs']}. A violation {does(rule)}."
    if rule.remedy:
        yield f"- Fix: {rule.remedy}"
    for dialect, grant in said["rights"].items():
        yield f"- Rights on {dialect}: {grant.replace('{role}', 'ROLE').replace('{database}', 'DATABASE')}"
    if said["limits"]:
        numbers = ", ".join(f'`"{rule.id}.{name}" = {value:g}`' for name, value in said["limits"].items())
        yield f"- Number: {numbers} in `[checks] limits`"
    yield ""
    for title, sql in said["sql"].items():
        yield from (f"{title}:", "", "```sql", sql, "```", "")


def does(rule: Rule) -> str:
    """What a violation does."""
    return "closes the gate" if rule.severity == "block" else "is reported and counted"
