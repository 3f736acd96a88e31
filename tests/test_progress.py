"""Word of long work, as much as helps."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from pytest_visionforge.progress import Progress, in_words


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
