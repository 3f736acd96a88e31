"""`visionforge report`: a record, or a whole cutover, as one page."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_visionforge.cli.shared import json_option, show
from pytest_visionforge.errors import RecordError

DEFAULT = Path("reports")


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=DEFAULT)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where the page goes.")
@click.option("--name", default="", metavar="PLAN", help="The plan's name, where several leave records here.")
@click.option(
    "--assets", is_flag=True, help="The style as a file beside the page: for a strict content policy."
)
@json_option
def report(path: Path, output: Path | None, name: str, assets: bool, as_json: bool) -> None:
    """Draws the newest cutover in a directory of records as one page; of one record, that record again.

    Drawn again, a record's page shows who has approved it since. What a run that was killed had found
    is drawn as well, as INCOMPLETE. Needs neither a database nor a driver.

    \b
    visionforge report
    visionforge report reports/20261124T052348Z-premigration-7f3a9c -o approved.html
    """
    from pytest_visionforge.record.index import write_index

    if not path.exists():
        raise RecordError(
            f"{path}: there is no such record or directory of records; run pytest -m premigration"
        )
    page, to = _of_records(path, name, assets) if _holds_records(path) else _of_run(path, assets)
    _write(output or to, page, assets)
    facts = {"page": str(output or to)}
    if _holds_records(path):
        facts["index"] = str(write_index(path, assets=assets))
    show(as_json, facts, "\n".join(facts.values()))


def _holds_records(path: Path) -> bool:
    """Is it a directory of records, and no record itself?"""
    from pytest_visionforge.record.partial import PARTIAL

    return path.is_dir() and not any((path / name).exists() for name in ("record.json", PARTIAL))


def _of_records(records: Path, name: str, assets: bool) -> tuple[str, Path]:
    from pytest_visionforge.record.around import around, newest_cutover
    from pytest_visionforge.record.index import CUTOVER
    from pytest_visionforge.record.page import cutover_document

    cutover = newest_cutover(records, name)
    if cutover is None:
        of = f" of the plan {name!r}" if name else ""
        raise RecordError(f"{records}: holds no record{of}; run pytest -m premigration")
    arounds = {run.id: around(run, records) for run in cutover.runs}
    page = cutover_document(cutover, arounds, assets=assets)
    return page, records / CUTOVER


def _of_run(path: Path, assets: bool) -> tuple[str, Path]:
    from pytest_visionforge.record.around import around
    from pytest_visionforge.record.page import document
    from pytest_visionforge.record.partial import read_any

    directory = (path if path.is_dir() else path.parent).resolve()
    record = read_any(directory)
    page = document(record, around(record, directory.parent), assets=assets)
    return page, directory.parent / f"{directory.name}.html"


def _write(to: Path, page: str, assets: bool) -> None:
    """The page, and its style where it is to be beside it; never into a record, which is sealed."""
    from pytest_visionforge.record.page import STYLE, stylesheet
    from pytest_visionforge.record.record import write_whole

    if (to.parent / "record.json").exists():
        raise RecordError(f"{to}: a record is sealed, nothing is added to it; name another place with -o")
    try:
        write_whole(to, page.encode())
        if assets:
            write_whole(to.with_name(STYLE), stylesheet().encode())
    except OSError as error:
        raise RecordError(f"{to}: cannot be written: {error.strerror or error}") from error
