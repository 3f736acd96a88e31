"""The heads of records: who, when and how it ended, without the thousands of results."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pytest_visionforge.errors import RecordError
from pytest_visionforge.outcome import Outcome
from pytest_visionforge.record.record import Record, record_files

_BAD = (Outcome.VIOLATED, Outcome.CANNOT_TELL, Outcome.WARNED)


@dataclass(frozen=True, slots=True)
class Head:
    """A record of which `results` and `tables` were left out: `outcomes` counts them.

    `bad` holds the ids of the checks that were violated, warned or could not tell.
    """

    record: Record
    outcomes: Mapping[Outcome, int]
    bad: frozenset[str]


def head(path: Path) -> Head:
    """The head of a `record.json`; RecordError where it is none."""
    try:
        data = json.loads(path.read_bytes())
        results = [(str(each["nodeid"]), Outcome(each["outcome"])) for each in data["results"]]
        record = Record.from_json({**data, "results": [], "tables": []})
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordError(f"{path}: not a whole record: {error}") from error
    counts: Counter[Outcome] = Counter(outcome for _, outcome in results)
    return Head(record, counts, frozenset(nodeid for nodeid, outcome in results if outcome in _BAD))


def heads(directory: Path, *, plan: str = "", most: int | None = None) -> tuple[Head, ...]:
    """The heads in a directory of records (of the newest `most`), oldest first; damaged ones are passed over."""
    files = record_files(directory)
    return tuple(_readable(files if most is None else files[-most:], plan))


def _readable(files: list[Path], plan: str) -> Iterator[Head]:
    for path in files:
        with suppress(RecordError):
            found = head(path)
            if plan in ("", found.record.plan):
                yield found
