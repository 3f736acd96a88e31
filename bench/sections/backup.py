"""What a backup takes beside the DBMS's own programs, its proof beside a restore, a second one in restic."""

from __future__ import annotations

import json
import secrets
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from sqlalchemy import URL, make_url

from bench.databases import folder, run
from bench.measure import Run, say
from bench.measure import run as measured
from bench.report import stamp, table
from bench.section import Bench, Json, Section, names

OURS = "visionforge backup create"
PARTS = ("pg", "mariadb", "sqlite", "restic")
_ZSTD = "zstd -q -f -T0 -1"
_LEGEND = """\
Ours is without the digests, which are the baseline's, and without the start of Python; it holds every
row, and the SHA-256 of every file. *Times ours* above 1 is slower than ours. The proof is the restore
into a scratch database with every digest compared.

"""


def measure(bench: Bench, part: str) -> Json:
    """All ways to make a backup of one DBMS, in turn; or two backups in one repository."""
    with _room() as room:
        return _second(bench, room) if part == "restic" else _ways(bench, part, room)


@contextmanager
def _room() -> Iterator[Path]:
    """A directory for backups, gone afterwards."""
    room = folder() / "backups"
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(mode=0o700)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _ways(bench: Bench, part: str, room: Path) -> Json:
    url = bench.databases.url(part, "before", bench.rows)
    say(f"backups of {names(part)}")
    rivals = {"pg": _postgresql, "mariadb": _mariadb, "sqlite": _sqlite}[part](make_url(url), room / "theirs")
    found: dict[str, list[Json]] = {name: [] for name in (OURS, *rivals)}
    for _ in range(bench.runs):
        found[OURS].append(_ours(room, "create", url))
        for name, command in rivals.items():
            found[name].append(_theirs(name, command, room / "theirs"))
    ways = [{"name": name, **_middle(each)} for name, each in found.items()]
    return {"ways": ways, "proofs": _proofs(url, room, rivals) if part == "pg" else []}


def _proofs(url: str, room: Path, rivals: Mapping[str, str]) -> list[Json]:
    """Our proof of our backup, and what PostgreSQL's own programs need to restore theirs."""
    ours = _ours(room, "create", url) and _program("verify", url, str(room / "ours"))
    _theirs("pg_dump -Fd -j2 -Z1", rivals["pg_dump -Fd -j2 -Z1"], room / "theirs")
    theirs = _program("pg_restore", url, str(room / "theirs" / "dump"))
    return [{"name": "visionforge backup verify", **ours}, {"name": "pg_restore -j2, and digests", **theirs}]


def _ours(room: Path, action: str, url: str, *words: str) -> Json:
    if not words:
        shutil.rmtree(room / "ours", ignore_errors=True)
    return _program(action, url, str(room / "ours"), *words)


def _program(action: str, *words: str) -> Json:
    done = measured([sys.executable, "-m", "bench.programs.back_up", action, *words])
    if done.status:
        raise RuntimeError(done.errors[-1000:])
    say(f"  {json.loads(done.output)['seconds']:8.2f} s  {action}")
    return {**json.loads(done.output), **_used(done)}


def _theirs(name: str, command: str, room: Path) -> Json:
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir()
    done = measured(["sh", "-c", command])
    if done.status:
        raise RuntimeError(done.errors[-1000:])
    say(f"  {done.seconds:8.2f} s  {name}")
    size = sum(path.stat().st_size for path in room.rglob("*") if path.is_file())
    return {"seconds": done.seconds, "size": size, **_used(done)}


def _used(done: Run) -> Json:
    return {"cpu_seconds": done.cpu_seconds, "peak_mb": done.peak_mb}


def _middle(runs: Sequence[Json]) -> Json:
    return {
        "runs": len(runs),
        "seconds": round(median(each["seconds"] for each in runs), 3),
        "fastest": round(min(each["seconds"] for each in runs), 3),
        "size": int(median(each["size"] for each in runs)),
        "peak_mb": round(max(each["peak_mb"] for each in runs), 1),
    }


