"""The databases of a server: scratch ones, kept ones, and what the server says of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from pytest_visionforge.database.session import unescaped, verbatim
from pytest_visionforge.dialects.postgresql.language import quote
from pytest_visionforge.dialects.writing import Admin, admin, is_kept
from pytest_visionforge.errors import BackupError

LONGEST_NAME = 63  # bytes
MAINTENANCE = ("postgres", "template1")
OBJECT_IN_USE = "55006"
_FACTS = (
    "SELECT pg_get_userbyid(datdba) AS owner, datconnlimit AS limit, datacl IS NOT NULL AS has_rights,"
    " shobj_description(oid, 'pg_database') AS comment, pg_encoding_to_char(encoding) AS encoding,"
    " to_jsonb(d) AS all FROM pg_database d WHERE datname = :name"
)


@contextmanager
def scratch(url: URL | None, tag: str, directory: Path | None) -> Iterator[URL]:
    """`vf_scratch_<tag>` on the same server, with the encoding and locale of the database at `url`."""
    if url is None:
        raise BackupError("a scratch database needs a server: name the URL of a database on it")
    name = f"vf_scratch_{tag}"
    with maintenance(url) as server, _alone(server, name):
        drop(server, name)
        server.run(f"CREATE DATABASE {quote(name)} TEMPLATE template0 {_locale(server, url)}")
        try:
            yield url.set(database=name)
        finally:
            drop(server, name)


def prepare_scratch(url: URL) -> None:
    """Refuses where the role may make no database; to make one only to see would flush the server's buffers."""
    with maintenance(url) as server:
        if not server.value("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"):
            role = unescaped(quote(str(server.value("SELECT current_user"))))
            raise BackupError(
                f"{role} may not make the scratch database in which the backup is proved: ALTER ROLE {role}"
                ' CREATEDB; or set [backup] verify = "decoded", which proves less'
            )


def exists(url: URL) -> bool:
    """Is there a database of that name?"""
    with maintenance(url) as server:
        return bool(facts_of(server, str(url.database)))


def kept(url: URL) -> list[str]:
    """The databases beside it that hold its former states."""
    with maintenance(url) as server:
        names = [str(row[0]) for row in server.rows("SELECT datname FROM pg_database ORDER BY oid DESC")]
    return [name for name in names if is_kept(name, str(url.database), LONGEST_NAME)]


def discard(url: URL, kept: str) -> None:
    """Drops a kept database."""
    with maintenance(url) as server:
        drop(server, kept)


def facts_of(server: Admin, name: str) -> Mapping[str, Any]:
    """What the server says of a database; {} where there is none."""
    rows = server.rows(_FACTS, name=name)
    return dict(rows[0]._mapping) if rows else {}


def _locale(server: Admin, url: URL) -> str:
    facts = facts_of(server, str(url.database))
    if not facts:
        return ""
    raw = facts["all"]
    words = [f"ENCODING {literal(facts['encoding'])}"]
    words += [f"LC_COLLATE {literal(raw['datcollate'])}", f"LC_CTYPE {literal(raw['datctype'])}"]
    provider = {"i": "icu", "b": "builtin"}.get(raw.get("datlocprovider", "c"))
    locale = raw.get("datlocale") or raw.get("daticulocale")
    if provider and locale:
        words += [f"LOCALE_PROVIDER {provider}", f"{provider.upper()}_LOCALE {literal(locale)}"]
    return " ".join(words)


def free_name(server: Admin, name: str, tag: str, word: str = "old") -> str:
    """`<name>__<word>_<tag>`, within 63 bytes, that no database has."""
    number = 1
    while True:
        end = f"__{word}_{tag}" + (f"_{number}" if number > 1 else "")
        old = name.encode()[: LONGEST_NAME - len(end)].decode(errors="ignore") + end
        if not facts_of(server, old):
            return old
        number += 1


def is_free(server: Admin, name: str) -> bool:
    """Takes the lock of a name, unless another run has it; the lock ends with the connection."""
    return bool(server.value("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))", name=name))


@contextmanager
def _alone(server: Admin, name: str) -> Iterator[None]:
    """A name on the server is ours; what a dead run left under it may then be dropped."""
    if not is_free(server, name):
        raise BackupError(f"another run is using {name}; wait until it has ended")
    yield  # the lock ends with the connection


def drop(server: Admin, name: str) -> None:
    """Drops a database that may be gone already, and ends who is in it."""
    server.run(f"DROP DATABASE IF EXISTS {quote(name)} WITH (FORCE)")


@contextmanager
def maintenance(url: URL) -> Iterator[Admin]:
    """A connection to another database of the server than the one that is to be renamed."""
    with connected(maintenance_url(url)) as connection:
        yield connection


def maintenance_url(url: URL) -> URL:
    """Another database of the server that answers."""
    others = [url.set(database=name) for name in MAINTENANCE if name != url.database]
    return next(filter(_answers, others), others[-1])


def _answers(url: URL) -> bool:
    try:
        with connected(url):
            return True
    except BackupError:
        return False


def connected(url: URL) -> AbstractContextManager[Admin]:
    """A connection that may write; errors are BackupError with a remedy."""
    return admin(url, {"connect_timeout": 5, "application_name": "visionforge"}, _remedy)


def _remedy(error: DBAPIError) -> str:
    state = getattr(error.orig, "sqlstate", None)
    if state == "42501":
        return "; the role needs CREATEDB and must own the database (ALTER ROLE ... CREATEDB)"
    return "; stop what uses it, then restore again" if state == OBJECT_IN_USE else ""


def literal(value: str) -> str:
    """A text, for a statement that takes no parameters."""
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return verbatim(f" E'{escaped}'")
