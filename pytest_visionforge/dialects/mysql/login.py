"""Who logs in, where the URL leaves it to `~/.my.cnf`: the driver would not look there, the programs not ours."""

from __future__ import annotations

import configparser
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL

GROUPS = ("client", "client-mariadb")  # the later goes before


def completed(url: URL) -> URL:
    """The URL with the user and password of `~/.my.cnf`, where it has no password and names no other user."""
    if url.password is not None:
        return url
    found = _options(Path.home() / ".my.cnf")
    if not found.get("password") or url.username not in (None, found.get("user", url.username)):
        return url
    return url.set(username=url.username or found.get("user"), password=found["password"])


def _options(path: Path) -> Mapping[str, str]:
    """What the file says to every client; {} where it is not there, or anybody may write it."""
    try:
        with path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IWOTH:
                return {}
            lines = [line.strip() for line in file if not line.lstrip().startswith("!")]  # no other files
        parser = configparser.RawConfigParser(allow_no_value=True, strict=False, delimiters=("=",))
        parser.read_string("\n".join(lines))
    except (OSError, ValueError, configparser.Error):
        return {}
    groups = [dict(parser[name]) for name in GROUPS if parser.has_section(name)]
    return {name: _unquoted(value) for group in groups for name, value in group.items() if value is not None}


def _unquoted(value: str) -> str:
    """A value as the client programs read it: between quotes, and with these signs for others."""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    signs = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "s": " ", "\\": "\\", '"': '"', "'": "'"}
    found, rest = "", value
    while rest:
        sign, rest = rest[0], rest[1:]
        if sign == "\\" and rest and rest[0] in signs:
            sign, rest = signs[rest[0]], rest[1:]
        found += sign
    return found
