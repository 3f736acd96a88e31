"""A restic repository as the place of payloads: deduplicated, compressed and encrypted by restic.

Each payload is a snapshot of one file, tagged with the id of its backup. Payloads go in as they are:
what is compressed before does not deduplicate. The password comes from a file or from restic's own
environment; neither it nor the repository's address is in an argument.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pytest_visionforge.backup import files
from pytest_visionforge.backup.payload import File, Sink, Source
from pytest_visionforge.dialects.child import Command, printed, reader, run
from pytest_visionforge.errors import BackupError
from pytest_visionforge.plan.values.sections import Store

TAG = "visionforge"
PASSWORDS = ("RESTIC_PASSWORD", "RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD_COMMAND")
_SNAPSHOT = re.compile(r"[0-9a-f]{8,64}")
_LOGIN = re.compile(r"(?<=://)[^/@]*@")


@dataclass(slots=True)
class Added:
    """A payload on its way into the repository: `size` bytes of it were new there, once it is in."""

    input: Sink
    snapshot: str = ""
    size: int = 0


def shown(repository: str) -> str:
    """The repository's address without a login."""
    return _LOGIN.sub("***@", repository)


def prepare(store: Store) -> None:
    """Makes a repository on this machine that is not there yet; proves that the password opens it."""
    path = Path(store.repository)
    if path.is_absolute() and not (path / "config").exists():
        if path.exists() and any(path.iterdir()):
            raise BackupError(f"{path}: is not empty and no restic repository; choose another directory")
        path.mkdir(mode=files.DIRECTORY_MODE, parents=True, exist_ok=True)
        _run(store, "init")
    else:
        open_up(store)


def open_up(store: Store) -> None:
    """Raises BackupError where there is no repository, or the password does not open it."""
    if not store.repository:
        raise BackupError('the payloads lie in a restic repository: name it: [backup] store = "restic:..."')
    _run(store, "cat", "config")


@contextmanager
def writing(store: Store, id: str, name: str) -> Iterator[Added]:
    """A payload of the backup `id`; where the block fails nothing of it can be found in the repository."""
    arguments = ("backup", "--stdin", "--stdin-filename", name, "--tag", f"{TAG},{id}", "--host", TAG)
    with tempfile.TemporaryFile() as said:
        with reader(_command(store, *arguments), said) as input:
            added = Added(input)
            yield added
        said.seek(0)
        summary = _summary(said.read().decode(errors="replace"))
    added.snapshot = str(summary["snapshot_id"])
    added.size = int(summary.get("data_added_packed", summary["data_added"]))


@contextmanager
def reading(store: Store, file: File) -> Iterator[Source]:
    """The bytes of a payload."""
    if not _SNAPSHOT.fullmatch(file.snapshot):
        raise BackupError(f"{file.name}: its snapshot cannot be one of restic's: {file.snapshot[:80]!r}")
    with printed(_command(store, "dump", file.snapshot, f"/{file.name}")) as source:
        yield source


def forget(store: Store, id: str) -> None:
    """Removes the snapshots of a backup, and what no other needs."""
    with printed(_command(store, "snapshots", "--tag", id)) as said:
        found = [str(snapshot["id"]) for snapshot in json.load(said) or ()]
    if found:
        _run(store, "unlock")  # only locks whose owners are dead
        _run(store, "forget", "--prune", *found)


def _run(store: Store, *arguments: str) -> None:
    run(_command(store, *arguments))


def _command(store: Store, *arguments: str) -> Command:
    program = shutil.which("restic")
    if not program:
        raise BackupError("restic is not installed; install it: apt-get install restic")
    local = ("--no-cache",) if Path(store.repository).is_absolute() else ()
    return Command(
        arguments=(program, *local, "--json", *arguments),
        environment={
            "RESTIC_REPOSITORY_FILE": None,
            "RESTIC_REPOSITORY": store.repository,
            **_password(store),
        },
        tidy=partial(_tidy, repository=store.repository),
    )


def _password(store: Store) -> dict[str, str | None]:
    """The password's place; the file in the plan goes before the environment."""
    if store.password_file is None:
        if not any(os.environ.get(name) for name in PASSWORDS):
            raise BackupError(
                "the restic repository needs its password:"
                ' name a file as [backup] password_file = "$FILE", or set RESTIC_PASSWORD_FILE'
            )
        return {}
    with files.secret(store.password_file):
        return {**dict.fromkeys(PASSWORDS), "RESTIC_PASSWORD_FILE": str(store.password_file)}


def _summary(said: str) -> dict[str, Any]:
    for line in reversed(said.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and found.get("message_type") == "summary":
            return found
    raise BackupError("restic ended without an error, but it has not said what it stored")


def _tidy(line: str, repository: str) -> str:
    return line.replace(repository, shown(repository)).strip()[:500]
