"""A payload line by line."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_visionforge.dialects.rooms.archive import Raw

CHUNK = 1 << 20


def lines(raw: Raw) -> Iterator[bytes]:
    """The lines of a stream, with their ends; what is held in memory is a line and a piece more."""
    rest: list[bytes] = []
    while data := raw.read(CHUNK):
        first, *others = data.split(b"\n")
        rest.append(first)
        for following in others:
            yield b"".join(rest) + b"\n"
            rest = [following]
    if last := b"".join(rest):
        yield last
