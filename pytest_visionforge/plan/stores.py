"""`[backup]`: where payloads go, if not as they are into the directory; and backups by other means."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from pytest_visionforge.plan import grammar
from pytest_visionforge.plan.address import database, directory, expand
from pytest_visionforge.plan.grammar import Wrong
from pytest_visionforge.plan.shape import Noted, Place, Reader, filled, list_of, record_of, short, text
from pytest_visionforge.plan.values import sections as v

_RECIPIENT = re.compile(r"age1[0-9a-z]{58,}")
_REMOTE = re.compile(r"[a-z][a-z0-9]*:")  # restic's sftp:, s3:, rest: ...


def _repository(value: Any, place: Place) -> str:
    """`restic:PATH`, the path relative to the plan; or `restic:` and another address of restic's."""
    kind, colon, where = text(value, place).strip().partition(":")
    if kind != "restic" or not colon or not where:
        raise Wrong('expected a restic repository; write store = "restic:/path", or leave it out')
    where = expand(where, place.environ)
    return where if _REMOTE.match(where) else str(directory(where, place))


def _recipient(value: Any, place: Place) -> str:
    recipient = expand(text(value, place), place.environ).strip()
    if not _RECIPIENT.fullmatch(recipient):
        raise Wrong("is no recipient of age; `age-keygen -y` prints one: age1...")
    return recipient


def _command(value: Any, place: Place) -> tuple[str, ...]:
    """The words of a command, as a shell would part them; no shell is run."""
    try:
        words = shlex.split(text(value, place))
    except ValueError as error:
        raise Wrong(f"cannot be parted into words: {str(error).lower()}") from None
    return tuple(expand(word, place.environ) for word in words)


_own = record_of(
    v.OwnBackup,
    {
        "create": _command,
        "list": _command,
        "restore": _command,
        "stop": _command,
        "url": database,
        "timeout": short(grammar.duration, "6h"),
    },
    required=("create", "restore"),
)

READERS: Mapping[str, Reader[Any]] = {
    "store": _repository,
    "recipients": filled(list_of(_recipient)),
    "identity": directory,
    "password_file": directory,
    "own": _own,
}


def stored(said: dict[str, Any], place: Place) -> dict[str, Any]:
    """The keys of `[backup]`, with those that say where payloads go as one value."""
    given = {key: said.pop(key) for key in READERS if key in said}
    places = [key for key in ("store", "recipients", "own") if key in given]
    if len(places) > 1:
        place.note(f"a backup goes to one place: leave out all but one of {', '.join(places)}")
        raise Noted
    return {**said, "store": v.Store(repository=given.pop("store", ""), **given)}
