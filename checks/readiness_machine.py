"""Readiness of the machine on which the migration is run."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from pytest_visionforge import PREMIGRATION, CannotTell, Evidence, Finding, Offender, Severity, rule

from .machine import Denied, human, prove, volume_of

if TYPE_CHECKING:
    from pytest_visionforge.database import Database
    from pytest_visionforge.plan.values.plan import Plan

PASSWORDS = ("PGPASSWORD", "MYSQL_PWD")
FEW_FILES = 1024  # open at once
FEW_INODES = 0.05  # of all on the volume
CPU_SECONDS = 1.0  # one reading says nothing: two are compared


@rule(PREMIGRATION, severity=Severity.WARN)
def check_exported_passwords() -> Evidence | Finding:
    """No password is exported to every program that is started from here.

    PGPASSWORD and MYSQL_PWD reach all children, the migration's own tools and their crash reports among
    them.

    Remedy: Use ~/.pgpass or ~/.my.cnf (chmod 600), or a variable of the plan's own.
    """
    found = [name for name in PASSWORDS if os.environ.get(name)]
    return Finding(f"{' and '.join(found)} is set", len(found)) if found else Evidence("none")


@rule(PREMIGRATION)
def check_mounted(volume: tuple[str, Path]) -> Evidence | Finding:
    """The volume is mounted for writing.

    A volume that turned read-only by itself has a damaged disk more often than not.

    Remedy: Look at dmesg, then mount -o remount,rw.
    """
    what, directory = volume
    place = _existing(directory)
    if os.statvfs(place).f_flag & os.ST_RDONLY:
        return Finding(f"{volume_of(directory).mount} ({what}) is mounted read-only")
    return Evidence(f"{volume_of(directory).mount}")


@rule(PREMIGRATION, severity=Severity.WARN)
def check_inodes(volume: tuple[str, Path]) -> Evidence | Finding:
    """The volume can take many more files.

    A volume without inodes is full, whatever room it has.

    Remedy: Remove small files from the volume.
    """
    what, directory = volume
    status = os.statvfs(_existing(directory))
    if not status.f_files:
        return Evidence("the file system does not count them")
    says = f"{status.f_favail:,} of {status.f_files:,} inodes free on {volume_of(directory).mount} ({what})"
    return Finding(says) if status.f_favail < FEW_INODES * status.f_files else Evidence(says)


def _existing(directory: Path) -> Path:
    """The directory, or the one above in which it will be created."""
    place = directory.absolute()
    return next(each for each in (place, *place.parents) if each.exists())


@rule(PREMIGRATION, severity=Severity.WARN)
def check_memory(plan: Plan) -> Evidence | Finding:
    """The machine has memory left: [limits] memory.

    Out of memory the kernel ends a process, and likes to choose the largest: the database.

    Remedy: Stop other work on the machine, or run from another one.
    """
    used = _container_memory() or psutil.virtual_memory().percent / 100
    says = f"{used:.0%} in use"
    return (
        Finding(f"{says}, allowed are {plan.limits.memory:.0%}")
        if used > plan.limits.memory
        else Evidence(says)
    )


def _container_memory(group: Path = Path("/sys/fs/cgroup")) -> float | None:
    """The share in use of what a container may use, without the cache of files; None where it has no limit."""
    try:
        most = (group / "memory.max").read_text().strip()
        used = int((group / "memory.current").read_text())
        counts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    return None if most == "max" else (used - int(counts.get("inactive_file", 0))) / int(most)


@rule(PREMIGRATION, severity=Severity.WARN, asked=True)
def check_cpu(plan: Plan) -> Evidence | Finding:
    """The machine is not busy with something else: [limits] cpu.

    What takes an hour on an idle machine takes the whole window on a busy one.

    Remedy: Run when the machine is idle.
    """
    used = psutil.cpu_percent(interval=CPU_SECONDS) / 100
    says = f"{used:.0%} busy"
    return Finding(f"{says}, allowed are {plan.limits.cpu:.0%}") if used > plan.limits.cpu else Evidence(says)


@rule(PREMIGRATION, severity=Severity.WARN)
def check_private_files(plan: Plan) -> Evidence | Finding:
    """Nobody else on the machine can read the backups, or put others in their place.

    A backup holds every row of the database, without its rights; and a restore believes what lies there.

    Remedy: chmod -R go= the directory of the backups.
    """
    from pytest_visionforge.backup import unguarded

    open_ = list(_readable(plan.backup.directory))
    if ways := unguarded(plan.backup.directory):
        return Finding(ways[0], len(ways), sample=tuple(Offender({"way": each}) for each in ways))
    if not open_:
        return Evidence(str(plan.backup.directory))
    sample = tuple(Offender({"file": str(path)}, stat.filemode(path.stat().st_mode)) for path in open_[:20])
    return Finding(
        f"{len(open_)} files can be read by others",
        len(open_),
        sample=sample,
        remedy=f"chmod -R go= '{plan.backup.directory}'",
    )


def _readable(directory: Path) -> Iterator[Path]:
    """The files that others can reach and read."""
    if not directory.is_dir() or not stat.S_IMODE(directory.stat().st_mode) & 0o055:
        return
    for path in sorted(directory.rglob("*")):
        between = path.parent.relative_to(directory).parts
        way = (directory.joinpath(*between[:n]) for n in range(1, len(between) + 1))
        if (
            path.is_file()
            and path.stat().st_mode & 0o044
            and all(each.stat().st_mode & 0o055 for each in way)
        ):
            yield path


@rule(PREMIGRATION, severity=Severity.WARN, asked=True)
def check_user() -> Evidence | Finding:
    """The run is not root's.

    As root every right is there, so nothing says what the migration will lack.

    Remedy: Run as the user who migrates.
    """
    return Finding("this is root") if os.geteuid() == 0 else Evidence(f"user {os.geteuid()}")


@rule(PREMIGRATION, severity=Severity.WARN)
def check_open_files() -> Evidence | Finding:
    """A process may have enough files open at once.

    Remedy: ulimit -n 4096.
    """
    import resource

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    says = f"{most:,} files at once"
    unlimited = most == resource.RLIM_INFINITY
    return Finding(f"only {says}") if most < FEW_FILES and not unlimited else Evidence(says)


@rule(PREMIGRATION, severity=Severity.WARN)
def check_temporary(database: Database) -> Evidence | Finding:
    """The temporary directory has room for the largest table.

    Sorts, dumps and proofs go through it.

    Remedy: Set TMPDIR to a directory on a larger volume.
    """
    sizes = database.table_sizes()
    if not sizes:
        raise CannotTell("the sizes of the tables are not known here")
    largest = max(sizes, key=lambda table: sizes[table])
    place = tempfile.gettempdir()
    free = shutil.disk_usage(place).free
    says = f"{human(free)} free in {place}, {largest} has {human(sizes[largest])}"
    return Evidence(says) if free >= sizes[largest] else Finding(says)


@rule(PREMIGRATION)
def check_paths(path: tuple[Path, str]) -> Evidence | Finding:
    """The path is there, and we may do with it what the plan says.

    It is tried, not only asked for: a file system that is mounted read-only shows the best of rights.

    Remedy: Create it, or give this user the rights: chmod, chown, setfacl.
    """
    where, rights = path
    try:
        prove(where, rights)
    except Denied as denied:
        return Finding(str(denied), remedy=denied.remedy)
    return Evidence(f"{where}: {rights}")


@rule(PREMIGRATION)
def check_disk(plan: Plan, database: Database, volume: tuple[str, Path]) -> Evidence | Finding:
    """There is room for the database several times over, as the plan says: [system] disk_factor.

    A rebuilt table stands beside the old one until the end; a full disk stops the server, not only us.

    Remedy: Free space on the volume, or move the directory ([backup] directory) to a larger one.
    """
    what, directory = volume
    size = database.size()
    needed, found = int(size * plan.system.disk_factor), volume_of(directory)
    words = (
        f"{directory} ({what}), on {found.mount} ({found.device}): {human(found.free)} free,"
        f" {human(needed)} needed ({plan.system.disk_factor:g} x {human(size)})"
    )
    if found.free >= needed:
        return Evidence(words)
    remedy = f"free {human(needed - found.free)} on {found.mount}, or use a larger volume"
    return Finding(words, remedy=remedy, reproduce=f"df -B1 '{found.mount}'")
