"""Our side of pytest-html, tried with pytest-html itself."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_visionforge.errors import RecordError
from pytest_visionforge.outcome import Outcome
from pytest_visionforge.record import Record, html_report
from tests.record import samples
from tests.record.foreign_page import CONFTEST, TESTS


class _Data(HTMLParser):
    """The JSON that pytest-html's script draws its table from."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the data of the page."""
        if (text := dict(attrs).get("data-jsonblob")) is not None:
            self.data = json.loads(text)


@pytest.fixture(params=[(), ("-n", "2")], ids=["one process", "xdist"])
def written(pytester: pytest.Pytester, request: pytest.FixtureRequest) -> str:
    """The page that pytest-html writes with our functions in its hooks."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)
    root = Path(__file__).parents[2]
    pytester.makeini(f"[pytest]\npythonpath = {root}\nfilterwarnings = ignore")
    result = pytester.runpytest_subprocess(
        "-p", "no:visionforge", "--html=record.html", "--self-contained-html", *request.param
    )
    result.assert_outcomes(failed=3, xfailed=2, passed=len(samples.RESULTS) - 5)
    return (pytester.path / "record.html").read_text(encoding="utf-8")


def test_the_page_of_pytest_html(written: str) -> None:
    """The record stands in pytest-html's page, its table has our columns, and no name is a tag."""
    assert "✗</span> NO-GO</span>" in written
    assert '<h1 id="title">shop &lt;b&gt;</h1>' in written
    assert "2 Warnings" in written
    assert "Expected failures" not in written
    assert '<html lang="en">' in written
    assert 'name="viewport"' in written
    assert "pypi" not in written
    assert 'aria-label="show failed"' in written
    assert samples.EVIL not in unescape(written.partition("<body>")[0])
    parser = _Data()
    parser.feed(written)
    rows = [test for tests in parser.data["tests"].values() for test in tests]
    assert len(rows) == len(samples.RESULTS)
    assert all(samples.EVIL not in cell for row in rows for cell in row["resultsTableRow"])
    assert samples.EVIL not in json.dumps(parser.data["environment"])
    assert all(isinstance(value, str) for value in parser.data["environment"].values())
    [worst] = [row for row in rows if row["rule"] == "baseline.values"]
    assert (worst["outcome"], worst["severity"]) == ("violated", "block")
    assert worst["law"] == "No value changes that the plan does not declare."
    assert worst["result"] == "Failed"
    header = re.findall(r'data-column-type="(\w+)"', written)
    assert header[:6] == ["result", "outcome", "severity", "rule", "law", "testId"]


def test_without_its_script_only_the_record_shows(written: str) -> None:
    """The style hides everything that pytest-html leaves empty or untrue where its script did not run."""
    rule = re.search(r":not\(:has\(#results-table tbody\)\) :is\(([^)]*)\) { display: none; }", written)
    assert rule is not None
    hidden = {part.strip() for part in rule[1].split(",")}
    assert {"#results-table", "#environment", ".summary__reload", ".run-count", ".controls"} <= hidden
    assert "<tbody" not in re.sub(
        r"<template.*?</template>|<div class=\"vf .*?</section>\s*</div>", "", written, flags=re.S
    )


def test_assets_leave_the_style_out(record: Record) -> None:
    """Where inline styles are blocked the record comes without, and its classes are in the style sheet."""
    inline: list[str] = []
    html_report.results_summary(inline, record)
    assert inline[0].startswith("<style>")
    outside: list[str] = []
    html_report.results_summary(outside, record, assets=True)
    assert "<style" not in outside[0]
    assert inline[0].endswith(outside[0])


def test_a_report_carries_its_result() -> None:
    """A result goes into a report's properties and comes back out of them, without its passwords."""
    name, value = html_report.property_of(samples.UNDECIDED)
    assert "hunter2" not in value
    back = html_report.result_of(SimpleNamespace(nodeid="x", user_properties=[("other", 1), (name, value)]))
    assert back is not None
    assert back.name == samples.UNDECIDED.name
    assert back.outcome is Outcome.CANNOT_TELL


def test_a_foreign_test_keeps_its_row() -> None:
    """A test without a result has empty cells in our columns, so that the table stays a table."""
    cells = [
        '<td class="col-result">Passed</td>',
        '<td class="col-testId">a.py::test[<b>\n]</td>',
        "<td></td>",
    ]
    html_report.table_row(cells, SimpleNamespace(nodeid="a.py::test"))
    assert len(cells) == 7
    assert cells[0] == '<td class="col-result">Passed</td>'
    assert cells[1:5] == [f'<td class="col-{name}"></td>' for name in ("outcome", "severity", "rule", "law")]
    assert cells[5] == '<td class="col-testId">a.py::test[&lt;b&gt; ]</td>'


def test_a_page_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    """A page that pytest-html did not write gives one message."""
    with pytest.raises(RecordError, match="cannot be mended"):
        html_report.finish(tmp_path / "record.html")


@pytest.mark.parametrize("failed", [3, 500])
def test_a_page_of_five_hundred_checks_stays_light(pytester: pytest.Pytester, failed: int) -> None:
    """At most 300 KB: pytest-html's table leaves out passed checks first, and says how many rows it left out."""
    pytester.makepyfile(
        "import pytest\n"
        "@pytest.mark.parametrize('n', range(500))\n"
        f"def test_that_this_table_has_the_rows_that_it_had(n): assert n >= {failed}, 'x' * 100"
    )
    pytester.runpytest("-q", "--tb=line", "--html=page.html", "--self-contained-html", "-p", "no:visionforge")
    path = pytester.path / "page.html"
    heavy = path.stat().st_size
    html_report.finish(path)
    text = path.read_text("utf-8")
    assert heavy > 300_000 >= len(text.encode())
    parsed = _Data()
    parsed.feed(text)
    kept = [rows[0]["result"] for rows in parsed.data["tests"].values()]
    assert kept.count("Failed") == failed or "Passed" not in kept
    assert f"{500 - len(kept)} checks, passed ones first, are left out" in text
