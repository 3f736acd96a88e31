"""What a run that was killed leaves: its head and each result, written as they came, as JSON lines.

A whole `record.json` takes its place at the end. What is read here is always INCOMPLETE: it is for
people who must know how far a run came, and opens no gate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_visionforge.errors import RecordError
from pytest_visionforge.outcome import Result, Verdict
from pytest_visionforge.record.mask import masked
from pytest_visionforge.record.record import NAME, Record, read
from pytest_visionforge.record.shape import MisfitError, plain, shaped
from pytest_visionforge.record.verdict import NOT_PROVED, decide

PARTIAL = "partial.jsonl"
_UNFINISHED = "the run left no record: it was killed, or is under way"


class Partial:
    """Writes the head of a run, then each result, to its directory; a line is there whole or cut off."""

    def __init__(self, directory: Path, head: Mapping[str, Any], planned: Sequence[str]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / PARTIAL
        self._path.write_bytes(b"")
        self._line({**head, "planned": list(planned)})

    def add(self, result: Result) -> None:
        """Writes one result."""
        self._line(result.as_json())

    def remove(self) -> None:
        """Takes it away: there is a whole record now."""
        self._path.unlink(missing_ok=True)

    def _line(self, value: Any) -> None:
        with (
            suppress(OSError),
            self._path.open("a", encoding="utf-8") as file,
        ):  # a full disk the record tells
            file.write(json.dumps(masked(plain(value))) + "\n")


def read_any(directory: Path) -> Record:
    """The record in a directory, whole; or what a run that left none had found, as INCOMPLETE."""
    if (directory / NAME).exists() or not (directory / PARTIAL).exists():
        return read(directory)
    path = directory / PARTIAL
    try:
        lines = list(_lines(path))
        head, results = lines[0], tuple(shaped(Result, each) for each in lines[1:])
        planned = shaped(tuple[str, ...], head.pop("planned", []), "planned")
        return _record(directory.resolve().name, head, planned, results, path.stat().st_mtime)
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (MisfitError, IndexError, KeyError, AttributeError, ValueError, TypeError) as error:
        raise RecordError(f"{path}: holds no head of a run: {error}") from error


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines that are whole; the last may have been cut off."""
    for line in path.read_text("utf-8").splitlines():
        with suppress(ValueError):
            yield json.loads(line)


def _record(
    id: str, head: Mapping[str, Any], planned: tuple[str, ...], results: tuple[Result, ...], ended: float
) -> Record:
    decision = decide(results, planned, head["phase"], errors=(_UNFINISHED,))
    record: Record = shaped(
        Record,
        {
            **head,
            "id": id,
            "finished": datetime.fromtimestamp(ended, UTC).isoformat(),
            "verdict": Verdict.INCOMPLETE.value,
            "exit_status": NOT_PROVED,
            "completeness": plain(decision.completeness),
            "results": plain(results),
            "planned": list(planned),
            "errors": [_UNFINISHED],
        },
    )
    return record
