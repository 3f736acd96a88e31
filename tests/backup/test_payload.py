"""Payloads: what was written comes back, and nothing else does."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_visionforge.backup import payload, stores
from pytest_visionforge.errors import BackupError
from pytest_visionforge.plan.values.sections import Store
from tests.soak import examples

PLAIN = Store()
TEXT = b"".join(b"row %d\n" % number for number in range(5000))


def _written(directory: Path, *chunks: bytes, name: str = "full") -> payload.File:
    stored: list[payload.File] = []
    with stores.writing(PLAIN, directory, "id", name, stored) as writer:
        for chunk in chunks:
            writer.write(chunk)
    return stored[0]


def _read(directory: Path, file: payload.File) -> bytes:
    with stores.reading(PLAIN, directory, file) as raw:
        return b"".join(iter(raw.read, b""))


@settings(max_examples=examples(40), deadline=None)
@given(chunks=st.lists(st.binary(max_size=5000), max_size=8))
def test_what_was_written_is_read(chunks: list[bytes]) -> None:
    """A payload comes back as it was, whatever its bytes and however they arrived."""
    with tempfile.TemporaryDirectory() as name:
        file = _written(Path(name), *chunks)
        stores.check_hash(PLAIN, Path(name), file)
        assert _read(Path(name), file) == b"".join(chunks)
        assert file.raw_size == sum(map(len, chunks))


@settings(max_examples=examples(60), deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_flipped_bit_is_hashed_as_sound(place: float, bit: int) -> None:
    """One flipped bit anywhere in a payload is seen by its hash, and never decompresses to something else."""
    with tempfile.TemporaryDirectory() as name:
        file = _written(Path(name), TEXT)
        path = Path(name) / file.name
        content = bytearray(path.read_bytes())
        content[int(place * len(content))] ^= 1 << bit
        path.write_bytes(content)
        with pytest.raises(BackupError, match="was altered"):
            stores.check_hash(PLAIN, Path(name), file)
        with suppress(BackupError):
            assert _read(Path(name), file) == TEXT


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_cut_payload_is_refused(tmp_path: Path, share: float) -> None:
    """A payload that lost its end, half of it or all of it is refused by hash and by decoding."""
    file = _written(tmp_path, TEXT)
    path = tmp_path / file.name
    path.write_bytes(path.read_bytes()[: int(share * file.size)])
    with pytest.raises(BackupError, match="bytes, the manifest says"):
        stores.check_hash(PLAIN, tmp_path, file)
    with pytest.raises(BackupError, match=r"cannot be decompressed|too early"):
        _read(tmp_path, file)


def test_a_bomb_is_stopped_at_its_recorded_size(tmp_path: Path) -> None:
    """A payload that holds more than the manifest says is given up, not written out."""
    file = _written(tmp_path, b"\0" * (50 << 20))
    got = 0
    smaller = replace(file, raw_size=1000)
    with pytest.raises(BackupError, match="holds more than"), stores.reading(PLAIN, tmp_path, smaller) as raw:  # noqa: PT012
        while data := raw.read():
            got += len(data)
    assert got <= 1000


def test_a_payload_whose_end_was_not_read_is_proved_to_its_end(tmp_path: Path) -> None:
    """A reader that stops early does not make a damaged end look sound."""
    file = _written(tmp_path, TEXT)
    longer = replace(file, raw_size=len(TEXT) + 1)
    with (
        pytest.raises(BackupError, match="ends 1 bytes too early"),
        stores.reading(PLAIN, tmp_path, longer) as raw,
    ):
        raw.read(10)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A payload that is a link or a device is not read."""
    file = _written(tmp_path, TEXT)
    path = tmp_path / file.name
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BackupError, match="cannot be read"):
        stores.check_hash(PLAIN, tmp_path, file)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(BackupError, match="cannot be read"):
        stores.check_hash(PLAIN, tmp_path, file)


def test_a_payload_never_replaces_a_file(tmp_path: Path) -> None:
    """A payload is a new file, readable by its owner alone."""
    file = _written(tmp_path, TEXT)
    assert (tmp_path / file.name).stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        _written(tmp_path, TEXT)
