"""What stands around a record: its cutover, the last run of its kind, measures, approvals."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pytest_visionforge import record as room
from pytest_visionforge.outcome import Verdict
from pytest_visionforge.record.around import Around, around, newest_cutover, news
from pytest_visionforge.record.beside import latencies, migrations
from pytest_visionforge.record.charts import panels, times
from pytest_visionforge.record.page import cutover_document, document
from pytest_visionforge.record.signature import new_key, sign
from tests.record import samples, site
from tests.record.test_page import Page


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Two cutovers."""
    site.lay_out(tmp_path / "reports")
    return tmp_path / "reports"


def found(records: Path, phase: str = "postmigration") -> Around:
    """What stands around the newest run of a phase."""
    record = room.newest(records, phase=phase)
    assert record
    return around(record, records)


def test_a_cutover_is_what_lies_between_two_beginnings(records: Path) -> None:
    """Runs and migrations from one premigration to before the next are one cutover, in order of time."""
    one = found(records)
    assert list(one.cutover.phases) == ["premigration", "migration", "postmigration", "rollback"]
    assert one.cutover.phases["migration"] == 420
    assert one.before.phases["migration"] == 300
    assert {run.started.day for run in one.cutover.runs} == {22}


def test_a_second_premigration_before_the_migration_belongs_to_the_same_cutover(tmp_path: Path) -> None:
    """Who tries again before the migration has not begun another cutover."""
    site.put(tmp_path, site.moved(samples.premigration(verdict=Verdict.NO_GO), timedelta(minutes=-9)))
    site.put(tmp_path, samples.premigration())
    assert len(found(tmp_path, "premigration").cutover.runs) == 2


def test_new_and_mended_findings_are_told(records: Path) -> None:
    """Against the last run of the same phase, each finding is new or known, and what passes again is mended."""
    record = room.newest(records, phase="postmigration")
    assert record
    one = found(records)
    told = news(record, one.last)
    assert told[site.TOTALS.nodeid] == "new since the last run"
    assert told[samples.FAILURES[0].nodeid] == "violated in the last run too"
    text = Page(document(record, one)).text
    assert "Mended since the last run ✓ schema.columns[orders]" in text
    assert text.count("new since the last run") == 1


def test_the_first_run_has_no_news(tmp_path: Path) -> None:
    """Where there is nothing to compare with, nothing is called new."""
    site.put(tmp_path, samples.record())
    assert news(samples.record(), found(tmp_path).last) == {}


def test_a_damaged_record_beside_leaves_the_page_alone(records: Path) -> None:
    """An older record that cannot be read is passed over, and no more."""
    oldest = min(records.glob("*-postmigration-*/record.json"))
    oldest.write_text("{")
    assert found(records).last is None


def test_the_watch_is_drawn_with_its_peaks(records: Path) -> None:
    """One busy second in seven minutes is still seen, of the disk the fullest; a cut line is passed over."""
    made = panels(migrations(records)[-1].looks)
    says = {panel.title: panel.says for panel in made}
    assert says["CPU of the machine"] == "at most 87 %, from 30 % to 30 %"
    assert says["Disk, free"].startswith("at least 8.6 GB")
    assert says["Sessions that wait for a lock"].startswith("at most 3")
    assert "Replication lag" not in says
    cpu = next(panel for panel in made if panel.title == "CPU of the machine")
    heights = [float(point.partition(",")[2]) for point in cpu.lines[0].split()]
    assert len(heights) <= 120
    assert min(heights) == pytest.approx(64 - 60 * 0.87, abs=0.1)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"time": 3}',
        '{"time": "2026-11-22T00:00:00Z", "cpu": NaN, "free": {"a": "b"}}',
    ],
)
def test_a_damaged_watch_draws_nothing(tmp_path: Path, line: str) -> None:
    """Lines that are no looks break no page."""
    directory = site.migration(tmp_path, samples.STARTED, seconds=1)
    (directory / "watch.jsonl").write_text(f"{line}\n" * 3)
    assert "nan" not in str(panels(migrations(tmp_path)[0].looks)).lower()


