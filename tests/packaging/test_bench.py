"""The bench: a tiny run of it, and what its figures rest on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.competitors import OURS, Competitor
from bench.data import COLUMNS, TABLE, row, rows
from bench.databases import databases, run
from bench.measure import Run, Runs
from bench.measure import run as measured
from bench.planting import planted, sixteen, spread
from bench.sections import compare
from tests import servers

ROOT = Path(__file__).parents[2]
COUNT = 2000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The bench's folder."""
    monkeypatch.setenv("BENCH_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def on_servers(
    folder: Path,
    postgresql_server: servers.Server,
    mariadb_server: servers.Server,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """The bench's folder, where its databases are on the servers of the tests."""
    named = {"VISIONFORGE_TEST_POSTGRESQL": postgresql_server, "VISIONFORGE_TEST_MARIADB": mariadb_server}
    for name, server in named.items():
        monkeypatch.setenv(name, server.admin.render_as_string(hide_password=False))
    yield folder
    for server in named.values():
        for side in ("before", "after"):
            server.drop(
                server.admin.set(database=f"vf_bench_{COUNT}_{side}").render_as_string(hide_password=False)
            )


def _bench(folder: Path, *words: str) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "bench",
        *words,
        "--rows",
        str(COUNT),
        "--runs",
        "1",
        "--out",
        str(folder),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads((folder / "results.json").read_text("utf-8")))


def test_a_pair_is_compared_and_put_back(on_servers: Path) -> None:
    """The bench says what each competitor took and named, and leaves the databases as they were."""
    entry = _bench(on_servers, "compare", "pg-mariadb")["compare pg-mariadb"]
    ours = next(each for each in entry["competitors"] if each["name"] == OURS.name)
    assert (ours["identical"]["right"], ours["identical"]["wrong"]) == (0, 0)
    assert (ours["differing"]["right"], ours["differing"]["wrong"]) == (16, 0)
    page = (on_servers / "RESULTS.md").read_text("utf-8")
    assert "### PostgreSQL and MariaDB" in page
    assert f"| {OURS.name} |" in page
    with databases() as found:
        command = OURS.command(*found.pair("pg", "mariadb", COUNT))
    assert measured(command).status == 0


def test_growth_and_baseline(folder: Path) -> None:
    """Every section gives its figures, keeps those of the others, and the page can be made anew."""
    _bench(folder, "rows", "sqlite-sqlite")
    _bench(folder, "differences", "sqlite-sqlite")
    kept = _bench(folder, "baseline", "sqlite")
    sizes, counts = kept["rows sqlite-sqlite"]["sizes"], kept["differences sqlite-sqlite"]["counts"]
    assert [(each["rows"], each["status"]) for each in sizes] == [
        (size, [0]) for size in (40, 200, 400, 1000, 2000)
    ]
    assert [each["found"] for each in counts] == ["0", "16", "1,000", "2,000"]
    assert kept["baseline sqlite"]["status"] == [0]
    page = folder / "RESULTS.md"
    written = page.read_text("utf-8")
    page.unlink()
    _bench(folder, "--show")
    assert page.read_text("utf-8") == written


def test_what_is_planted() -> None:
    """Sixteen keys: ten rows altered in one column each, NULL among them, three lost and three added."""
    known = {each.id for each in rows(COUNT)}
    planted = sixteen(COUNT)
    altered = [(each.before, each.after) for each in planted if each.before and each.after]
    changed = [[name for name, a, b in zip(COLUMNS, old, new, strict=True) if a != b] for old, new in altered]
    assert len({each.key for each in planted}) == 16
    assert {name for (name,) in changed} == set(COLUMNS[1:])
    assert any(None in (old.remark, new.remark) for old, new in altered if old.remark != new.remark)
    assert sum(each.after is None and each.key in known for each in planted) == 3
    assert sum(each.before is None and each.key not in known for each in planted) == 3


def _rows(url: str) -> list[tuple[Any, ...]]:
    return run(url, f"SELECT * FROM {TABLE} ORDER BY id")


