"""What mends a refusal, from the words in which a server refuses: a grant, or the end of who holds a lock."""

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

_LOCKED = {
    "due to lock timeout": (
        "SELECT pid, usename, state, query FROM pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY xact_start"
    ),
    "Lock wait timeout exceeded": "SHOW FULL PROCESSLIST",
}


def lock_holder(words: str) -> str:
    """How to see who holds the lock that was waited for in vain; "" where none was."""
    shows = next((query for said, query in _LOCKED.items() if said in words), "")
    return (
        f"another transaction holds a lock on it: wait for its end, or end it; {shows} shows who"
        if shows
        else ""
    )


def grant_for(words: str, role: str) -> str:
    """The statement that lets our role do what was refused; "" where nothing was refused."""
    for refusal, grant in _REFUSALS:
        if found := refusal.search(words):
            return grant.format(*found.groups(), role=role)
    return ""
