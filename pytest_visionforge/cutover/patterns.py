"""Lines of a migration's output that are errors, whatever its exit status says.

A pattern is that of one tool or DBMS, at the place in the line where it writes it: a table called
`error_log` or a test named "no ERROR" is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

KNOWN = {
    "PostgreSQL": r"^(psql:.{0,300}?:\d+: |pg_restore: )?(ERROR|FATAL|PANIC|error): ",
    "MariaDB": r"^(ERROR \d{4} \(\w{5}\)|(mysql|mariadb)(-dump|dump|import)?: (Got e|E)rror)",
    "SQLite": r"^(Parse error|Runtime error|Error)( near line \d+|: in prepare|: stepping|: near )",
    "Python": r"^(Traceback \(most recent call last\):|[\w.]*(Error|Exception)(: |$))",
    "Alembic": r"^(FAILED: |ERROR \[alembic)",
    "Django": r"^(CommandError: |django\.[\w.]+: )",
    "Flyway": r"^(ERROR: |Migration .{0,200} failed\b)",
    "Liquibase": r"^(Unexpected error running Liquibase|Migration failed for changeset|liquibase\.exception\.)",
    "Rails": r"^(rails aborted!|rake aborted!|[A-Z]\w*Error: |[A-Z]\w*(::[A-Z]\w*)+: )",
    "Node": r"^(npm ERR! |npm error |Error: P\d{4}|Unhandled(PromiseRejection| rejection))",
    "Go": r"^(panic: |goose run: |error: (Dirty database|migration failed))",
    "log": r"^[\W\d TZ:.,+-]{0,40}(\[?\w{0,30}\]? )?\[?(ERROR|FATAL|CRITICAL|SEVERE)\]?[\s:|]",
    "shell": r"^(/bin/)?sh: \d+: .{1,200}: (not found|Permission denied)$",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that is an error: when (UTC), in which step, whose pattern it is, and the line."""

    time: str
    step: str
    whose: str
    line: str

    def __str__(self) -> str:
        return f"{self.step}: {self.line}"


class Patterns:
    """What is known, what the plan adds (`errors`), and what it says is none (`ignore`)."""

    def __init__(self, errors: Iterable[str] = (), ignore: Iterable[str] = ()) -> None:
        self._errors = {
            **{whose: re.compile(pattern) for whose, pattern in KNOWN.items()},
            **{f"the plan: {pattern}": re.compile(pattern) for pattern in errors},
        }
        self._ignore = [re.compile(pattern) for pattern in ignore]

    def whose(self, line: str) -> str:
        """Whose error a line is; "" where it is none."""
        if any(pattern.search(line) for pattern in self._ignore):
            return ""
        return next((whose for whose, pattern in self._errors.items() if pattern.search(line)), "")
