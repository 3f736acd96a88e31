"""Values as text, and digests: what each DBMS must have in its `canonical`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pytest_visionforge.database import Table
    from pytest_visionforge.database.session import Session

INLINE_TEXT = 65536  # bytes of a text up to which its canonical form holds it; longer: its SHA-256
INLINE_BYTES = 64  # the same for binary values
INLINE_ROW = 1024  # bytes of a text up to which the text, or binary form, of a row holds it

#: The families whose text in a row is two parts: its length in bytes, and itself.
WORDS = ("text", "json", "other")


class CanonicalRoom(Protocol):
    """One text per value on which all DBMS agree, and digests of rows; see docs/compare.md.

    `TYPED`: a column holds only values of its type. `ALTERS`: a table that is there can be given
    constraints (where not, it is rebuilt). `PACKS`: rows have a binary form, for two databases of this
    DBMS, that is cheaper than their text.
    """

    TYPED: bool
    ALTERS: bool
    PACKS: bool

    def family(self, type: str) -> str:
        """The kind of value that a type holds; "other" where nothing is known but its text."""

    def order(self, type: str, collation: str | None) -> str:
        """The order of a key's column, where it is the same on every side that gives the same word; else ""."""

    def bound(self, expression: str, order: str) -> str:
        """SQL: a value of a key's column as the text that stands for it in a segment's bounds."""

    def limit(self, bound: str, order: str) -> str:
        """SQL: the literal of such a text; DatabaseError where it is none."""

    def type_of(self, session: Session, source: str, expression: str) -> str:
        """The type of an expression over the rows of `source` (a quoted table)."""

    def in_order(self, table: Table, key: Sequence[str]) -> str:
        """SQL behind a table's name, with which its rows come in the order of a key by themselves; "" where none."""

    def scale(self, type: str) -> int | None:
        """How many decimals each number of a type prints; None where that is not always the same."""

    def prepare(self, session: Session, ranges: bool = False) -> None:
        """Makes a session ready for the SQL below; `ranges`: an index of the key gives the rows in order."""

    def text(self, expression: str, family: str, type: str, collation: str | None = None) -> str:
        """SQL: the canonical text of a value of that type in a family's form (NULL for NULL)."""

    def measure(self, expression: str, family: str, type: str) -> tuple[str, str]:
        """SQL: a number or a moment itself, or how many bytes any other is long; and the sum, "" of moments."""

    def joined(self, texts: Sequence[str]) -> str:
        """SQL: one text of several (none NULL), with a bar between any two."""

    def row(self, fields: Sequence[Packable]) -> str:
        """SQL: one text of the values of a row, from which each can be told: the same on every DBMS.

        It is their canonical texts with bars between them, and ~ for NULL. But a text (`WORDS`) is its
        length, a bar, and itself; from `INLINE_ROW` bytes on its length, #, a bar, and its SHA-256.
        """

    def packed(self, type: str) -> str:
        """The binary form of a type, which all types have that give the same word; "" for its canonical text."""

    def pack(self, fields: Sequence[Packable]) -> str:
        """SQL: the binary form of a row. Equal rows may differ in it, different ones are never equal."""

    def fetched(self, text: str) -> str:
        """SQL: a canonical text in the form in which the client can read it (str or bytes)."""

    def sha256(self, text: str) -> str:
        """SQL: the SHA-256 of a text in UTF-8, as hex digits."""

    def digests(
        self, session: Session, sources: Sequence[str], row: str, order: str, *, limit: int, packed: bool
    ) -> list[tuple[int, str]]:
        """The rows of each source ("FROM ... WHERE ...") counted, and the SHA-256 that stands for them in order.

        That is of their texts with line feeds between them, or where `packed` of their binary forms. It
        is "" where there are more than `limit` rows. `order` is "" where they come in order by themselves.
        """

    def buckets(self, session: Session, query: str) -> Iterator[tuple[str, int, str]]:
        """(bucket, rows, digest), sorted: `query` gives bucket `b`, a row's hash `h`, how many times `n`."""


class Packable(Protocol):
    """A column of a row: SQL, what it is compared as, and how much is known of it."""

    @property
    def expression(self) -> str:
        """SQL that gives the value."""

    @property
    def family(self) -> str:
        """What it is compared as, where it has no binary form."""

    @property
    def type(self) -> str:
        """The type here."""

    @property
    def collation(self) -> str | None:
        """The collation here, where it has one."""

    @property
    def packed(self) -> str:
        """Its binary form, the same on both sides; "" for its canonical text."""

    @property
    def nullable(self) -> bool:
        """May it be NULL here?"""