def test_a_migration_without_result_failed(tmp_path: Path) -> None:
    """One that was killed is no migration that ended well."""
    (site.migration(tmp_path, samples.STARTED, seconds=5) / "migration.json").unlink()
    assert "killed" in migrations(tmp_path)[0].failure


def test_answers_are_held_against_those_before(records: Path) -> None:
    """The median and the 95th percentile of each endpoint stand beside those before the migration."""
    (one,) = found(records).latencies
    assert one.name == "https://shop.example/orders"
    assert one.before == pytest.approx((1.0, 1.9))
    assert one.after == pytest.approx((3.1, 5.89))
    assert latencies(None, None) == ()


def test_times_are_held_against_the_last_cutover() -> None:
    """The change is told in words: longer, shorter, about the same, nothing where nothing is known."""
    phases = [("a", 14.0, 10.0), ("b", 31.0, 10.0), ("c", 5.0, 10.0), ("d", 10.5, 10.0), ("e", 1.0, None)]
    changes = [bar.change for bar in times(phases)]
    assert changes == ["▲ 40 % longer", "▲ 3.1 times as long", "▼ 50 % shorter", "about the same", ""]
    assert all(bar.width >= 1 for bar in times(phases))


def test_a_whole_cutover_is_one_page(records: Path) -> None:
    """The way, the charts and every phase's record stand on one page, what is not GO first."""
    cutover = newest_cutover(records)
    assert cutover
    text = cutover_document(cutover, {run.id: around(run, records) for run in cutover.runs})
    page = Page(text)
    assert page.open == []
    for expected in (
        "↩ ROLLED BACK",
        "migration ✓ ended well",
        "▲ 40 % longer",
        "https://shop.example/orders",
        "Sessions that wait for a lock",
        "new since the last run",
    ):
        assert expected in page.text, expected
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = {str(attrs["href"])[1:] for tag, attrs in page.tags if tag == "a"}
    assert targets <= set(ids)
    runs = [attrs["id"] for tag, attrs in page.tags if tag == "article" and "id" in attrs]
    assert [str(id).split("-")[1] for id in runs] == ["postmigration", "premigration", "rollback"]


def test_a_migration_that_failed_is_what_the_cutover_says(tmp_path: Path) -> None:
    """A GO of premigration is not what a cutover is called by whose migration failed."""
    site.put(tmp_path, samples.premigration())
    site.migration(tmp_path, samples.STARTED, seconds=3, failure="fill ended with status 1")
    cutover = newest_cutover(tmp_path)
    assert cutover
    text = Page(cutover_document(cutover, {})).text
    assert "✗ MIGRATION FAILED" in text
    assert "fill ended with status 1" in text
    assert "may start" not in text.partition("The way")[0]


def test_approvals_are_on_the_page_when_it_is_drawn_again(tmp_path: Path) -> None:
    """Who signed, what for and when; a signature that does not hold says so."""
    directory = site.put(tmp_path, samples.premigration())
    record = room.read(directory)
    assert "Nobody has signed" in document(record, around(record, tmp_path))
    new_key(tmp_path / "ana.pem")
    path = sign(directory, tmp_path / "ana.pem", "Ana P.", "go for <b>cutover</b>")
    text = Page(document(record, around(record, tmp_path))).text
    assert "✓ Ana P. go for <b>cutover</b>" in text
    path.write_text(path.read_text().replace("a", "b", 1))
    assert "✗ does not hold" in Page(document(record, around(record, tmp_path))).text


def test_a_long_message_is_read_in_a_box(records: Path) -> None:
    """A message of 4 KB is there to its last letter, and can be reached by the keyboard."""
    record = room.newest(records, phase="postmigration")
    assert record
    page = Page(document(record))
    assert " ".join(site.LONG.split()) in page.text
    assert (
        "div",
        {"class": "vf-long", "tabindex": "0", "role": "group", "aria-label": "A long message"},
    ) in page.tags