def test_differences_are_taken_out_again(folder: Path) -> None:
    """Within the block there are as many differences as were said, after it none."""
    with databases() as found:
        before, after = found.pair("sqlite", "sqlite", COUNT)
        with planted(after, COUNT) as keys:
            assert {each[0] for each in {*_rows(before)} ^ {*_rows(after)}} == keys
        assert _rows(before) == _rows(after)
        with spread(after, COUNT, 100) as differing:
            assert len({*_rows(before)} - {*_rows(after)}) == differing == 100
        assert _rows(before) == _rows(after)


def test_a_database_that_was_left_changed_is_made_anew(folder: Path) -> None:
    """A run that ended amid its differences does not leave them to the next one."""
    with databases() as found:
        before, after = found.pair("sqlite", "sqlite", COUNT)
        with pytest.raises(KeyboardInterrupt), planted(after, COUNT):
            raise KeyboardInterrupt
        assert _rows(before) != _rows(after)
        before, after = found.pair("sqlite", "sqlite", COUNT)
        assert _rows(before) == _rows(after)
        run(after, f"DELETE FROM {TABLE} WHERE id = {row(0).id}")  # one that was cut short likewise
        before, after = found.pair("sqlite", "sqlite", COUNT)
        assert _rows(before) == _rows(after)


@pytest.mark.parametrize(
    "work", ["bytearray(200_000_000)", "import subprocess, sys; subprocess.run([{child}])"]
)
def test_a_program_is_measured(work: str) -> None:
    """Peak memory is that of the program and its children, its exit status and output its own."""
    child = "sys.executable, '-c', 'bytearray(200_000_000); import time; time.sleep(0.2)'"
    script = f"{work.format(child=child)}; import time; time.sleep(0.2); print('said'); raise SystemExit(3)"
    found = measured([sys.executable, "-c", script])
    assert 200 < found.peak_mb < 300
    assert (found.status, found.output) == (3, "said\n")
    assert found.cpu_seconds > 0
    assert found.seconds > 0.2


def test_a_program_that_is_killed_is_no_success() -> None:
    """A signal is told as one."""
    killed = measured([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
    assert killed.status == -signal.SIGKILL


def test_a_wrong_answer_is_told() -> None:
    """The worst of all runs counts: what was missed, what was invented, what could not be read."""
    competitor = Competitor("guess", _nothing, lambda output: frozenset(json.loads(output)))
    keys = frozenset({1, 2, 3})
    right, wrong, silent = (_said(output) for output in ("[1, 2, 3]", "[1, 2, 7]", "a traceback"))
    judged = [
        compare.judged(competitor, Runs(each), keys) for each in ((right,), (right, wrong), (right, silent))
    ]
    assert [(each["right"], each["wrong"]) for each in judged] == [(3, 0), (2, 1), (0, 0)]
    failed = compare.judged(competitor, Runs((_said("[1, 2, 3]", status=1, errors="Error: no"),)), keys)
    assert (failed["right"], failed["complaints"]) == (0, ["Error: no"])


def test_a_failure_is_told_whatever_the_exit_status() -> None:
    """What cannot be read is no answer, and what an error was written about is none either."""
    competitor = Competitor("guess", _nothing, lambda output: frozenset(json.loads(output)), done=(0, 1))
    assert competitor.complaint(_said("[]")) == ""
    assert competitor.complaint(_said("[1]", status=1)) == ""
    assert competitor.complaint(_said("", status=1, errors="Traceback\nKeyError: x\n")) == "KeyError: x"
    assert competitor.complaint(_said("[1", status=0)) == "it said nothing"
    assert competitor.complaint(_said("[]", errors="[10:00:00] ERROR - no\n")) == "ERROR - no"


def _nothing(source: str, target: str) -> Sequence[str]:
    return [source, target]


def _said(output: str, status: int = 0, errors: str = "") -> Run:
    return Run(1.0, 1.0, 1.0, status, output, errors)
