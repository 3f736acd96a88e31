"""Word of long work, as much as helps."""

from __future__ import annotations

import io
import os
import pty
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from pytest_visionforge.progress import Progress, in_words


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where these tests run has no say."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _clock(*times: float) -> Callable[[], float]:
    left = list(times)
    return lambda: left.pop(0)


def test_what_is_done_soon_needs_no_word() -> None:
    """In the first two seconds nothing is said."""
    out = io.StringIO()
    Progress(out, _clock(0, 1.9))("orders")
    assert out.getvalue() == ""


def test_a_log_gets_a_line_every_ten_seconds() -> None:
    """Elsewhere than on a terminal, lines are whole and few."""
    out = io.StringIO()
    tell = Progress(out, _clock(0, 3, 8, 14))
    for message in ("one", "two", "three"):
        tell(message)
    assert out.getvalue() == "  one\n  three\n"


def test_a_terminal_has_one_line_that_goes_away() -> None:
    """On a terminal the line changes in place, and is gone at the end."""
    out = _Terminal()
    with Progress(out, _clock(0, 3, 4)) as tell:
        tell("one")
        tell("two")
    assert "\n" not in out.getvalue()
    assert out.getvalue().endswith("\r\x1b[2K")


def test_the_end_is_told_where_it_is_known() -> None:
    """With the time that it took before, each word says what is left; where that is past, it says so."""
    out = io.StringIO()
    with Progress(out, _clock(0, 3, 14, 300), expected=200) as tell:
        for message in ("one", "two", "three"):
            tell(message)
    assert out.getvalue() == (
        "  one (about 3 min left)\n  two (about 3 min left)\n  three (it takes longer than last time)\n"
    )


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (45, "45 s"), (100, "2 min"), (4000, "67 min"), (9000, "2.5 h")]
)
def test_times_are_in_words(seconds: float, words: str) -> None:
    """Nobody reads 9,000 seconds."""
    assert in_words(seconds) == words


LONG_WORK = """
import sys
from pytest_visionforge.progress import Progress
times = iter(range(0, 200, 4))
with Progress(sys.stderr, lambda: next(times)) as tell:
    for share in range(0, 101, 25):
        tell(f"orders: {share} %, {share * 1000:,} of 100,000 rows")
"""


def _on_a_terminal(**variables: str) -> str:
    """What long work writes on a real terminal of 100 columns."""
    ours, theirs = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR")}
    environ |= {"TERM": "xterm", "COLUMNS": "100", **variables}
    subprocess.run([sys.executable, "-c", LONG_WORK], stderr=theirs, env=environ, check=True, timeout=60)
    os.close(theirs)
    found = b""
    with suppress(OSError):  # so Linux tells that nobody writes there any more
        while part := os.read(ours, 4096):
            found += part
    os.close(ours)
    return found.decode()


def test_a_terminal_shows_a_bar_that_grows_and_goes_away() -> None:
    """On a pty each word has a bar as long as its share, on one line, and the line is empty at the end."""
    said = _on_a_terminal()
    assert "\n" not in said
    assert [bar.count("#") for bar in re.findall(r"\[([#-]{20})\]", said)] == [0, 5, 10, 15, 20]
    assert "75 %, 75,000 of 100,000 rows" in said
    assert said.endswith("\r\x1b[2K")


def test_a_narrow_terminal_keeps_one_line() -> None:
    """The line is cut to the width of the terminal, so that it can be written over."""
    shown = re.split(r"\r\x1b\[2K", _on_a_terminal(COLUMNS="40"))
    assert max(map(len, shown)) == 39


@pytest.mark.parametrize("variables", [{"CI": "true"}, {"CI": "1"}, {"TERM": "dumb"}])
def test_ci_and_a_terminal_that_cannot_go_back_get_lines(variables: dict[str, str]) -> None:
    """A pty in CI, or a dumb one, gets whole lines ten seconds apart, without a bar and without an escape."""
    said = _on_a_terminal(**variables)
    assert "\x1b" not in said
    assert "#" not in said
    assert [line.split()[1] for line in said.splitlines()] == ["0", "75"]


def test_no_color_is_honoured() -> None:
    """With NO_COLOR nothing is coloured, and neither is it without: only the line is taken away."""
    for variables in ({"NO_COLOR": "1"}, {}):
        assert set(re.findall(r"\x1b\[[^A-Za-z]*[A-Za-z]", _on_a_terminal(**variables))) == {"\x1b[2K"}


def test_the_name_of_a_table_cannot_steer_the_terminal() -> None:
    """Signs that are no characters are shown as question marks."""
    out = _Terminal()
    with Progress(out, _clock(0, 3)) as tell:
        tell("a\x1b[2Jtable\nfrom hell")
    assert "a?[2Jtable?from hell" in out.getvalue()


def test_a_far_end_is_told_by_the_clock() -> None:
    """What takes long is told with the hour of its end; the bar is that of the time."""
    out = _Terminal()
    with Progress(out, _clock(0, 3000), expected=6000) as tell:
        tell("copying")
    assert re.search(r"\[#{10}-{10}\] copying \(about 50 min left, until \d\d:\d\d\)", out.getvalue())


PLAN = 'plan = "shop"\n[database]\nurl = "sqlite:///shop.db"\n'
AT_ONCE = """
import pytest_visionforge.progress as progress
progress.PATIENCE = progress.PAUSE_TERMINAL = progress.PAUSE_LOG = 0.0
"""


def test_long_checks_are_heard_past_pytests_capturing(tmp_path: Path) -> None:
    """Before and after the migration, with output captured, each table says how far it is; the checks go on."""
    (tmp_path / "visionforge.toml").write_text(PLAN)
    (tmp_path / "conftest.py").write_text(AT_ONCE)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        connection.execute("CREATE TABLE goods (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute("INSERT INTO goods VALUES (1, 'a'), (2, 'b')")
    for phase in ("premigration", "postmigration"):
        command = [sys.executable, "-m", "pytest", "-m", phase, "visionforge.toml", "-p", "no:cacheprovider"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert re.search("^  goods: .*2 rows", done.stderr, re.M), done.stderr
        assert "visionforge: GO" in done.stdout