def _postgresql(url: URL, room: Path) -> dict[str, str]:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    dump, where = f"pg_dump -d {shlex.quote(plain)}", room / "dump"
    return {
        "pg_dump -Fc": f"{dump} -Fc -f {where}",
        "pg_dump -Fc -Z1": f"{dump} -Fc -Z1 -f {where}",
        "pg_dump -Fd -j2 -Z1": f"{dump} -Fd -j2 -Z1 -f {where}",
        "pg_dump -Fc -Z0, zstd -1": f"{dump} -Fc -Z0 | {_ZSTD} > {where}",
        "pg_dump -Fp, zstd -1": f"{dump} -Fp | {_ZSTD} > {where}",
    }


def _mariadb(url: URL, room: Path) -> dict[str, str]:
    login = f"-h {url.host} -P {url.port} -u {url.username}" + (f" -p{url.password}" if url.password else "")
    options = "--single-transaction --quick --hex-blob --order-by-primary --routines --events --triggers"
    dump = f"mariadb-dump --no-defaults {login} {options} {url.database}"
    return {"mariadb-dump, zstd -1": f"{dump} | {_ZSTD} > {room / 'dump'}"}


def _sqlite(url: URL, room: Path) -> dict[str, str]:
    copy = f"sqlite3 {url.database} '.backup {room / 'copy'}' && {_ZSTD} --rm {room / 'copy'}"
    return {"sqlite3 .backup, zstd -1": copy}


def _second(bench: Bench, room: Path) -> Json:
    """Two backups of PostgreSQL in one repository, 0.1 % of the rows updated in between, side by side."""
    url = bench.databases.url("pg", "before", bench.rows)
    say("two backups in a restic repository")
    secret = room / "password"
    secret.write_text(secrets.token_hex())
    secret.chmod(0o600)
    words = (str(room / "repository"), str(secret))
    with _copied(bench, url) as copy:
        first = _ours(room, "create", copy, *words)
        middle, share = 3 * bench.rows // 2, 3 * bench.rows // 2000
        run(copy, f"UPDATE items SET weight = weight + 1 WHERE id BETWEEN {middle} AND {middle + share}")
        second = _ours(room, "create", copy, *words)
    return {"backups": [{"name": "first", **first}, {"name": "second, 0.1 % updated", **second}]}


@contextmanager
def _copied(bench: Bench, url: str) -> Iterator[str]:
    """A database that is a copy of another, gone afterwards: it may be changed."""
    server, made = bench.databases.server("pg"), make_url(url)
    copy = made.set(database=f"{made.database}_changed").render_as_string(hide_password=False)
    server.drop(copy)
    server.run(f"CREATE DATABASE {make_url(copy).database} TEMPLATE {made.database}")
    try:
        yield copy
    finally:
        server.drop(copy)


def show(entries: Mapping[str, Json]) -> str:
    """A table for each DBMS, and one for restic."""
    shown: dict[bool, Callable[[Json], str]] = {True: _backups, False: _tables}
    return _LEGEND + "\n".join(
        f"### {'restic' if part == 'restic' else names(part)}\n\n{stamp(entry)}.\n\n"
        + shown[part == "restic"](entry)
        for part, entry in entries.items()
    )


def _tables(entry: Json) -> str:
    ours = entry["ways"][0]
    lines = (
        [
            each["name"],
            f"{each['seconds']:.2f}",
            f"{each['fastest']:.2f}",
            f"{each['seconds'] / ours['seconds']:.2f}",
            f"{each['size'] / 1e6:,.0f}",
            f"{each['peak_mb']:.0f}",
            str(each["runs"]),
        ]
        for each in entry["ways"]
    )
    text = table(("", "s", "fastest", "times ours", "MB", "peak MB", "runs"), lines)
    if entry["proofs"]:
        proofs = (
            [each["name"], f"{each['seconds']:.2f}", f"{each['peak_mb']:.0f}"] for each in entry["proofs"]
        )
        text += "\n" + table(("proof", "s", "peak MB"), proofs)
    return text


def _backups(entry: Json) -> str:
    lines = (
        [
            each["name"],
            f"{each['seconds']:.2f}",
            f"{each['raw_size'] / 1e6:,.0f}",
            f"{each['size'] / 1e6:,.0f}",
            f"{each['size'] / entry['backups'][0]['size']:.1%}",
        ]
        for each in entry["backups"]
    )
    return table(("", "s", "MB dumped", "MB added", "of the first"), lines)


SECTION = Section("backup", "A backup", PARTS, measure, show)
