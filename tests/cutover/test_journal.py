"""The journal: every begin and end, in a chain in which no line can be altered, lost, added or moved."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_visionforge.cutover import journal
from pytest_visionforge.cutover.journal import GENESIS, Head, Journal
from pytest_visionforge.errors import RecordError
from tests.soak import examples


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a journal with three actions."""
    path = tmp_path / "journal.jsonl"
    for number in range(3):
        with Journal(path).step("backup create", "shop", backup=f"b{number}") as end:
            end["rows"] = number
    return path


def test_begin_and_end_are_written_in_order(path: Path) -> None:
    """Each action is a begin with its facts and an end with what came of it."""
    entries = list(journal.read(path))
    assert [(entry.seq, entry.phase, entry.result) for entry in entries] == [
        (number, phase, result)
        for number, (phase, result) in enumerate([("begin", ""), ("end", "ok")] * 3, 1)
    ]
    assert entries[4].facts == {"backup": "b2"}
    assert entries[5].facts == {"rows": 2}
    assert entries[0].prev == GENESIS
    assert journal.verify(path) == Head(6, entries[-1].hash)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_failure_is_an_end_too(path: Path) -> None:
    """What fails is written as failed, with its reason, and goes on failing."""
    with pytest.raises(ValueError, match="no luck"), Journal(path).step("restore", "shop"):
        raise ValueError("no luck")
    last = list(journal.read(path))[-1]
    assert (last.result, last.facts["error"], last.facts["says"]) == ("failed", "ValueError", "no luck")
    assert journal.unfinished(path) == ()


def test_what_never_ended_is_found(path: Path) -> None:
    """An action that was begun and not ended is what a crash left open."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    [open_entry] = journal.unfinished(path)
    assert open_entry.facts == {"backup": "b2"}
    assert journal.unfinished(path.with_name("missing")) == ()


DAMAGE: dict[str, tuple[Callable[[list[bytes]], list[bytes]], int]] = {
    "altered": (lambda lines: [*lines[:2], lines[2].replace(b"shop", b"shed"), *lines[3:]], 3),
    "removed": (lambda lines: lines[:2] + lines[3:], 3),
    "the first removed": (lambda lines: lines[1:], 1),
    "added": (lambda lines: [*lines[:2], lines[1], *lines[2:]], 3),
    "moved": (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 2),
    "cut": (lambda lines: [*lines[:-1], lines[-1][:-9]], 6),
    "a blank": (lambda lines: [*lines[:3], b"\n", *lines[3:]], 4),
    "spaces": (lambda lines: [lines[0].replace(b":", b": ", 1), *lines[1:]], 1),
    "not JSON": (lambda lines: [*lines[:4], b"hello\n", *lines[4:]], 5),
    "nested": (lambda lines: [b"[" * 100_000 + b"\n", *lines], 1),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_the_broken_line_is_named(path: Path, name: str) -> None:
    """A line that was altered, removed, added, moved or cut is named."""
    damage, line = DAMAGE[name]
    path.write_bytes(b"".join(damage(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(RecordError, match=f"line {line}: "):
        journal.verify(path)


@settings(max_examples=examples(80), deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_flipped_bit_hides(place: float, bit: int) -> None:
    """One flipped bit anywhere in a journal breaks its chain."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "journal.jsonl"
        for number in range(3):
            with Journal(path).step("act", "shop", number=number):
                pass
        content = bytearray(path.read_bytes())
        content[int(place * len(content))] ^= 1 << bit
        path.write_bytes(content)
        with pytest.raises(RecordError):
            journal.verify(path)


def test_an_unfinished_write_is_taken_off_by_the_next(path: Path) -> None:
    """A line that a crash cut in the middle was never acknowledged: the next writer says that it was there."""
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"action":"back')
    with pytest.raises(RecordError, match="line 7: "):
        journal.verify(path)
    with Journal(path).step("act", "shop"):
        pass
    assert journal.verify(path).entries == 8
    assert list(journal.read(path))[6].facts == {"torn_bytes": 15}
    assert path.read_bytes().startswith(whole)


def test_an_unfinished_write_is_mended_before_it_is_read(path: Path) -> None:
    """Who wants to go on after a crash mends the journal first: the chain holds, and says so; a whole one stays."""
    whole = path.read_bytes()
    Journal(path).mend()
    assert path.read_bytes() == whole
    path.write_bytes(whole + b'{"action":"back')
    Journal(path).mend()
    assert journal.verify(path).entries == 8
    assert [entry.action for entry in journal.read(path)][-1] == "journal mended"
    Journal(path.with_name("none.jsonl")).mend()
    assert not path.with_name("none.jsonl").exists()


def _write(path: Path, times: int) -> None:
    for number in range(times):
        with Journal(path).step("act", "shop", number=number):
            pass


def test_many_may_write_at_once(tmp_path: Path) -> None:
    """Processes that write at once make one chain, with all that each has written."""
    path = tmp_path / "journal.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(path, 20)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert journal.verify(path).entries == 3 * 20 * 2
    assert journal.unfinished(path) == ()


def test_a_full_disk_leaves_the_chain_whole(path: Path) -> None:
    """What does not fit is not written at all, and said; the chain before it holds."""
    import resource

    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, hard))
    try:
        with pytest.raises(RecordError, match="cannot be written"), Journal(path).step("act", "shop"):
            raise AssertionError("an action began without its begin in the journal")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A journal that is a link to something else is not written."""
    (tmp_path / "target").write_text("mine")
    (tmp_path / "journal.jsonl").symlink_to(tmp_path / "target")
    with (
        pytest.raises(RecordError, match="cannot be written"),
        Journal(tmp_path / "journal.jsonl").step("a", "b"),
    ):
        pass
    assert (tmp_path / "target").read_text() == "mine"
