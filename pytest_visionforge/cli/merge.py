"""`visionforge merge`: one record from those of parallel jobs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pytest_visionforge.cli.shared import json_option, show
from pytest_visionforge.errors import RecordError


@click.command()
@click.argument("parts", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--into",
    "records",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="The directory of records that the whole goes to.",
)
@json_option
def merge(parts: tuple[Path, ...], records: Path, as_json: bool) -> None:
    """Makes one record of those of parallel jobs that shared the checks of a phase.

    PARTS are records, or directories of records. Complete is what ran every check of the plan: one that
    no job ran is missing, whatever each of them selected. Exit codes are those of a run.

    \b
    visionforge merge job-1/reports job-2/reports
    """
    from pytest_visionforge import record as room
    from pytest_visionforge.record import words
    from pytest_visionforge.record.around import around
    from pytest_visionforge.record.index import write_index
    from pytest_visionforge.record.merge import finish
    from pytest_visionforge.record.merge import merge as merged
    from pytest_visionforge.record.page import document

    directory = merged([each for part in parts for each in _records(part)], records)
    found = room.read(directory)
    finish(directory, document(found, around(found, records)))
    write_index(records)
    facts = {"record": found.id, "verdict": found.verdict.value, "reasons": list(found.completeness.reasons)}
    lines = [f"{words.SYMBOLS[found.verdict]} {found.verdict}   {found.id}", f"  {words.completeness(found)}"]
    lines += [f"  - {reason}" for reason in found.completeness.reasons]
    show(as_json, facts, "\n".join(lines))
    sys.exit(found.exit_status)


def _records(part: Path) -> list[Path]:
    """The record itself, or those in a directory of records."""
    from pytest_visionforge.record.record import record_files

    if (part / "record.json").is_file():
        return [part]
    found = [path.parent for path in record_files(part)]
    if not found:
        raise RecordError(f"{part}: holds no record")
    return found
