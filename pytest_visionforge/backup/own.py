"""Backups by another tool: the plan names its commands, we run them and prove what they restore.

A command is words, not a shell's line. It learns what it needs from its environment:

VISIONFORGE_ID                  our id of the backup
VISIONFORGE_BACKUP              (list, restore, stop) the last line that `create` has printed: its name of it
VISIONFORGE_SCRATCH_URL         (restore, stop) an empty database to restore into, unless the plan names one
VISIONFORGE_SCRATCH_DATABASE    (restore, stop) its name alone, or its path
VISIONFORGE_SCRATCH_DIRECTORY   (restore, stop) an empty directory of its own
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from pytest_visionforge import dialects
from pytest_visionforge.backup import files
from pytest_visionforge.dialects.child import Command, run
from pytest_visionforge.dialects.rooms.archive import Dumped
from pytest_visionforge.errors import BackupError
from pytest_visionforge.plan.values.sections import OwnBackup

LONGEST = 500  # characters of a name
Progress = Callable[[str], None]


def prepare(own: OwnBackup) -> None:
    """Raises BackupError where a command cannot be run."""
    for key, words in (
        ("create", own.create),
        ("list", own.list),
        ("restore", own.restore),
        ("stop", own.stop),
    ):
        if words and not shutil.which(words[0]):
            raise BackupError(
                f"[backup.own] {key}: {words[0]} cannot be run: install it, or write its whole path"
            )


def create(own: OwnBackup, id: str, directory: Path, say: Progress) -> Dumped:
    """Runs `create`; what it prints is kept beside the manifest."""
    said = _run(own, own.create, directory / "create.log", {"VISIONFORGE_ID": id}, say)
    name = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")
    if not name or len(name) > LONGEST or not name.isprintable():
        raise BackupError(f"{own.create[0]} must print what it calls the backup as its last line")
    return Dumped({Path(own.create[0]).name: "the plan's own command"}, own.create, shared=False, name=name)


def check_listed(own: OwnBackup, id: str, name: str, directory: Path, say: Progress) -> None:
    """Raises BackupError where `list` does not name the backup."""
    if not own.list:
        raise BackupError("the plan names no command that lists backups: [backup.own] list")
    variables = {"VISIONFORGE_ID": id, "VISIONFORGE_BACKUP": name}
    said = _run(own, own.list, directory / "list.log", variables, say)
    if not any(name in (line.strip(), *line.split()) for line in said.splitlines()):
        raise BackupError(f"{own.list[0]} does not name {name}")


@contextmanager
def restored(
    own: OwnBackup, id: str, name: str, scratch: URL, log: Path, folder: Path, say: Progress
) -> Iterator[URL]:
    """Runs `restore`; what it has restored is at the plan's URL, or in the scratch database. Then `stop`."""
    plain = scratch.set(drivername=scratch.get_backend_name()).render_as_string(hide_password=False)
    variables = {
        "VISIONFORGE_ID": id,
        "VISIONFORGE_BACKUP": name,
        "VISIONFORGE_SCRATCH_URL": plain,
        "VISIONFORGE_SCRATCH_DATABASE": str(scratch.database),
        "VISIONFORGE_SCRATCH_DIRECTORY": str(folder),
    }
    try:
        _run(own, own.restore, log, variables, say)
        yield dialects.parse_url(own.url.url) if own.url else scratch
    finally:
        if own.stop:
            _run(own, own.stop, log, variables, say)


def _run(own: OwnBackup, words: Sequence[str], log: Path, variables: Mapping[str, str], say: Progress) -> str:
    say(f"running {words[0]}")
    command = Command(arguments=words, environment=variables, tidy=lambda line: line.strip()[-LONGEST:])
    with files.appended(log) as output:
        start = output.tell()
        run(command, output, own.timeout)
    with log.open("rb") as file:
        file.seek(start)
        return file.read().decode(errors="replace")
