"""The schema of VisionForge at revision 0001: nine tables, a view, a trigger.

It has on purpose what makes migrations hard: keys that are numbers, text or composite, one table
without any key, references to itself, NULL beside '', money with four decimals, JSON and bytes.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Date,
    DateTime,
    Double,
    Engine,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    make_url,
    true,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import ArgumentError

from pytest_visionforge.errors import CannotConnect

BASE_REVISION = "0001"

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# A plain DATETIME of MySQL keeps no fraction of a second, and a VARCHAR of an older server no emoji.
Moment = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
Money = Numeric(12, 4)
UNICODE: dict[str, Any] = {"mysql_charset": "utf8mb4", "mariadb_charset": "utf8mb4"}

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(120), nullable=False),
    Column("email", String(120), nullable=False, unique=True),
    Column("country", String(2), nullable=False, index=True),
    Column("phone", String(40)),
    Column("fax", String(40)),
    Column("tier", String(10), nullable=False),
    Column("credit_limit", Money, nullable=False),
    Column("active", Boolean, nullable=False, server_default=true()),
    Column("created_at", Moment, nullable=False),
    CheckConstraint("credit_limit >= 0", name="credit_limit"),
    **UNICODE,
)

projects = Table(
    "projects",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("slug", String(60), nullable=False),
    Column("title", String(120), nullable=False),
    Column("description", Text),
    Column("archived", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("account_id", "slug"),
    **UNICODE,
)

assets = Table(
    "assets",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False, index=True),
    Column("path", String(200), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("thumbnail_digest", LargeBinary(20)),
    Column("created_at", Moment, nullable=False),
    CheckConstraint("bytes > 0", name="bytes"),
    **UNICODE,
)

models = Table(
    "models",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("parent_id", ForeignKey("models.id")),
    Column("name", String(80), nullable=False),
    Column("version", Integer, nullable=False),
    Column("accuracy", Double),
    Column("settings", JSON(none_as_null=True)),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("project_id", "name", "version"),
    CheckConstraint("accuracy between 0 and 1", name="accuracy"),
    **UNICODE,
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("model_id", ForeignKey("models.id"), nullable=False, index=True),
    Column("asset_id", ForeignKey("assets.id")),
    Column("retry_of", ForeignKey("runs.id")),
    Column("status", String(10), nullable=False),
    Column("note", Text),
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    CheckConstraint("finished_at is null or started_at is not null", name="started"),
    **UNICODE,
)

invoices = Table(
    "invoices",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("number", String(20), nullable=False, unique=True),
    Column("status", String(10), nullable=False),
    Column("period", Date, nullable=False),
    Column("line_count", Integer, nullable=False),
    Column("amount", Money, nullable=False),
    Column("paid", Money, nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False, index=True),
    Column("paid_at", Moment),
    CheckConstraint("amount >= 0 and paid >= 0", name="amounts"),
    **UNICODE,
)

invoice_lines = Table(
    "invoice_lines",
    metadata,
    Column("invoice_id", ForeignKey("invoices.id"), primary_key=True),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    Column("description", String(80), nullable=False),
    Column("quantity", Numeric(10, 2), nullable=False),
    Column("unit_price", Money, nullable=False),
    Column("line_total", Money, nullable=False),
    **UNICODE,
)

payments = Table(
    "payments",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("invoice_id", ForeignKey("invoices.id"), nullable=False, index=True),
    Column("method", String(10), nullable=False),
    Column("status", String(10), nullable=False),
    Column("amount", Money, nullable=False),
    Column("reference", String(20), unique=True),
    Column("paid_at", Moment, nullable=False),
    CheckConstraint("amount > 0", name="amount"),
    **UNICODE,
)

# A log: no key, and the same event may stand in it twice. Nothing declares where account_id points.
audit_events = Table(
    "audit_events",
    metadata,
    Column("account_id", Integer),
    Column("actor", String(40), nullable=False),
    Column("action", String(20), nullable=False),
    Column("detail", String(120)),
    Column("at", Moment, nullable=False),
    Index("ix_audit_events_at", "at"),
    **UNICODE,
)

alembic_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

BALANCES = (
    "create view account_balances as"
    " select a.id as account_id, a.email, sum(i.amount) as invoiced, sum(i.paid) as paid"
    " from accounts a left join invoices i on i.account_id = a.id group by a.id, a.email"
)
_FINAL_IN_MYSQL = (
    "create trigger audit_events_are_final before update on audit_events for each row"
    " signal sqlstate '45000' set message_text = 'audit events are final'",
)
FINAL = {
    "sqlite": (
        "create trigger audit_events_are_final before update on audit_events"
        " begin select raise(abort, 'audit events are final'); end",
    ),
    "mysql": _FINAL_IN_MYSQL,
    "mariadb": _FINAL_IN_MYSQL,
    "postgresql": (
        "create function audit_events_are_final() returns trigger language plpgsql as"
        " $$ begin raise exception 'audit events are final'; end $$",
        "create trigger audit_events_are_final before update on audit_events"
        " for each row execute function audit_events_are_final()",
    ),
}


@event.listens_for(metadata, "after_create")
def _create_view_and_trigger(target: MetaData, connection: Connection, **_: object) -> None:
    for statement in (BALANCES, *FINAL[connection.dialect.name]):
        connection.exec_driver_sql(statement)


_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}


def connect(url: str) -> Engine:
    """An engine for a SQLite, PostgreSQL, MySQL or MariaDB URL; a bare one gets its usual driver.

    Raises `CannotConnect` for what is no such URL and for a driver that is not installed.
    """
    try:
        parsed = make_url(url)
        return create_engine(parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername)))
    except ArgumentError:
        raise CannotConnect(
            "the address of VisionForge's database is not a URL of a database: write "
            "sqlite:///visionforge.db, postgresql://user@host/db or mysql://user@host/db"
        ) from None
    except ModuleNotFoundError as missing:
        raise CannotConnect(
            f"the driver for {parsed!r} is missing ({missing.name}): pip install 'pytest-visionforge[all]'"
        ) from None
