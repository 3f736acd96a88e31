"""What the machine has: programs, rights on paths, room on volumes."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

from pytest_visionforge import CannotTell

ANSWER_SECONDS = 10  # within which a program must tell its version
_VERSIONS = (  # in this order: MariaDB's and MySQL's programs name the release behind Distrib or from
    re.compile(r"\b(?:Distrib|from) (\d+(?:\.\d+)+)"),
    re.compile(r"(?<![\w.])v?(\d+(?:\.\d+)+)"),
    re.compile(r"(?<![\w.])v?(\d+)"),
)


# ---------------------------------------------------------------- programs


def program_path(name: str) -> Path | None:
    """Where a program is on the PATH."""
    found = shutil.which(name)
    return Path(found) if found else None


def program_version(path: Path) -> str:
    """The version that a program tells of itself; CannotTell where it does not."""
    try:
        done = subprocess.run(
            [str(path), "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotTell(f"{path} does not tell its version: {error}") from None
    text = done.stdout.decode(errors="replace")
    found = next(filter(None, (pattern.search(text) for pattern in _VERSIONS)), None)
    if found is None:
        raise CannotTell(f"{path} --version tells no version: {text[:80].strip() or 'nothing'}")
    return found[1]


# ---------------------------------------------------------------- paths


class Denied(Exception):
    """A path is not there, or we may not do with it what we need to; `remedy` is a command."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.remedy = remedy


def prove(path: Path, rights: str) -> None:
    """Does with a path what `rights` (of r, w, x) say, leaving it as it was; raises Denied."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise Denied(f"{path} is not there", f"mkdir -p '{path}'") from None
    except OSError as error:
        raise Denied(f"{path} cannot be looked at: {error.strerror}", "") from None
    for right in rights:
        try:
            _prove(path, right, mode)
        except OSError as error:
            raise Denied(
                f"{path} ({_owned(path)}) is not {_WORDS[right]}: {error.strerror}",
                f"chmod u+{right} '{path}', as its owner; or chown it to this user",
            ) from None


_WORDS = {"r": "readable", "w": "writable", "x": "executable"}
_ASKED = {"r": os.R_OK, "w": os.W_OK, "x": os.X_OK}


def _prove(path: Path, right: str, mode: int) -> None:
    if right == "w" and stat.S_ISDIR(mode):
        with tempfile.TemporaryFile(dir=path, prefix=".visionforge-"):
            return
    if right == "r" and stat.S_ISDIR(mode):
        with os.scandir(path):
            return
    if right in "rw" and stat.S_ISREG(mode):
        with path.open("rb" if right == "r" else "ab"):  # opened for appending, and left as it is
            return
    if not os.access(path, _ASKED[right]):
        raise PermissionError(0, "permission denied")


def _owned(path: Path) -> str:
    """`drwxr-x--- root:root`."""
    status = path.stat()
    try:
        owner = f"{path.owner()}:{path.group()}"
    except KeyError:
        owner = f"{status.st_uid}:{status.st_gid}"
    return f"{stat.filemode(status.st_mode)} {owner}"


# ---------------------------------------------------------------- volumes


@dataclass(frozen=True, slots=True)
class Volume:
    """A mounted file system, and how many bytes an ordinary user may still write to it."""

    mount: Path
    device: str
    free: int


def volume_of(directory: Path) -> Volume:
    """The volume on which a directory is, or will be once it is created."""
    place = directory.absolute()
    while not place.exists():
        place = place.parent
    place = place.resolve()
    mounted = {Path(each.mountpoint): each.device for each in psutil.disk_partitions(all=True)}
    mount = next((each for each in (place, *place.parents) if each in mounted), Path(place.anchor))
    return Volume(mount, mounted.get(mount, "unknown device"), shutil.disk_usage(place).free)


def human(size: int) -> str:
    """`1.5 GB (1,500,000,000 bytes)`: in units of a thousand, and exactly."""
    shown, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if shown < 1000 or unit == "TB":
            break
        shown /= 1000
    return f"{size} B" if unit == "B" else f"{shown:.1f} {unit} ({size:,} bytes)"
