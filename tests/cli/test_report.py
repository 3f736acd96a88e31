"""`visionforge report`: a cutover, a record, a run that was killed, as one page."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_visionforge import record as room
from pytest_visionforge.cli import cli
from pytest_visionforge.errors import RecordError
from tests.record import samples, site


def report(*arguments: object) -> str:
    """What the command prints; raises what it raised."""
    done = CliRunner().invoke(cli, ["report", *map(str, arguments)])
    if done.exception:
        raise done.exception
    return done.output


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Two cutovers."""
    site.lay_out(tmp_path / "reports")
    return tmp_path / "reports"


def test_a_directory_of_records_gives_the_newest_cutover_and_the_list(records: Path) -> None:
    """Both pages are there, and each record is still what was sealed."""
    assert report(records).split() == [str(records / "cutover.html"), str(records / "index.html")]
    assert "ROLLED BACK" in (records / "cutover.html").read_text()
    assert 'href="cutover.html"' in report(records) + (records / "index.html").read_text()
    assert all(room.verify(path.parent) == () for path in records.glob("*/record.json"))
    assert room.broken_chain(records) == ()


def test_a_record_is_drawn_again_beside_itself(records: Path) -> None:
    """The page goes beside the record, which is sealed; into it goes nothing."""
    (directory,) = records.glob("20261122*-postmigration-*")
    page = Path(report(directory).strip())
    assert page.parent == records
    assert "new since the last run" in page.read_text()
    with pytest.raises(RecordError, match="a record is sealed"):
        report(directory, "-o", directory / "more.html")
    assert room.verify(directory) == ()


def test_the_style_goes_beside_the_page_where_that_is_asked_for(records: Path) -> None:
    """With --assets no page has a style inside, and the file is there."""
    report(records, "--assets")
    for name in ("cutover.html", "index.html"):
        text = (records / name).read_text()
        assert "<style" not in text
        assert '<link rel="stylesheet" href="visionforge.css">' in text
    assert (records / "visionforge.css").read_text().startswith("/*")


def test_what_is_not_there_is_one_message(records: Path, tmp_path: Path) -> None:
    """No record, no such plan, no such place: each is told as what it is."""
    with pytest.raises(RecordError, match="holds no record of the plan 'bank'"):
        report(records, "--name", "bank")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordError, match="holds no record; run pytest"):
        report(tmp_path / "empty")
    with pytest.raises(RecordError, match="there is no such record"):
        report(tmp_path / "nowhere")
    with pytest.raises(RecordError, match="cannot be written"):
        report(records, "-o", tmp_path / "nowhere" / "page.html")


def test_two_plans_in_one_directory_are_two_cutovers(records: Path) -> None:
    """Named, the other plan's cutover is drawn; unnamed, the newest one's."""
    bank = samples.premigration(plan="bank", id="20261123T000000Z-premigration-aaaaaa")
    site.put(records, bank)
    report(records)
    assert "bank" in (records / "cutover.html").read_text()
    report(records, "--name", samples.record().plan)
    assert "bank" not in (records / "cutover.html").read_text()
