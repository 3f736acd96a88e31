"""What a dump of PostgreSQL needs that is not in it: roles, extensions, tablespaces of the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import URL

from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects.postgresql.databases import connected

_OWNERS = (
    "SELECT relowner FROM pg_class WHERE relnamespace = n.oid"
    " UNION SELECT proowner FROM pg_proc WHERE pronamespace = n.oid"
    " UNION SELECT typowner FROM pg_type WHERE typnamespace = n.oid UNION SELECT n.nspowner"
)
# Owners stand where they own; whoever was granted a right, or has a policy, stands among the dependencies.
_ROLES = (
    "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND oid IN ("
    " SELECT refobjid FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass"
    " AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    f" UNION SELECT o.relowner FROM pg_namespace n, LATERAL ({_OWNERS}) o"
    " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema') ORDER BY 1"
)
_EXTENSIONS = "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1"
_TABLESPACES = (
    "SELECT DISTINCT spcname FROM pg_tablespace t JOIN pg_class c ON c.reltablespace = t.oid"
    " WHERE spcname !~ '^pg_' ORDER BY 1"
)
# What a server has, and how it gets what it lacks.
_HAS = {
    "roles": ("SELECT rolname FROM pg_roles", "CREATE ROLE"),
    "extensions": ("SELECT name FROM pg_available_extensions", "install the package that has it"),
    "tablespaces": ("SELECT spcname FROM pg_tablespace", "CREATE TABLESPACE"),
}


def needs(session: Session) -> Mapping[str, tuple[str, ...]]:
    """Names of roles, extensions and tablespaces that must be there where the dump is restored."""
    asked = {"roles": _ROLES, "extensions": _EXTENSIONS, "tablespaces": _TABLESPACES}
    return {kind: tuple(name for (name,) in session.all(sql)) for kind, sql in asked.items()}


def lacking(url: URL, needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """A sentence for each kind of which the server at `url` has not all."""
    with connected(url) as server:
        has = {kind: {name for (name,) in server.rows(sql)} for kind, (sql, _) in _HAS.items()}
    lost = {kind: [name for name in needs.get(kind, ()) if name not in has[kind]] for kind in _HAS}
    return tuple(
        f"the server has not the {kind} {', '.join(names)} ({_HAS[kind][1]})"
        for kind, names in lost.items()
        if names
    )
