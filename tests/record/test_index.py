"""The list of runs: every run with its verdict, what is new, and the trend."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_visionforge import record as room
from pytest_visionforge.outcome import Verdict
from pytest_visionforge.record.index import index, write_index
from pytest_visionforge.record.partial import Partial
from tests.record import samples, site
from tests.record.test_page import Page


def rows(text: str) -> list[str]:
    """The lines of the table of runs."""
    body = re.findall(r"<tr><th scope=\"row\">.*?</tr>", text, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in body]


def test_every_run_is_listed_with_its_verdict(tmp_path: Path) -> None:
    """The newest first: verdict, how complete, what was found, and what is new since the last of its kind."""
    site.lay_out(tmp_path)
    text = write_index(tmp_path).read_text()
    found = rows(text)
    assert len(found) == 6
    assert found[0].startswith("2026-11-22 02:16:12Z ✓ GO rollback")
    assert "✗ NO-GO postmigration 42 of 45 4 violated · 1 undecided · 2 warned 1 new · 1 gone" in found[1]
    assert "the same" in found[2]
    assert "the first run" in found[-1]
    assert 'href="20261122T020912Z-postmigration-7f3a9c/record.html"' in text
    assert "0 of 2 runs GO; findings 7 at first, 7 in the last" in text
    assert Page(text).open == []


def test_a_killed_run_is_listed_as_incomplete(tmp_path: Path) -> None:
    """A run that left no record is no hole in the list, with what it had found where that is known."""
    site.put(tmp_path, samples.premigration())
    (tmp_path / "20261122T030000Z-premigration-dead00").mkdir()
    head = {
        "plan": "shop",
        "plan_sha256": "0",
        "phase": "premigration",
        "started": "2026-11-22T04:00:00+00:00",
    }
    Partial(tmp_path / "20261122T040000Z-premigration-dead01", head, ["a", "b"])
    found = rows(index(tmp_path))
    assert "◐ INCOMPLETE premigration 0 of 2 killed, or under way" in found[0]
    assert "◐ INCOMPLETE premigration killed, or under way" in found[1]


def test_a_damaged_record_is_listed_as_such(tmp_path: Path) -> None:
    """A record that cannot be read is told, not left out."""
    (site.put(tmp_path, samples.premigration()) / "record.json").write_text("{}")
    assert "cannot be read" in rows(index(tmp_path))[0]


def test_names_in_the_list_are_text(tmp_path: Path) -> None:
    """A plan named like a tag is shown, not obeyed."""
    for number in range(2):
        site.put(
            tmp_path, samples.premigration(plan=samples.EVIL, id=samples.premigration().id[:-1] + str(number))
        )
    text = index(tmp_path)
    assert samples.EVIL not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") >= 3


@pytest.mark.parametrize("count", [0, 70])
def test_a_long_list_is_cut_and_says_so(tmp_path: Path, count: int) -> None:
    """Nothing at all is a list, and of many runs the older ones are counted."""
    for number in range(count):
        id = f"202611{1 + number // 24:02}T{number % 24:02}0000Z-premigration-aaaaaa"
        room.write(samples.premigration(id=id, results=samples.GOOD[:1], verdict=Verdict.GO), tmp_path)
    text = index(tmp_path)
    assert len(rows(text)) == min(count, 60)
    assert ("10 older runs not shown" in text) == (count == 70)
