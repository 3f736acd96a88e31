"""The table that everything is measured on: ten columns, and rows that a seed decides.

A row is a function of its position alone. So a table of 100,000 rows is the beginning of one of
5 million, any row can be made again, and every DBMS is given the same ones.

The values are such that no competitor has trouble with them. reladiff sees differences where none
are, between PostgreSQL and MariaDB, in doubles of 17 digits and in characters of four bytes: so
there are doubles of ten digits at most, and characters of three bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

TABLE = "items"
SEED = b"visionforge"

TYPES = {
    "id": "bigint",
    "customer": "integer",
    "price": "numeric(12,2)",
    "made_at": "timestamp(6)",
    "due": "date",
    "paid": "boolean",
    "code": "varchar(40)",
    "note": "text",
    "weight": "double precision",
    "remark": "varchar(60)",
}
NULLABLE = "remark"
COLUMNS = tuple(TYPES)

WORDS = (
    *("order", "parcel", "return", "invoice", "customer", "delivered", "late", "blue", "small", "Zürich"),
    *("garçon", "naïve", "Ærø", "東京", "Ελλάδα", "☂", "it's", "100 %", "left;right", "Straße", "large"),
    *("paper", "steel", "garden", "window", "of", "the", "and", "with", "never", "before", "twice"),
)
_EPOCH, _FIRST_DAY = datetime(2015, 1, 1), date(2015, 1, 1)
_DAYS = [(_FIRST_DAY + timedelta(days=day)).isoformat() for day in range(5000)]
_NUMBERS = struct.Struct(">8Q")


class Row(NamedTuple):
    """One row, in values that every driver takes; instants, days and numbers as they are written."""

    id: int
    customer: int
    price: str
    made_at: str
    due: str
    paid: bool
    code: str
    note: str
    weight: float
    remark: str | None


def row(position: int) -> Row:
    """The row at a position, from 0. Keys have gaps: there are three for each row."""
    a, b, c, d, e, f, g, h = _NUMBERS.unpack(blake2b(position.to_bytes(8, "big"), key=SEED).digest())
    cents = a % 20_000_000_000 - 10_000_000_000
    return Row(
        id=3 * position + h % 3,
        customer=b % 2_000_000 - 1_000_000,
        price=f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}",
        made_at=f"{_DAYS[c % 5000]} {c >> 8 & 15:02}:{c >> 16 & 31:02}:{c >> 24 & 31:02}.{d % 1_000_000:06}",
        due=_DAYS[d >> 32 & 4095],
        paid=bool(e & 1),
        code=f"{e >> 8:014X}-{f & 0xFFFF:04x}",
        note=" ".join([WORDS[f >> shift & 31] for shift in range(16, 21 + f % 40, 5)]),
        weight=(g % 4_000_000_000 - 2_000_000_000) / 1000,
        remark=None if h >> 8 & 3 == 0 else f"{WORDS[h >> 16 & 31]} {h >> 40}",
    )


def rows(count: int) -> Iterator[Row]:
    """The first rows, in the order of their keys."""
    return map(row, range(count))


def lines(count: int) -> Iterator[str]:
    """The rows as PostgreSQL's COPY and MariaDB's LOAD DATA read them by default."""
    for values in rows(count):
        yield "\t".join(map(_written, values)) + "\n"


def _written(value: object) -> str:
    if value is None:
        return "\\N"
    return str(int(value) if isinstance(value, bool) else value)


def create(dialect: str) -> str:
    """The statement that makes the table."""
    words = {"mysql": {"timestamp(6)": "datetime(6)"}, "sqlite": {"timestamp(6)": "timestamp"}}.get(
        dialect, {}
    )
    columns = [
        f"{name} {words.get(type, type)} {'NULL' if name == NULLABLE else 'NOT NULL'}"
        for name, type in TYPES.items()
    ]
    end = " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4" if dialect == "mysql" else ""
    return f"CREATE TABLE {TABLE} ({', '.join(columns)}, PRIMARY KEY (id)){end}"
