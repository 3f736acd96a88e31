"""The baseline: facts of a database at one moment, by which every row is compared afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_visionforge import dialects
from pytest_visionforge.compare import lines
from pytest_visionforge.compare.projection import (
    Projection,
)
from pytest_visionforge.compare.segments import TableDigests
from pytest_visionforge.compare.statistics import Statistics
from pytest_visionforge.database import (
    Identity,
    Schema,
    Sequence,
    Table,
)
from pytest_visionforge.dialects import Dialect
from pytest_visionforge.errors import RecordError
from pytest_visionforge.plan.values.changes import TableChange

FORMAT = "visionforge baseline"
VERSION = 5


@dataclass(frozen=True, slots=True)
class TableBaseline:
    """One table as it was.

    `whole` holds the digests of all its columns, `projected` those of what the plan compares, as
    `projection` says. All three are None where the table was counted only; `excluded` is the
    plan's reason ("" where the plan has none: it drops the table, so only `whole` is there). `columns`
    are the statistics of each column, by its name.
    """

    rows: int
    excluded: str = ""
    whole: TableDigests | None = None
    projection: Projection | None = None
    projected: TableDigests | None = None
    columns: Mapping[str, Statistics] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The table's facts as plain values for `json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableBaseline:
        """The facts that `as_json` gave."""
        found = {name: data[name] and TableDigests.from_json(data[name]) for name in ("whole", "projected")}
        projection = data["projection"] and Projection.from_json(data["projection"])
        columns = {name: Statistics(**each) for name, each in data["columns"].items()}
        return cls(data["rows"], data["excluded"], found["whole"], projection, found["projected"], columns)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A database as it was at `taken` (UTC, by its server's clock); tables by their ids then.

    `splits` are what the plan's split tables take of others, by their ids afterwards. `views` are the
    views that the plan wants compared; they are among `tables`, too. `resumed` counts the rows whose
    digests an interrupted run had taken of the same state.
    """

    path: Path
    taken: datetime
    identity: Identity
    dbms: str
    plan_name: str
    plan_sha256: str
    schema: Schema
    tables: Mapping[str, TableBaseline]
    splits: Mapping[str, TableBaseline] = field(default_factory=dict)
    views: Mapping[str, Table] = field(default_factory=dict)
    resumed: int = 0

    def of(self, change: TableChange) -> TableBaseline | None:
        """What was taken of a table, by what is declared for it; None where it is not known."""
        if change.split_from:
            return self.splits.get(change.name)
        return self.tables.get(change.before)

    def table(self, id: str) -> Table | None:
        """The facts of a table or view."""
        return self.schema.tables.get(id) or self.views.get(id)

    @property
    def sequences(self) -> Mapping[str, Sequence]:
        """The sequences, with the number that each would have given next."""
        return self.schema.sequences

    @property
    def dialect(self) -> Dialect:
        """The dialect of the database that it was taken from."""
        return dialects.named(self.dbms)


def baseline_of(
    path: Path,
    head: Mapping[str, Any],
    schema: Schema,
    tables: Mapping[str, TableBaseline],
    splits: Mapping[str, TableBaseline],
    views: Mapping[str, Table],
) -> Baseline:
    """The baseline of a file that begins with `head`, and of what follows there."""
    return Baseline(
        path=path,
        taken=datetime.fromisoformat(head["taken"]),
        identity=Identity(**head["identity"]),
        dbms=head["dbms"],
        plan_name=head["plan"]["name"],
        plan_sha256=head["plan"]["sha256"],
        schema=schema,
        tables=tables,
        splits=splits,
        views=views,
        resumed=head["resumed"],
    )


def read(path: Path) -> Baseline:
    """The baseline that `take` wrote; RecordError where the file is missing, cut, altered or not one."""
    values = lines.read(path)
    try:
        return _read(path, values)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise RecordError(f"{path} is no baseline that this version can read: {error!r}") from None


def _read(path: Path, values: Iterator[Any]) -> Baseline:
    head = next(values)
    if head["format"] != FORMAT or head["version"] != VERSION:
        raise ValueError(f"{head['format']} {head['version']}, where {FORMAT} {VERSION} was expected")
    schema = Schema.from_json(next(values)["schema"])
    views = Schema.from_json(next(values)["views"]).tables
    found: dict[str, dict[str, TableBaseline]] = {"table": {}, "split": {}}
    for value in values:
        kind = "split" if "split" in value else "table"
        found[kind][value[kind]] = TableBaseline.from_json(value)
    return baseline_of(path, head, schema, found["table"], found["split"], views)
