"""Plans in text, and the way in which the tests read them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_visionforge.errors import PlanError
from pytest_visionforge.plan import read
from pytest_visionforge.plan.values.plan import Plan

SHORTEST = """
plan = "shop 4.2"
[database]
url = "$SHOP_DB"
"""

ENVIRON = {
    "SHOP_DB": "sqlite:///shop.db",
    "SHOP_OLD_DB": "mysql+pymysql://shop:s3cret@old.example/shop",
    "SHOP_NEW_DB": "postgresql+psycopg://shop:s3cret@new.example/shop",
    "SHOP_BASE_URL": "https://shop.example",
    "SLACK_WEBHOOK": "https://hooks.example/services/T0/s3cret",
    "BACKUP_DIR": "/srv/backups",
}

WHOLE = r"""
plan = "shop: MySQL 5.7 -> PostgreSQL 17"        # the name on every record

[source]
url = "$SHOP_OLD_DB"
[target]
url = "$SHOP_NEW_DB"

[migration]
command = "alembic upgrade head"                  # run by `visionforge cutover`; may be left out
version = "git describe --tags"                   # the application's version, for the record
stop    = "systemctl stop shop"                   # the services, stopped before and started after
start   = "systemctl start shop"
lock_wait_max = "5s"
timeout = "2h"

[environment]
variables = ["SHOP_OLD_DB", "SHOP_NEW_DB", "BACKUP_DIR"]
match     = { BACKUP_DIR = '/.+' }
packages  = ["alembic>=1.12"]                     # installed distributions
programs  = ["pg_dump>=15"]

[system]
disk_factor = 2.0                                 # free space >= 2 x the database
paths = { "$BACKUP_DIR" = "rw", "migrations" = "r" }

[backup]
directory = "$BACKUP_DIR"
kind = "full"                                     # full | schema | data
keep = { last = 7, within = "30d" }
rollback = "never"                                # never | on-failure: who puts the backup back

[limits]
response_time = "5s"
error_rate    = "1%"
cpu           = "80%"
memory        = "90%"
check_time    = "30s"                             # per check, enforced by the server
connections   = 4                                 # at once, per database

[record]
directory = "reports"
sample = 20                                       # keys shown per finding; other columns only if named

[tables.customers]
not_null   = ["email", "created_at"]
unique     = ["lower(email)"]
pattern    = { email = '[^@\s]+@[^@\s]+\.[^@\s]+' }
accepted   = { country = ["DE", "FR", "NO", "US"] }
range      = { credit_limit = "0..100000" }
not_future = ["created_at"]

[tables.orders]
rows       = "1.."
references = { customer_id = "customers.id" }     # a relation that the schema does not declare
has        = ["order_lines.order_id"]             # an order without lines is a finding
accepted   = { status = ["new", "paid", "shipped", "cancelled"] }
order      = ["ordered_at <= paid_at <= shipped_at"]   # every pair is compared
after      = { ordered_at = "customers.created_at" }
calculated = { total = "net + tax + shipping" }   # with the tolerance that the column's scale gives
aggregate  = { net = "sum(order_lines.line_total)", line_count = "count(order_lines)" }
changed_at = "updated_at"                         # recent changes must have arrived
check      = ["status <> 'shipped' or shipped_at is not null"]

[tables.audit_log]
exclude = "append-only log of 2 TB, moved by replication"

[changes.tables.customers]
renamed_from = "customer"
columns.renamed = { full_name = "name" }          # new = old
columns.added   = ["email_verified"]
columns.dropped = ["fax"]
columns.values  = { phone = "replace(phone, ' ', '')" }
rows = "deleted_at is null"                       # unchanged (default) | appended | any | a condition
[changes.tables.order_stats]
added = true
[changes.tables.legacy_carts]
dropped = true

[[rules]]
id  = "paid-orders-are-settled"
why = "Finance closes the month on settled payments"
sql = '''
select o.id from orders o left join payments p on p.order_id = o.id and p.status = 'settled'
where o.status in ('paid', 'shipped') group by o.id, o.total
having abs(o.total - coalesce(sum(p.amount), 0)) > 0.005
'''

[[endpoints]]
url = "$SHOP_BASE_URL/orders/1001"
status = 200
body = '"total"'
response_time = "800ms"

[[queries]]
name = "last orders of a customer"
sql  = "select id, total from orders where customer_id = 1 order by ordered_at desc limit 20"
rows = "1.."
slowdown = 1.5                                    # at most, against the baseline

[[smoke]]
command = "pytest tests/smoke -q"

[[waivers]]
check  = "customers.accepted.country"
reason = "3 legacy customers in GB, to be merged (SHOP-812)"
by     = "a.meyer"
until  = 2026-12-31                               # the last day on which it holds, UTC
rows   = 3                                        # a fourth one fails again
"""


def plan(
    text: str, *, environ: Mapping[str, str] = ENVIRON, files: Mapping[str, str | bytes] | None = None
) -> Plan:
    """The plan in a text, read through the door, with other files beside it."""
    with TemporaryDirectory() as directory:
        return plan_in(Path(directory), text, environ=environ, files=files)


def plan_in(
    directory: Path,
    text: str,
    *,
    environ: Mapping[str, str] = ENVIRON,
    files: Mapping[str, str | bytes] | None = None,
) -> Plan:
    """The plan in a text, in a directory that stays."""
    for name, content in {"visionforge.toml": text, **(files or {})}.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(directory / "visionforge.toml", environ)


def errors(
    text: str, *, environ: Mapping[str, str] = ENVIRON, files: Mapping[str, str | bytes] | None = None
) -> list[str]:
    """The errors in a plan, without the name of its file; none where it can be read."""
    try:
        plan(text, environ=environ, files=files)
    except PlanError as error:
        return [line.removeprefix("visionforge.toml: ") for line in str(error).splitlines()]
    return []
