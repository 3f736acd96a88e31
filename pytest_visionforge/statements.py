"""Rules that are SQL: one file each in `checks/sql/<dialect>/`, in which a comment at the head says the rest.

    checks/sql/postgresql/readiness.lock_waits.sql

The name of a file is the id of its rule; the same name in several folders is one rule with a text for
each DBMS, and a file in `any/` is for all of them. A statement gives the offenders: a row is a violation.
With a third word in its name (`integrity.trimmed.text.sql`) a file holds no statement but a condition on
one column, `{column}`, and is tried on every column of the kinds that it names.

What a rule says of itself (`law`, `why`, `remedy`, `severity`, `phases`, `asked`) may stand in any of its
files; a test keeps them from saying two things. What is about one DBMS stands in its own file:

    versions   products and versions that it is for: `PostgreSQL >=15; MariaDB`
    on         `source and target`, `target`, or `pair`: rows of both are compared by their first column
    towards    dialects of the target: the rule is about the way from this DBMS to those
    table      the table that must be there, with a column that it must have: `schema_migrations(dirty)`
    over       `network`: it says nothing of a server on this machine
    if         a query; where it gives nothing or false there is nothing to look at
    otherwise  what is said then
    listed     `every table`: where our role may not see them all listed, nobody can tell
    rights     a query; where it gives false our role sees too little, so that nobody can tell
    grant      what would mend that; `{role}` is our role, `{database}` the database
    limits     numbers of the statement's parameters, which the plan may change: `seconds = 300`
    columns    kinds of columns, for a condition
    types      a pattern that the type of a column must match, for a condition
    says       what a finding says of a column, for a condition; `{column}` and `{type}` are put in
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pytest_visionforge.outcome import Severity

ANY = "any"  # the folder of statements that every DBMS understands
PER_RULE = ("law", "why", "remedy", "severity", "phases", "asked")
PER_FILE = (
    *("versions", "on", "towards", "table", "if", "otherwise", "listed", "rights", "grant", "limits"),
    *("over", "columns", "types", "says"),
)
ON = ("", "source and target", "target", "pair")
_KEY = re.compile(r"-- ?([a-z]+): *(.*)")
_PHASES = {"readiness": "premigration"}
_EVERY_PHASE = "premigration postmigration"


class WrongFile(ValueError):
    """A file of a rule that nobody can use; says which and why."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One file: the SQL of a rule for one DBMS, and what its head says of it (see above)."""

    path: Path
    sql: str
    head: Mapping[str, str] = field(hash=False)

    @property
    def dialect(self) -> str:
        """The folder: a dialect, or "any"."""
        return self.path.parent.name

    @property
    def id(self) -> str:
        """`suite.word`."""
        return ".".join(self.path.name.split(".")[:2])

    @property
    def is_condition(self) -> bool:
        """Is it a condition on a column, and no statement?"""
        return self.path.name.count(".") > 2

    def __getitem__(self, key: str) -> str:
        return self.head.get(key, "")

    @property
    def products(self) -> Mapping[str, str]:
        """Products that it is for, and the versions of each ("" for any); empty where it is for all."""
        listed = (part.strip().partition(" ") for part in self["versions"].split(";"))
        return {name: versions.strip() for name, _, versions in listed if name}

    @property
    def limits(self) -> Mapping[str, float]:
        """The values of its parameters, unless the plan says otherwise."""
        pairs = (part.partition("=") for part in self["limits"].split(",") if part.strip())
        return {name.strip(): float(value) for name, _, value in pairs}


@dataclass(frozen=True, slots=True)
class Statements:
    """All files of one rule."""

    id: str
    files: tuple[Statement, ...]

    def of(self, dialect: str) -> tuple[Statement, ...]:
        """The files for one DBMS: one statement, or conditions; () where it has none."""
        return tuple(file for file in self.files if file.dialect in (dialect, ANY))

    @property
    def suite(self) -> str:
        """The suite of the rule."""
        return self.id.partition(".")[0]

    @property
    def word(self) -> str:
        """The word of the rule."""
        return self.id.partition(".")[2]

    def said(self, key: str) -> str:
        """What the head of any of the files says of the rule."""
        return next((file[key] for file in self.files if file[key]), "")

    @property
    def severity(self) -> Severity:
        """What a violation does; a warning where nothing is said."""
        return Severity(self.said("severity") or Severity.WARN)

    @property
    def phases(self) -> tuple[str, ...]:
        """When it runs: before the migration, and, what is about the data, after it too."""
        return tuple((self.said("phases") or _PHASES.get(self.suite, _EVERY_PHASE)).split())

    @property
    def asked(self) -> bool:
        """Does it run only where the plan asks for it?"""
        return self.said("asked") == "yes"

    @property
    def dialects(self) -> tuple[str, ...]:
        """The DBMS that it has a text for; "any" for all."""
        return tuple(dict.fromkeys(file.dialect for file in self.files))

    @property
    def on(self) -> str:
        """What its statement runs on: one of `ON`; the same for all DBMS."""
        return self.said("on")

    @property
    def is_condition(self) -> bool:
        """Is it about columns?"""
        return any(file.is_condition for file in self.files)


@cache
def rules_in(folder: Path, suite: str) -> tuple[Statements, ...]:
    """The rules of one suite that are SQL files in the folders below `folder`, by id."""
    by_id: dict[str, list[Statement]] = {}
    for path in sorted(folder.glob(f"*/{suite}.*.sql")):
        file = read(path)
        by_id.setdefault(file.id, []).append(file)
    return tuple(Statements(id, tuple(files)) for id, files in sorted(by_id.items()))


def read(path: Path) -> Statement:
    """One file; WrongFile where its head has a key that nobody knows or says what cannot be."""
    lines = path.read_text("utf-8").strip().splitlines()
    length = next((n for n, line in enumerate(lines) if not line.startswith("--")), len(lines))
    head = dict(_head(lines[:length]))
    unknown = head.keys() - {*PER_RULE, *PER_FILE}
    sql = "\n".join(lines[length:]).strip().rstrip(";")
    if unknown or not sql or head.get("on", "") not in ON:
        raise WrongFile(f"{path}: {', '.join(sorted(unknown)) or 'SQL or on'} is wrong or missing")
    return Statement(path, sql, head)


def _head(lines: list[str]) -> Iterator[tuple[str, str]]:
    """The keys of a comment; a line that is indented goes on with the key above it."""
    text = "\n".join(lines).replace("\n--  ", " ")
    for line in text.splitlines():
        if found := _KEY.fullmatch(line):
            yield found[1], " ".join(found[2].split())
