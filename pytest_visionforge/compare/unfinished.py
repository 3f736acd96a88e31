"""What an interrupted baseline had taken: its digests, in a file that is there until the baseline is whole.

They are good for the next run only where nobody has written since: head and state say so, or they are
thrown away. Each line begins with the SHA-256 of the rest, and the last may have been cut.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from pytest_visionforge.compare.segments import Digest, TableDigests

SECONDS = 1.0  # between two writes, about: so much is done again at most


class Unfinished:
    """The digests of one baseline, as they are taken; by the fingerprint of what they are of."""

    def __init__(self, file: IO[bytes] | None = None, head: Any = None) -> None:
        self._file = file
        self._whole: dict[str, TableDigests] = {}
        self._begun: dict[str, list[Digest]] = {}
        self._waiting: list[Digest] = []
        self._written = time.monotonic()
        if file is not None:
            self._take_up(file, head)
        self.resumed = self.rows

    @property
    def rows(self) -> int:
        """The rows that there are digests of."""
        begun = sum(digest.rows for digests in self._begun.values() for digest in digests)
        return begun + sum(found.rows for found in self._whole.values())

    def whole(self, fingerprint: str) -> TableDigests | None:
        """The digests of a table, where all of them were taken."""
        return self._whole.get(fingerprint)

    def begun(self, fingerprint: str) -> Sequence[Digest]:
        """The first digests of a table whose ranges were being gone through, in their order."""
        return self._begun.get(fingerprint, ())

    def went(self, fingerprint: str, digest: Digest) -> None:
        """The digest of the next range was taken."""
        self._waiting.append(digest)
        if time.monotonic() - self._written >= SECONDS:
            self._write({"of": fingerprint, "segments": [asdict(each) for each in self._waiting]})
            self._waiting.clear()

    def ended(self, fingerprint: str, digests: TableDigests) -> None:
        """All digests of a table were taken."""
        self._waiting.clear()
        self._whole[fingerprint] = digests
        self._write({"of": fingerprint, "whole": digests.as_json()})

    def _take_up(self, file: IO[bytes], head: Any) -> None:
        """Reads what another run left, and goes on behind it; or begins anew."""
        file.seek(0)
        end = 0
        for line in file:
            value = _value(line)
            if value is None or (end == 0 and value != head):
                break
            end += len(line)
            if value != head:
                self._add(value)
        file.seek(end)
        file.truncate()
        if end == 0:
            self._write(head)

    def _add(self, value: Any) -> None:
        if "whole" in value:
            self._whole[value["of"]] = TableDigests.from_json(value["whole"])
            self._begun.pop(value["of"], None)
        else:
            known = self._begun.setdefault(value["of"], [])
            known.extend(Digest.from_json(each) for each in value["segments"])

    def _write(self, value: Any) -> None:
        self._written = time.monotonic()
        if self._file is not None:
            text = json.dumps(value).encode()
            self._file.write(hashlib.sha256(text).hexdigest().encode() + b" " + text + b"\n")
            self._file.flush()


def _value(line: bytes) -> Any:
    """The value of a line; None where it is not whole."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    whole = line.endswith(b"\n") and hashlib.sha256(text).hexdigest().encode() == checksum
    return json.loads(text) if whole else None


@contextmanager
def going_on(path: Path, identity: str, state: str) -> Iterator[Unfinished]:
    """What the last run left of a baseline of this database in this state; gone once the block ends well.

    Nothing is kept where the state is not known (""), or while another run is at it.
    """
    if not state:
        yield Unfinished()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    head = {"program": version("pytest-visionforge"), "identity": identity, "state": state}
    path.touch(mode=0o600)
    with path.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield Unfinished()
            return
        yield Unfinished(file, head)
        path.unlink(missing_ok=True)
