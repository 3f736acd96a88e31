"""The grant that our role lacks, from the words in which a server refuses."""

from __future__ import annotations

import re

_REFUSALS = (
    (
        re.compile(r"permission denied for (?:table|view|materialized view|relation) (\S+)"),
        "GRANT SELECT ON {0} TO {role}",
    ),
    (re.compile(r"permission denied for (schema|sequence) (\S+)"), "GRANT USAGE ON {0} {1} TO {role}"),
    (re.compile(r"permission denied for function (\S+)"), "GRANT EXECUTE ON FUNCTION {0} TO {role}"),
    (
        re.compile(r"row-level security policy for table"),
        "ALTER ROLE {role} BYPASSRLS (as a superuser; no GRANT does it)",
    ),
    (re.compile(r"(\w+) command denied to user .* for table (\S+)"), "GRANT {0} ON {1} TO {role}"),
)


def grant_for(words: str, role: str) -> str:
    """The statement that lets our role do what was refused; "" where nothing was refused."""
    for refusal, grant in _REFUSALS:
        if found := refusal.search(words):
            return grant.format(*found.groups(), role=role)
    return ""
