"""One step of a backup, timed without the start of Python: prints its seconds and sizes as JSON.

    python -m bench.programs.back_up create URL DIRECTORY [REPOSITORY PASSWORD_FILE]
    python -m bench.programs.back_up verify URL DIRECTORY
    python -m bench.programs.back_up pg_restore URL DIRECTORY

`create` is without the digests, which a baseline takes. `verify` is the whole proof, of the newest backup.
`pg_restore` is what `verify` stands beside: pg_restore with two jobs into an empty database, and the digests.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import make_url

from pytest_visionforge import backup
from pytest_visionforge.compare import identity_digests
from pytest_visionforge.database import Database
from pytest_visionforge.plan.values.sections import Store

HOURS = 6 * 3600.0


def create(url: str, directory: str, *repository: str) -> Mapping[str, float]:
    """A full backup, plain or into a restic repository."""
    store = Store(repository=repository[0], password_file=Path(repository[1])) if repository else Store()
    with Database("source", url) as database, database.session(seconds=HOURS) as session:
        digests = identity_digests(session, database.schema)
        started = time.perf_counter()
        made = backup.create(session, Path(directory), url=database.url, digests=digests, store=store)
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "size": made.size, "raw_size": made.raw_size}


def verify(url: str, directory: str) -> Mapping[str, float]:
    """The proof by restoring."""
    started = time.perf_counter()
    backup.verify(backup.catalogue(Path(directory))[0], scratch_url=url)
    return {"seconds": time.perf_counter() - started}


def pg_restore(url: str, directory: str) -> Mapping[str, float]:
    """What the proof stands beside; `directory` is of pg_dump's directory format."""
    name = "vf_bench_restored"
    server = make_url(url)
    plain = server.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    login = ["-h", str(server.host), "-p", str(server.port), "-U", str(server.username)]
    subprocess.run(["dropdb", "--if-exists", *login, name], check=True, capture_output=True)
    subprocess.run(["createdb", *login, name], check=True)
    started = time.perf_counter()
    subprocess.run(["pg_restore", "-j2", "-e", "-d", plain, directory], check=True)
    with Database("restored", plain) as database, database.session(seconds=HOURS) as session:
        identity_digests(session, database.schema)
    seconds = time.perf_counter() - started
    subprocess.run(["dropdb", *login, name], check=True)
    return {"seconds": seconds}


if __name__ == "__main__":
    action, *words = sys.argv[1:]
    print(json.dumps({"create": create, "verify": verify, "pg_restore": pg_restore}[action](*words)))
