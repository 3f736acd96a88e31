"""Fill a database with VisionForge's data: the same rows for the same seed, on every DBMS.

The rows come account by account, each with all that belongs to it, and are inserted in batches: no
more than a few thousand are in memory, whatever the scale.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError

from pytest_visionforge.demo.people import COUNTRIES, FAMILY, GIVEN, ONE_WORD
from pytest_visionforge.demo.tables import BASE_REVISION, alembic_version, connect, metadata
from pytest_visionforge.errors import CannotConnect, DatabaseError

Row = dict[str, Any]

EPOCH = datetime(2024, 1, 1, 8)
SIGN_UPS = timedelta(days=300)
# Rows at scale 1; lines, payments and doubled events follow from these: about 41,000 in all.
ROWS = {
    "accounts": 1204,
    "projects": 1505,
    "assets": 2408,
    "models": 1806,
    "runs": 3010,
    "invoices": 8412,
    "audit_events": 3800,
}
# All prices are whole cents but one that was negotiated, on this invoice (or on the last one).
ODD_INVOICE, ODD_QUANTITY, ODD_PRICE = 1234, Decimal("2.5"), Decimal("7.9990")
PRICES = {"GPU hours": 249, "storage, GB": 3, "labelled images": 12, "seats": 1900, "support": 9900}
BATCH = 4000


def generate(url: str, *, scale: float = 1.0, seed: int = 7) -> dict[str, int]:
    """Create the schema at revision 0001 in an empty database and fill it.

    Returns the rows per table. Raises `DatabaseError` if one of the tables is there already, and
    `CannotConnect` where no database answers. The revision is stamped last: without it, a database
    is not whole.
    """
    with _opened(url) as connection, connection.begin():
        _refuse_tables(connection)
        metadata.create_all(connection)
        rows = _insert(connection, families(scale, seed))
        alembic_version.create(connection)
        connection.execute(alembic_version.insert().values(version_num=BASE_REVISION))
    return rows


@contextmanager
def _opened(url: str) -> Iterator[Connection]:
    engine = connect(url)
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise CannotConnect(f"cannot open {engine.url!r} for VisionForge's data: {error.orig}") from None
    try:
        with connection:
            yield connection
    finally:
        engine.dispose()


def _refuse_tables(connection: Connection) -> None:
    present = {*metadata.tables, alembic_version.name} & set(inspect(connection).get_table_names())
    if present:
        raise DatabaseError(
            f"cannot make VisionForge's data in {connection.engine.url!r}: it already has "
            f"{', '.join(sorted(present))}. Give an empty database."
        )


def _insert(connection: Connection, rows_of: Iterator[Mapping[str, list[Row]]]) -> dict[str, int]:
    """Insert families in batches, parents before children; how many rows each table got."""
    counts: Counter[str] = Counter(dict.fromkeys(metadata.tables, 0))
    waiting: dict[str, list[Row]] = defaultdict(list)
    for family in rows_of:
        for table, rows in family.items():
            waiting[table] += rows
        if sum(map(len, waiting.values())) >= BATCH:
            _flush(connection, waiting, counts)
    _flush(connection, waiting, counts)
    return dict(counts)


def _flush(connection: Connection, waiting: dict[str, list[Row]], counts: Counter[str]) -> None:
    for table in metadata.sorted_tables:
        if rows := waiting.pop(table.name, []):
            connection.execute(table.insert(), rows)
            counts[table.name] += len(rows)


def families(scale: float, seed: int) -> Iterator[Mapping[str, list[Row]]]:
    """For each account, the rows of all tables that belong to it: table -> rows."""
    rng = random.Random(seed)  # noqa: S311 - to be repeatable is the point
    ids: dict[str, Iterator[int]] = defaultdict(lambda: count(1))
    totals = {table: max(1, round(rows * scale)) for table, rows in ROWS.items()}
    accounts, odd = totals["accounts"], min(ODD_INVOICE, totals["invoices"])
    for n in range(accounts):
        share = {
            table: total * (n + 1) // accounts - total * n // accounts for table, total in totals.items()
        }
        family = _Family(rng, ids, share, EPOCH + SIGN_UPS * n / accounts, odd)
        yield family.rows


class _Family:
    """One account and what belongs to it, made in the order in which it happened."""

    def __init__(
        self,
        rng: random.Random,
        ids: dict[str, Iterator[int]],
        share: Mapping[str, int],
        created_at: datetime,
        odd_invoice: int,
    ) -> None:
        self.rng, self.ids, self.odd_invoice = rng, ids, odd_invoice
        self.rows: dict[str, list[Row]] = defaultdict(list)
        account = self.account(created_at)
        for _ in range(share["projects"]):
            self.project(account)
        for _ in range(share["assets"]):
            self.asset(rng.choice(self.rows["projects"]))
        for n in range(share["models"]):
            self.model(rng.choice(self.rows["projects"]), version=n + 1)
        for _ in range(share["runs"]):
            self.run(rng.choice(self.rows["models"]))
        for month in range(share["invoices"]):
            self.invoice(account, month)
        for _ in range(share["audit_events"]):
            self.event(account)

    def add(self, table: str, **row: Any) -> Row:
        """Keep a row of a table."""
        self.rows[table].append(row)
        return row

    def id(self, table: str) -> int:
        """The next number of a table."""
        return next(self.ids[table])

    def maybe(self, value: Any, share: float = 0.7) -> Any:
        """The value, or NULL, in the given share of cases; one NULL in three is '' instead."""
        if self.rng.random() < share:
            return value
        return "" if isinstance(value, str) and self.rng.random() < 0.33 else None

    def later(self, moment: datetime, *, hours: float) -> datetime:
        """A moment up to so many hours later, to the microsecond."""
        return moment + timedelta(microseconds=self.rng.randrange(int(hours * 3.6e9)))

    def account(self, created_at: datetime) -> Row:
        """Sign up: a person with a name in one, two or more words."""
        rng, number = self.rng, self.id("accounts")
        name = f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}" if rng.random() < 0.96 else rng.choice(ONE_WORD)
        return self.add(
            "accounts",
            id=number,
            name=name,
            email=f"user{number}@{rng.choice(COUNTRIES).lower()}.example.com",
            country=rng.choice(COUNTRIES),
            phone=self.maybe(f"+{rng.randint(1, 99)} {rng.randint(100_000, 9_999_999)}"),
            fax=self.maybe(f"+{rng.randint(1, 99)} {rng.randint(100_000, 9_999_999)}", 0.1),
            tier=rng.choice(("free", "team", "business")),
            credit_limit=Decimal(rng.choice((0, 500, 2500, 100_000))),
            active=rng.random() < 0.9,
            created_at=created_at,
        )

    def project(self, account: Row) -> Row:
        """Begin a project after signing up."""
        number = self.id("projects")
        title = f"{self.rng.choice(('Zähler', 'Naht-Prüfung', '道路標識', 'Crop health', 'Фасад'))} {number}"
        return self.add(
            "projects",
            id=number,
            account_id=account["id"],
            slug=f"project-{number}",
            title=title,
            description=self.maybe(f"{title}: first line\nsecond line"),
            archived=self.rng.random() < 0.1,
            created_at=self.later(account["created_at"], hours=48),
        )

    def asset(self, project: Row) -> Row:
        """Upload an image, a video or annotations."""
        key = f"{self.rng.getrandbits(64):016x}"
        kind = self.rng.choice(("image", "image", "video", "annotation"))
        return self.add(
            "assets",
            id=key,
            project_id=project["id"],
            path=f"/{project['slug']}/{kind}s/{key}",
            kind=kind,
            bytes=self.rng.randint(1, 2**40),
            thumbnail_digest=None if kind == "annotation" else self.rng.randbytes(20),
            created_at=self.later(project["created_at"], hours=24 * 90),
        )

    def model(self, project: Row, version: int) -> Row:
        """Make a model, from scratch or tuned from an earlier one of the account."""
        rng, earlier = self.rng, self.rows["models"]
        parent = rng.choice(earlier) if earlier and rng.random() < 0.5 else None
        born = max(project["created_at"], parent["created_at"]) if parent else project["created_at"]
        settings = {
            "epochs": rng.randint(1, 300),
            "lr": rng.choice((0.1, 0.003, 1e-05)),
            "classes": ["ok", "Riß"],
        }
        return self.add(
            "models",
            id=self.id("models"),
            project_id=project["id"],
            parent_id=parent and parent["id"],
            name=rng.choice(("detector", "segmenter", "pose", "文字")),
            version=version,
            accuracy=rng.random() if rng.random() < 0.8 else None,
            settings=settings if rng.random() < 0.8 else None,
            created_at=self.later(born, hours=24 * 30),
        )

    def run(self, model: Row) -> Row:
        """Train a model; a run may repeat an earlier one of the same model that failed."""
        rng = self.rng
        failed = [r for r in self.rows["runs"] if r["model_id"] == model["id"] and r["status"] == "failed"]
        retried = rng.choice(failed) if failed and rng.random() < 0.6 else None
        status = rng.choice(("queued", "running", "finished", "finished", "finished", "failed"))
        created = self.later(retried["finished_at"] if retried else model["created_at"], hours=24 * 60)
        started = None if status == "queued" else self.later(created, hours=2)
        return self.add(
            "runs",
            id=self.id("runs"),
            model_id=model["id"],
            asset_id=rng.choice(self.rows["assets"])["id"]
            if self.rows["assets"] and rng.random() < 0.8
            else None,
            retry_of=retried and retried["id"],
            status=status,
            note=self.maybe("loss is NaN 🤖" if status == "failed" else "as planned ✓", 0.4),
            created_at=created,
            started_at=started,
            finished_at=self.later(started, hours=9)
            if started and status in ("finished", "failed")
            else None,
        )

    def invoice(self, account: Row, month: int) -> Row:
        """Bill a month: the lines, what they add up to, and how it was paid."""
        number = self.id("invoices")
        issued = (account["created_at"] + timedelta(days=30 * (month + 1))).replace(microsecond=0)
        lines = self.lines(number)
        amount = sum((line["line_total"] for line in lines), Decimal(0))
        status = (
            "open"
            if number == self.odd_invoice
            else self.rng.choices(("paid", "open", "void"), (80, 15, 5))[0]
        )
        settled = self.payments(number, amount, issued) if status == "paid" else []
        return self.add(
            "invoices",
            id=number,
            account_id=account["id"],
            number=f"VF-{issued:%Y}-{number:06d}",
            status=status,
            period=issued.date().replace(day=1),
            line_count=len(lines),
            amount=amount,
            paid=sum((payment["amount"] for payment in settled), Decimal(0)),
            issued_at=issued,
            due_at=issued + timedelta(days=self.rng.choice((14, 30))),
            paid_at=settled[-1]["paid_at"] if settled else None,
        )

    def lines(self, invoice: int) -> list[Row]:
        """The lines of an invoice: quantity x unit price, exactly."""
        if invoice == self.odd_invoice:
            return [self.line(invoice, 1, "GPU hours, contract 17", ODD_QUANTITY, ODD_PRICE)]
        services = self.rng.sample(list(PRICES), k=self.rng.choice((1, 1, 1, 2, 2)))
        return [
            self.line(invoice, n, service, Decimal(self.rng.randint(1, 40)), _cents(PRICES[service]))
            for n, service in enumerate(services, start=1)
        ]

    def line(self, invoice: int, n: int, description: str, quantity: Decimal, price: Decimal) -> Row:
        """One line of an invoice."""
        return self.add(
            "invoice_lines",
            invoice_id=invoice,
            line_no=n,
            description=description,
            quantity=quantity,
            unit_price=price,
            line_total=quantity * price,
        )

    def payments(self, invoice: int, amount: Decimal, issued: datetime) -> list[Row]:
        """The payments that settle an invoice, one or two, perhaps after one that failed."""
        if self.rng.random() < 0.04:
            issued = self.payment(invoice, "failed", amount, issued)["paid_at"]
        parts = [amount]
        if amount > 100 and self.rng.random() < 0.05:
            parts = [Decimal(50), amount - 50]
        settled = []
        for part in parts:
            settled.append(self.payment(invoice, "settled", part, issued))
            issued = settled[-1]["paid_at"]
        return settled

    def payment(self, invoice: int, status: str, amount: Decimal, after: datetime) -> Row:
        """One payment, some days later."""
        number, method = self.id("payments"), self.rng.choice(("card", "transfer", "wallet"))
        return self.add(
            "payments",
            id=number,
            invoice_id=invoice,
            method=method,
            status=status,
            amount=amount,
            reference=f"TX{number:08d}" if method == "transfer" else None,
            paid_at=self.later(after, hours=24 * 20),
        )

    def event(self, account: Row) -> None:
        """Something that was logged; now and then twice, to the microsecond."""
        row: Row = {
            "account_id": account["id"] if self.rng.random() < 0.95 else None,
            "actor": self.rng.choice(("user", "api", "support", "cron")),
            "action": self.rng.choice(("login", "export", "share", "delete")),
            "detail": self.maybe(f"from 192.0.2.{self.rng.randint(1, 254)}"),
            "at": self.later(account["created_at"], hours=24 * 120),
        }
        for _ in range(2 if self.rng.random() < 0.03 else 1):
            self.add("audit_events", **row)


def _cents(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
