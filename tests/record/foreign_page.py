"""A page of pytest-html with our functions in its hooks, as pytest-html itself writes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFTEST = """
from pathlib import Path
import pytest
from pytest_visionforge.record import html_report
from tests.record import samples

def pytest_generate_tests(metafunc):
    metafunc.parametrize("found", samples.RESULTS, ids=[each.name for each in samples.RESULTS])

def pytest_itemcollected(item):
    item.user_properties.append(html_report.property_of(item.callspec.params["found"]))

def pytest_html_report_title(report):
    html_report.report_title(report, "shop <b>")

def pytest_html_results_summary(prefix):
    html_report.results_summary(prefix, samples.record())

def pytest_html_results_table_header(cells):
    html_report.table_header(cells)

def pytest_html_results_table_row(report, cells):
    html_report.table_row(cells, report)

def pytest_metadata(metadata):
    metadata["Table"] = samples.EVIL
    metadata["Tables"] = {samples.EVIL: [samples.EVIL]}

@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session):
    from pytest_metadata.plugin import metadata_key
    html_report.escape_environment(session.config.stash[metadata_key])

def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        html_report.finish(Path(config.option.htmlpath))
"""
TESTS = """
import pytest
from pytest_visionforge.outcome import Outcome

def test_it(found):
    if found.outcome is Outcome.WARNED:
        pytest.xfail("warned")
    assert found.outcome is not Outcome.VIOLATED
"""


def write(folder: Path) -> str:
    """Runs tests whose page pytest-html writes, in a folder; the page."""
    folder.mkdir()
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(TESTS)
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\nfilterwarnings = ignore")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:visionforge", "-p", "no:cacheprovider"]
    subprocess.run(
        [*command, "--html=record.html", "--self-contained-html"],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    return (folder / "record.html").read_text(encoding="utf-8")
