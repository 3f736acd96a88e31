"""Where databases, endpoints and directories are: `$NAME` is expanded, and no secret is ever shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from pytest_visionforge.plan.grammar import Wrong
from pytest_visionforge.plan.shape import Place, meant, text
from pytest_visionforge.plan.values.sections import Address

#: The DBMS behind each scheme of a URL.
DBMS = {"sqlite": "sqlite", "postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
# The password reaches to the last @, so that no piece of it is taken for a host and shown.
_URL = re.compile(r"([\w+]*)://(?:([^:/]*)(?::(.*))?@)?(.*)", re.S)
_HOST = re.compile(r"(\[[^\]/?]+\]|[^:/?@\s]*)(:\d*)?(?=[/?]|$)")
_SECRET_OPTION = re.compile(r"(?<=[?&])([^=&]*(?:password|passwd|pwd|secret|token)[^=&]*)=([^&]*)", re.I)


def expand(written: str, environ: Mapping[str, str]) -> str:
    """The text with each `$NAME` and `${NAME}` replaced by the environment variable's value."""
    wanted = [braced or plain for braced, plain in _VARIABLE.findall(written)]
    missing = [name for name in dict.fromkeys(wanted) if not environ.get(name)]
    if missing:
        raise Wrong(f"environment variable {', '.join(missing)} is not set (or empty): set it and run again")
    return _VARIABLE.sub(lambda match: environ[match[1] or match[2]], written)


def directory(value: Any, place: Place) -> Path:
    """A directory or file; relative to the plan, and absolute afterwards."""
    return _absolute(expand(text(value, place), place.environ), place)


def _absolute(path: str, place: Place) -> Path:
    if "\0" in path:
        raise Wrong("is no path: it holds a NUL character")
    return Path(os.path.normpath(place.directory / path))


def web(value: Any, place: Place) -> str:
    """The URL of an HTTP endpoint."""
    written = text(value, place).strip()
    _no_literal_password(written, _split(written).password)
    url = expand(written, place.environ).strip()
    if _split(url).scheme not in ("http", "https") or not _split(url).netloc:
        raise Wrong("is no HTTP address; write http://... or https://...")
    return url


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise Wrong("cannot be read as a URL") from None


def database(value: Any, place: Place) -> Address:
    """The address of a database, from its URL."""
    written = text(value, place).strip()
    in_file = _URL.fullmatch(written)
    _no_literal_password(written, in_file and in_file[3])
    url = expand(written, place.environ).strip()
    parts = _URL.fullmatch(url)
    if not parts:
        raise Wrong(f"is no URL; {_as_sqlite(written)}")
    scheme, user, password, rest = parts.groups()
    name = scheme.partition("+")[0]
    if name not in DBMS:
        raise Wrong(f"its scheme is not that of a database here; {meant(name, DBMS)}")
    if DBMS[name] == "sqlite":
        return _file(scheme, url.partition("://")[2], place)
    if "@" in (password or "") or (user is None and "@" in rest) or not _HOST.match(rest):
        raise Wrong("cannot be read as a URL: in its user and password write @ as %40, / as %2F, : as %3A")
    login = "" if user is None else f"{user}{':***' if password is not None else ''}@"
    return Address(url=url, shown=f"{scheme}://{login}{_masked(rest)}")


def _masked(address: str) -> str:
    """The address up to its first secret option: a secret may hold the very signs that part options."""
    option = _SECRET_OPTION.search(address)
    return f"{address[: option.start()]}{option[1]}=***" if option else address


def _no_literal_password(written: str, password: str | None) -> None:
    """Refuse a password that stands in the file itself, in the login or among the options."""
    secrets = [password or "", *(secret for _, secret in _SECRET_OPTION.findall(written))]
    if any(_VARIABLE.sub("", secret) for secret in secrets):
        raise Wrong(
            "holds a password: put it into an environment variable and write $NAME in its place, "
            "or leave it out and use ~/.pgpass or ~/.my.cnf"
        )


def _as_sqlite(written: str) -> str:
    """How the address would be written, where the plan names a bare file or variable."""
    if re.fullmatch(r"[\w./$ {}-]+", written):
        return f"for a SQLite file write sqlite:///{written}"
    return "write sqlite:///shop.db, postgresql://user@host/name or mysql://user@host/name"


def _file(scheme: str, rest: str, place: Place) -> Address:
    """The address of a SQLite file, absolute in `url`, relative to the plan in `shown`."""
    name, question, options = rest.partition("?")
    path = unquote(name[1:])
    if not name.startswith("/") or path in ("", ":memory:") or path.startswith("file:"):
        raise Wrong("names no SQLite file; write sqlite:///shop.db (three slashes, relative to the plan)")
    file = _absolute(path, place)
    shown = file.relative_to(place.directory) if file.is_relative_to(place.directory) else file
    quoted = file.as_posix().replace("%", "%25").replace("?", "%3F")
    return Address(
        url=f"{scheme}:///{quoted}{question}{options}",
        shown=f"{scheme}:///{shown.as_posix()}{_masked(question + options)}",
    )


def dbms(address: Address) -> str:
    """The DBMS that an address leads to: sqlite, postgresql or mysql (which is MariaDB's too)."""
    return DBMS[re.split(r"[+:]", address.url, maxsplit=1)[0]]
