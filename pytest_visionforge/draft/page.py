"""A draft as a plan file: it runs as it stands, and what was guessed is commented out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from pytest_visionforge.draft.draft import Draft
from pytest_visionforge.draft.guess import Guess
from pytest_visionforge.draft.sight import Sight
from pytest_visionforge.draft.toml import key, value, words

# what lies in a folder that migrates by one of these -> the command that migrates
TOOLS = {
    "alembic.ini": "alembic upgrade head",
    "manage.py": "python manage.py migrate --no-input",
    "flyway.toml": "flyway migrate",
    "flyway.conf": "flyway migrate",
    "liquibase.properties": "liquibase update",
}

HEAD = """\
# Drafted by visionforge init on {day} from {shown}
# ({dbms}): {tables} tables, {rows} rows.
#
# It runs as it stands:   pytest -m premigration
# Every table is compared row by row, and every declared key and constraint is checked.
#
# "#name = ..." (no blank after the #) is a suggestion that held on that day. Is it meant to hold?
# Then take the # away; `visionforge explain order` says what a word asserts.
# "TODO" is what only a person knows.
"""

TAIL = """\

# ---------------------------------------------------------------- what the migration may change
# TODO whatever is not declared here must come out of the migration as it went in. For example:
#   [changes.tables.customers]
#   columns.added = ["email_verified"]"""


def page(
    draft: Draft, name: str, addresses: Sequence[str], folder: Path, variables: Sequence[str] = ()
) -> str:
    """The plan file, for `folder`; `addresses` are one or two, as they may stand in a file."""
    parts = [_head(draft, addresses[0]), *_start(name, addresses, variables), *_tables(draft), TAIL]
    return "\n".join([*parts, *_changes(draft), *_migration(folder)]) + "\n"


def _head(draft: Draft, shown: str) -> str:
    known = [sight.rows for sight in draft.sights.values()]
    head = HEAD.format(
        day=f"{draft.at:%Y-%m-%d}",
        shown=words(shown),
        dbms=f"{draft.identity.dbms} {draft.identity.version}",
        tables=f"{len(known):,}",
        rows=f"{'more than ' if None in known else ''}{sum(rows or 0 for rows in known):,}",
    )
    if draft.late:
        head += (
            "#\n# Its time was over before everything was tried: visionforge init --seconds 600 tries more.\n"
        )
    return head + "".join(f"#\n# NOT SEEN: {words(str(each))}\n" for each in draft.hidden)


def _start(name: str, addresses: Sequence[str], variables: Sequence[str]) -> Iterator[str]:
    yield f"plan = {value(name)}   # TODO the name on every record: what is migrated, and to which version"
    sections = ("database",) if len(addresses) == 1 else ("source", "target")
    for section, address in zip(sections, addresses, strict=True):
        yield f"\n[{section}]\nurl = {value(address)}"
    if variables:
        yield f"\n[environment]\nvariables = {value(list(variables))}"


def _tables(draft: Draft) -> Iterator[str]:
    yield "\n# ---------------------------------------------------------------- the tables"
    for id, sight in draft.sights.items():
        yield f"\n[tables.{key(id)}]   # {words(_facts(sight))}"
        if id in draft.keys:
            yield f"#key = {value([draft.keys[id]])}"
        elif not sight.table.key:
            yield '# TODO which columns identify a row, if any do? key = ["..."]'
        yield from _rules(draft.held.get(id, ()))


def _facts(sight: Sight) -> str:
    rows = f"not read: {sight.unread}" if sight.rows is None else f"{sight.rows:,} rows"
    size = "" if sight.size is None else f", {_size(sight.size)}"
    named = f"key {', '.join(sight.table.key)}" if sight.table.key else "no key"
    return f"{rows}{size}, {named}"


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _rules(held: Sequence[Guess]) -> Iterator[str]:
    """A line for each rule of a column; one for all of a word that takes a list."""
    for word, found in groupby(sorted(held, key=lambda each: each.word), lambda each: each.word):
        listed = []
        for each in found:
            note = f"   # {words(each.note)}" if each.note else ""
            if each.column:
                yield f"#{word}.{key(each.column)} = {value(each.value)}{note}"
            elif word == "changed_at":
                yield f"#{word} = {value(each.value)}"
            else:
                listed.append(each)
        if listed:
            notes = dict.fromkeys(each.note for each in listed if each.note)
            note = f"   # {words('; '.join(notes))}" if notes else ""
            yield f"#{word} = {value([each.value for each in listed])}{note}"


def _changes(draft: Draft) -> Iterator[str]:
    for word, tables in (("added", draft.sides.added), ("dropped", draft.sides.dropped)):
        for id in tables:
            yield f"#[changes.tables.{key(id)}]\n#{word} = true"
    for new, old in draft.sides.renamed:
        yield f"#[changes.tables.{key(new)}]\n#renamed_from = {value(old)}"


def _migration(folder: Path) -> Iterator[str]:
    command = next((command for file, command in TOOLS.items() if (folder / file).is_file()), "")
    yield "\n# ---------------------------------------------------------------- how it is migrated"
    yield "# TODO the command, for visionforge cutover; whoever runs it by hand leaves it out."
    if command:
        yield f"#[migration]\n#command = {value(command)}"
    yield "\n#[backup]"
    yield '#directory = "backups"   # TODO on another disk than the database\'s'
    yield '#keep = { last = 7, within = "30d" }'
