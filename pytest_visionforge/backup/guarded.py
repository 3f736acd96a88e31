"""Who else may write where backups lie: whoever can may put another backup in the place of a proved one."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

MOST = 5  # sentences


def unguarded(directory: Path, backup: Path | None = None) -> tuple[str, ...]:
    """A sentence with its remedy for each way in which somebody else could change the backups of a directory.

    Looked at are the directory, those above it (a sticky one is safe), and what lies in the directory
    `backup`, or in all of them where none is named. Of many ways the first are told.
    """
    if not directory.is_dir():
        return ()
    place = directory.resolve()
    found = [*_ways_to(place), *_within(place, place / backup.name if backup else place)]
    more = len(found) - MOST
    return (*found[:MOST], f"and {more} more like these") if more > 0 else tuple(found)


def _ways_to(place: Path) -> Iterator[str]:
    """The directory itself, and those in which it could be replaced as a whole."""
    for each in (place, *place.parents):
        status = each.stat()
        if (who := _writers(status)) and (each == place or not status.st_mode & stat.S_ISVTX):
            deep = "-R " if each == place else ""
            yield (
                f"{each} can be written by {who}, who could put other backups in the place of these:"
                f" chmod {deep}go-w '{each}'"
            )


def _within(place: Path, top: Path) -> Iterator[str]:
    """What lies in it: made by somebody else, or open to them. Links are not followed, and are no backups."""
    ours = {0, os.geteuid(), place.stat().st_uid}
    for path in ([top] if top != place else []) + sorted((*top.glob("*"), *top.glob("*/*"))):
        try:
            status, around = path.lstat(), path.parent.stat()
        except FileNotFoundError:  # another run has just ended
            continue
        if stat.S_ISLNK(status.st_mode):
            continue
        if status.st_uid not in ours:
            yield f"{path} belongs to {_user(status.st_uid)}, who can change it: did they make it?"
        elif around.st_mode & 0o011 and (who := _writers(status)):
            yield f"{path} can be written by {who}: chmod go-w '{path}'"


def _writers(status: os.stat_result) -> str:
    """Who can write beside the owner; "" where nobody can."""
    if status.st_mode & stat.S_IWOTH:
        return "everybody"
    if status.st_mode & stat.S_IWGRP and not _is_private(status):
        return f"the group {_group(status.st_gid)}"
    return ""


def _is_private(status: os.stat_result) -> bool:
    """Is it the group of the owner alone? Many systems give each user one of that name, and to it what they make."""
    try:
        group = grp.getgrgid(status.st_gid)
    except KeyError:
        return False
    return group.gr_name == _user(status.st_uid) and set(group.gr_mem) <= {group.gr_name}


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
