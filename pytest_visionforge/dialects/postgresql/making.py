"""A database that is gone, made again: empty, with the owner, rights, locale and settings that it had."""

from __future__ import annotations

import re
import tempfile

from sqlalchemy import URL

from pytest_visionforge.dialects.child import printed, run
from pytest_visionforge.dialects.postgresql.databases import maintenance_url
from pytest_visionforge.dialects.postgresql.programs import command, conninfo, newest

_NAME = re.compile(rb";\s+dbname: (.*)\n")
_OURS = re.compile(rb"\d+; \d+ \d+ (DATABASE|DATABASE PROPERTIES|(ACL|COMMENT|SECURITY LABEL) - DATABASE) ")


def make(definitions: str, url: URL) -> bool:
    """Makes it as the archive in a file says; False where the archive is of a database of another name."""
    program = newest("pg_restore")
    with printed(command(program, ("--list", "--create", definitions), None)) as output:
        lines = list(output)
    named = next((found[1] for line in lines if (found := _NAME.fullmatch(line))), b"")
    if named.decode(errors="replace") != url.database:
        return False
    with tempfile.NamedTemporaryFile(prefix="visionforge-") as wanted:
        wanted.writelines(line for line in lines if _OURS.match(line))
        wanted.flush()
        server = f"--dbname={conninfo(maintenance_url(url))}"
        options = ("--create", "--exit-on-error", "--no-password", f"--use-list={wanted.name}", server)
        run(command(program, (*options, definitions), url))
    return True
