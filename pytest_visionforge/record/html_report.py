"""Our side of pytest-html: the record in its summary, our columns in its table, its gaps closed.

pytest-html 4.2 puts test ids and environment values into the page as they are, links to an
external address, gives the page no language and no viewport, leaves its filters without a name,
and shows nothing without scripts.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Protocol

from pytest_visionforge.errors import RecordError
from pytest_visionforge.outcome import Result
from pytest_visionforge.record.around import Around
from pytest_visionforge.record.mask import masked
from pytest_visionforge.record.page import page, stylesheet
from pytest_visionforge.record.record import Record, write_whole
from pytest_visionforge.record.words import visible

PROPERTY = "visionforge"
_COLUMNS = ("outcome", "severity", "rule", "law")
_HEAVY = 300_000  # bytes of a page: what its own table repeats beyond that is left out
_BLOB = re.compile(r'data-jsonblob="([^"]*)"')
_TABLE = '<table id="results-table">'
_REACHED = '<table id="results-table" tabindex="0">'  # on a narrow screen it scrolls, by the keyboard too
_FILTER = re.compile(r'<input [^>]*name="filter_checkbox"[^>]*data-test-result="(\w+)"')
_TEST_ID = '<td class="col-testId">'


class _TestReport(Protocol):
    """What is read of a pytest report."""

    nodeid: str


class _ReportData(Protocol):
    """What is read and written of pytest-html's report."""

    title: str
    outcomes: Any


def report_title(report: _ReportData, record_title: str) -> None:
    """Name the page, and call what is reported but does not close the gate by its name."""
    report.title = visible(record_title)
    report.outcomes["xfailed"]["label"] = "Warnings"


def results_summary(
    prefix: list[str],
    record: Record,
    around: Around = Around(),  # noqa: B008
    *,
    assets: bool = False,
) -> None:
    """Put the record into the summary; with `assets` its style is a file beside the page instead.

    Where scripts and inline styles are blocked, give `stylesheet()` to pytest-html by `--css`.
    """
    style = "" if assets else f"<style>\n{stylesheet()}</style>"
    prefix.append(style + page(record, around))


def table_header(cells: list[str]) -> None:
    """Add our columns to the header of the table, after the result."""
    cells[1:1] = [
        f'<th scope="col" class="sortable" data-column-type="{name}">{name.capitalize()}</th>'
        for name in _COLUMNS
    ]


def table_row(cells: list[str], report: _TestReport) -> None:
    """Add our columns to a row, and escape its test id; a test of somebody else has empty ones."""
    result = result_of(report)
    facts = (result.outcome, result.severity, result.rule, result.law) if result else ("",) * 4
    cells[:] = [_escaped_id(cell) for cell in cells]
    cells[1:1] = [
        f'<td class="col-{name}">{_one_line(fact)}</td>' for name, fact in zip(_COLUMNS, facts, strict=True)
    ]


def result_of(report: _TestReport) -> Result | None:
    """The result that a report carries in its `user_properties`; None where it has none."""
    for name, value in getattr(report, "user_properties", ()):
        if name == PROPERTY:
            return Result.from_json(json.loads(value))
    return None


def property_of(result: Result) -> tuple[str, str]:
    """The property that carries a result in a report, also from worker to controller and into JUnit."""
    return PROPERTY, json.dumps(masked(result.as_json()))


def escape_environment(metadata: MutableMapping[str, Any]) -> None:
    """Escape the values of pytest-metadata in place, each on one line: pytest-html does not."""
    for key, value in metadata.items():
        metadata[key] = _escaped(value)


def finish(path: Path) -> None:
    """Mend what no hook reaches in a page that pytest-html wrote: language, viewport, external link, weight."""
    try:
        text = path.read_text(encoding="utf-8")
        write_whole(path, _lightened(_mended(text)).encode())
    except OSError as error:
        raise RecordError(f"{path}: cannot be mended: {error.strerror or error}") from error


def _mended(text: str) -> str:
    head, body, rest = text.partition("<body>")
    head = head.replace("<html>", '<html lang="en">', 1).replace(
        '<meta charset="utf-8"/>',
        '<meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>',
        1,
    )
    rest = re.sub(r'<a href="https?://[^"]*">(pytest-html)</a>', r"\1", rest, count=1)
    rest = rest.replace(_TABLE, _REACHED, 1)
    return head + body + _FILTER.sub(r'\g<0> aria-label="show \1"', rest)


def _lightened(text: str) -> str:
    """A heavy page without the rows of pytest-html's table that there is no room for: passed ones first.

    Our part tells every check already; the table repeats them, to be sorted.
    """
    size, found = len(text.encode()), _BLOB.search(text)
    if size <= _HEAVY or not found:
        return text
    data = json.loads(html.unescape(found[1]))
    room = (
        _HEAVY - (size - len(found[1].encode())) - len(html.escape(json.dumps({**data, "tests": {}}))) - 500
    )
    kept, tests = {}, data["tests"]
    for name in sorted(tests, key=lambda name: tests[name][0]["result"] == "Passed"):
        room -= len(html.escape(json.dumps({name: tests[name]})).encode())
        if room < 0:
            break
        kept[name] = tests[name]
    left_out = len(tests) - len(kept)
    blob = html.escape(json.dumps({**data, "tests": kept}))
    note = f'<p class="vf-left-out">{left_out:,} checks, passed ones first, are left out of this table.</p>'
    return text.replace(found[0], f'data-jsonblob="{blob}"', 1).replace(_REACHED, note + _REACHED, 1)


def _escaped(value: Any) -> str:
    """On one line, escaped: pytest-html makes lists of what is nested, and not in HTML that is one."""
    if isinstance(value, dict):
        return ", ".join(f"{_one_line(key)} {_escaped(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_escaped, value))
    return _one_line(value)


def _escaped_id(cell: str) -> str:
    if not cell.startswith(_TEST_ID):
        return cell
    return f"{_TEST_ID}{_one_line(cell.removeprefix(_TEST_ID).removesuffix('</td>'))}</td>"


def _one_line(value: object) -> str:
    """Escaped, and on one line: pytest-html sorts only by cells that are."""
    return html.escape(visible(" ".join(str(value).split())))
