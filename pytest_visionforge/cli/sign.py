"""`visionforge key`, `sign`, `approve` and `verify`: who vouches for a record, and whether it is unchanged."""

from __future__ import annotations

import getpass
import json
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_visionforge.cli.shared import json_option, show
from pytest_visionforge.errors import BackupError, RecordError, VisionForgeError

if TYPE_CHECKING:
    from pytest_visionforge.record.signature import Signature

ALTERED = 1
key_option = click.option(
    "--key",
    type=click.Path(path_type=Path),
    required=True,
    envvar="VISIONFORGE_KEY",
    metavar="PATH",
    help="The private key (PEM); or VISIONFORGE_KEY.",
)
record_argument = click.argument("record", type=click.Path(path_type=Path))


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--password", is_flag=True, help="Ask for a password that protects the key.")
@json_option
def key(path: Path, password: bool, as_json: bool) -> None:
    """Makes an Ed25519 key, and prints the line that goes into the plan.

    \b
    visionforge key ana.pem --password
    """
    from pytest_visionforge.record.signature import new_key

    secret = _password(again=True) if password else ""
    public = new_key(path, secret)
    into_the_plan = f"[record]\nsigners.{_bare(path.stem)} = {json.dumps(public)}"
    words = f"{path} is the private key: keep it to yourself. Into the plan goes:\n\n{into_the_plan}"
    show(as_json, {"private": str(path), "public": public, "plan": into_the_plan}, words)


def _password(again: bool = False) -> str:
    """Asked for where it can be seen, and is not in the way of what a program reads."""
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=again, err=True))


def _bare(name: str) -> str:
    """A name as a key of TOML."""
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else json.dumps(name)


@click.command()
@record_argument
@key_option
@json_option
def sign(record: Path, key: Path, as_json: bool) -> None:
    """Signs a record as it is, in the name of the machine that made it.

    \b
    visionforge sign reports/20261124T052348Z-premigration-7f3a9c --key ci.pem
    """
    _sign(record, key, f"{getpass.getuser()}@{platform.node()}", "made by this run", as_json)


@click.command()
@record_argument
@key_option
@click.option("--as", "by", required=True, metavar="NAME", help="Who approves.")
@click.option("--meaning", required=True, metavar="TEXT", help="What for.")
@json_option
def approve(record: Path, key: Path, by: str, meaning: str, as_json: bool) -> None:
    """Signs a record in a person's name, and says what for. Several may.

    \b
    visionforge approve reports/20261124T052348Z-premigration-7f3a9c \\
        --as "Ana P." --meaning "go for cutover" --key ana.pem
    """
    _sign(record, key, by, meaning, as_json)


def _sign(record: Path, key: Path, by: str, meaning: str, as_json: bool) -> None:
    from pytest_visionforge import record as room
    from pytest_visionforge.record.signature import sign as signed

    directory = _directory(record)
    path = signed(directory, key, by, meaning, _password)
    facts = {
        "record": directory.name,
        "verdict": room.read(directory).verdict.value,
        "by": by,
        "meaning": meaning,
        "signature": str(path),
    }
    show(as_json, facts, f"{directory.name} ({facts['verdict']}) is signed by {by}: {meaning}\n{path}")


@click.command()
@record_argument
@json_option
def verify(record: Path, as_json: bool) -> None:
    """Finds any byte that was changed in a record, its backup or its journals since they were written.

    \b
    visionforge verify reports/20261124T052348Z-premigration-7f3a9c

    Exit codes: 0 unchanged, 1 changed, 3 it cannot be told.
    """
    directory = _directory(record)
    signed = _signatures(directory)
    differs = [*_differences(directory), *(each.wrong for each in signed if each.wrong)]
    facts = {
        "record": directory.name,
        "unchanged": not differs,
        "differs": differs,
        "backup_is_gone": _is_gone(directory),
        "signatures": [{"by": s.by, "meaning": s.meaning, "at": s.at} for s in signed if not s.wrong],
    }
    lines = [*_told(directory.name, differs, signed)]
    if facts["backup_is_gone"]:
        lines.append("    its backup is no longer there, so that was not looked at")
    show(as_json, facts, "\n".join(lines))
    sys.exit(ALTERED if differs else 0)


def _is_gone(directory: Path) -> bool:
    """Backups are retired; a record stays."""
    facts = _backup_facts(directory)
    return bool(facts) and not Path(facts["path"]).is_dir()


def _signatures(directory: Path) -> tuple[Signature, ...]:
    from pytest_visionforge.record.evidence import SIGNATURES
    from pytest_visionforge.record.signature import signatures

    return signatures(directory) if (directory / SIGNATURES).is_dir() else ()


def _told(name: str, differs: list[str], signed: tuple[Signature, ...]) -> Iterator[str]:
    if differs:
        yield f"{click.style('✗', fg='red')} {name} is not what was written:"
        yield from (f"    {sentence}" for sentence in differs)
    else:
        yield f"{click.style('✓', fg='green')} {name}: every file is what was written"
    for each in signed:
        if not each.wrong:
            yield f"    signed by {each.by} ({each.at}): {each.meaning}"


def _differences(directory: Path) -> Iterator[str]:
    """Record, chain of records, backup and journal, each by its own means."""
    from pytest_visionforge import record as room
    from pytest_visionforge.record.retention import PRUNED

    yield from room.verify(directory)
    yield from room.broken_chain(directory.parent)
    if (directory.parent / PRUNED).exists():
        yield from _journal_differences(directory.parent / PRUNED)
    facts = _backup_facts(directory)
    if facts and Path(facts["path"]).is_dir():
        yield from _backup_differences(Path(facts["path"]), facts.get("sha256", ""))


def _backup_facts(directory: Path) -> dict[str, str]:
    from pytest_visionforge import record as room

    try:
        facts = room.read(directory).backup
    except RecordError:
        return {}  # told by what reads the record
    return {name: str(value) for name, value in facts.items()} if facts.get("path") else {}


def _backup_differences(path: Path, sha256: str) -> Iterator[str]:
    from pytest_visionforge import backup
    from pytest_visionforge.backup.catalogue import JOURNAL
    from pytest_visionforge.backup.verify import check_hashes

    try:
        found = backup.find(path.parent, path.name)
        if found.manifest.sha256 != sha256:
            yield f"backup: its manifest is {found.manifest.sha256[:12]}, the record names {sha256[:12]}"
        check_hashes(found, lambda words: None)
    except BackupError as error:
        yield f"backup: {error}"
    yield from _journal_differences(path.parent / JOURNAL)


def _journal_differences(path: Path) -> Iterator[str]:
    from pytest_visionforge.cutover import journal

    try:
        journal.verify(path)
    except VisionForgeError as error:
        yield f"journal: {error}"


def _directory(record: Path) -> Path:
    """The record's directory: named itself, by its record.json, or by its id below reports/."""
    for path in (record, record.parent, Path("reports") / record):
        if (path / "record.json").is_file():
            return path.resolve()
    raise RecordError(f"{record}: there is no record.json; name the record's directory")
