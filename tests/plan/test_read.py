from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_visionforge.errors import PlanError
from pytest_visionforge.plan import read, sections, tables
from pytest_visionforge.plan.values.changes import Changes, ColumnChanges, TableChange
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.rules import (
    Accepted,
    After,
    Aggregate,
    BusinessRule,
    Calculated,
    ChangedAt,
    Has,
    Holds,
    NotFuture,
    NotNull,
    Order,
    Pattern,
    Range,
    Reference,
    Rows,
    TablePlan,
    Unique,
)
from pytest_visionforge.plan.values.sections import (
    Address,
    BackupPlan,
    Endpoint,
    Environment,
    Limits,
    Migration,
    NamedQuery,
    RecordPlan,
    SmokeTest,
    System,
    Waiver,
)
from tests.plan import samples
from tests.soak import examples

CUSTOMERS = TablePlan(
    name="customers",
    rules=(
        NotNull(table="customers", column="email"),
        NotNull(table="customers", column="created_at"),
        Unique(table="customers", columns=("lower(email)",)),
        Pattern(table="customers", column="email", regex=r"[^@\s]+@[^@\s]+\.[^@\s]+"),
        Accepted(table="customers", column="country", values=("DE", "FR", "NO", "US")),
        Range(table="customers", column="credit_limit", low="0", high="100000"),
        NotFuture(table="customers", column="created_at"),
    ),
)

ORDERS = TablePlan(
    name="orders",
    rules=(
        Rows(table="orders", low=1),
        Reference(table="orders", column="customer_id", parent="customers", parent_column="id"),
        Has(table="orders", child="order_lines", child_column="order_id"),
        Accepted(table="orders", column="status", values=("new", "paid", "shipped", "cancelled")),
        Order(table="orders", columns=("ordered_at", "paid_at", "shipped_at")),
        After(table="orders", column="ordered_at", parent="customers", parent_column="created_at"),
        Calculated(table="orders", column="total", expression="net + tax + shipping"),
        Aggregate(table="orders", column="net", function="sum", child="order_lines", expression="line_total"),
        Aggregate(table="orders", column="line_count", function="count", child="order_lines"),
        ChangedAt(table="orders", column="updated_at"),
        Holds(table="orders", expression="status <> 'shipped' or shipped_at is not null"),
    ),
)

CHANGES = Changes(
    tables={
        "customers": TableChange(
            name="customers",
            renamed_from="customer",
            rows="deleted_at is null",
            columns=ColumnChanges(
                renamed={"full_name": "name"},
                added=("email_verified",),
                dropped=("fax",),
                values={"phone": "replace(phone, ' ', '')"},
            ),
        ),
        "order_stats": TableChange(name="order_stats", added=True),
        "legacy_carts": TableChange(name="legacy_carts", dropped=True),
    }
)


def test_a_whole_plan_is_read(tmp_path: Path) -> None:
    """Every section of a whole plan gives the value that it promises."""
    plan = samples.plan_in(tmp_path, samples.WHOLE)
    sql = samples.WHOLE.partition("sql = '''")[2].partition("'''")[0].strip()
    assert plan == Plan(
        name="shop: MySQL 5.7 -> PostgreSQL 17",
        path=tmp_path / "visionforge.toml",
        sha256=hashlib.sha256(samples.WHOLE.encode()).hexdigest(),
        source=Address(
            url="mysql+pymysql://shop:s3cret@old.example/shop",
            shown="mysql+pymysql://shop:***@old.example/shop",
        ),
        target=Address(
            url="postgresql+psycopg://shop:s3cret@new.example/shop",
            shown="postgresql+psycopg://shop:***@new.example/shop",
        ),
        migration=Migration(
            command="alembic upgrade head",
            version="git describe --tags",
            stop="systemctl stop shop",
            start="systemctl start shop",
            lock_wait_max=5.0,
            timeout=7200.0,
        ),
        environment=Environment(
            variables=("SHOP_OLD_DB", "SHOP_NEW_DB", "BACKUP_DIR"),
            match={"BACKUP_DIR": "/.+"},
            packages=("alembic>=1.12",),
            programs=("pg_dump>=15",),
        ),
        system=System(disk_factor=2.0, paths={Path("/srv/backups"): "rw", tmp_path / "migrations": "r"}),
        backup=BackupPlan(directory=Path("/srv/backups"), keep={"last": 7, "within": "30d"}),
        limits=Limits(),
        record=RecordPlan(directory=tmp_path / "reports", sample=20),
        tables={
            "customers": CUSTOMERS,
            "orders": ORDERS,
            "audit_log": TablePlan(name="audit_log", exclude="append-only log of 2 TB, moved by replication"),
        },
        changes=CHANGES,
        rules=(
            BusinessRule(
                id="paid-orders-are-settled",
                sql={"": sql},
                why="Finance closes the month on settled payments",
            ),
        ),
        endpoints=(
            Endpoint(
                url="https://shop.example/orders/1001",
                body='"total"',
                response_time=0.8,
                shown="$SHOP_BASE_URL/orders/1001",
            ),
        ),
        queries=(
            NamedQuery(
                name="last orders of a customer",
                sql="select id, total from orders where customer_id = 1 order by ordered_at desc limit 20",
                low=1,
            ),
        ),
        smoke=(SmokeTest(command="pytest tests/smoke -q"),),
        waivers=(
            Waiver(
                check="customers.accepted.country",
                reason="3 legacy customers in GB, to be merged (SHOP-812)",
                by="a.meyer",
                until=date(2026, 12, 31),
                rows=3,
            ),
        ),
    )
    assert not plan.in_place
    assert "s3cret" not in repr(plan)


def test_the_shortest_plan_is_in_place(tmp_path: Path) -> None:
    """Three lines make a plan, on one database."""
    plan = samples.plan_in(tmp_path, samples.SHORTEST)
    assert plan.in_place
    assert plan.source == Address(url=f"sqlite:///{tmp_path}/shop.db", shown="sqlite:///shop.db")
    assert (plan.name, plan.tables, plan.rules, plan.changes) == ("shop 4.2", {}, (), Changes())


def test_a_plan_is_read_the_same_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the process stands plays no part, and the environment is the process's own by default."""
    plan = samples.plan_in(tmp_path, samples.SHORTEST)
    monkeypatch.setenv("SHOP_DB", samples.ENVIRON["SHOP_DB"])
    monkeypatch.chdir(tmp_path)
    assert read(Path("visionforge.toml")) == plan
    (tmp_path / "below").mkdir()
    assert read(Path("below/../visionforge.toml")) == plan


def test_every_value_can_be_a_key() -> None:
    """Values are frozen and hashable, mappings or not, so that a check may be parametrised by them."""
    plan = samples.plan(samples.WHOLE)
    values = [plan, plan.changes, *plan.changes.tables.values(), *plan.tables.values(), *plan.rules]
    rules = [rule for table in plan.tables.values() for rule in table.rules]
    assert len({*values, *rules}) == len(values) + len(rules)


FILES = {
    "rules/a.sql": "select 1",
    "rules/b.sql": "select 2",
    "expectations/t.json": '{"expectations": [{"type": "e"}]}',
}


def test_the_digest_is_that_of_the_file_alone(tmp_path: Path) -> None:
    """Without files beside it, a plan's digest is what `sha256sum` prints."""
    plan = samples.plan_in(tmp_path, samples.SHORTEST)
    assert plan.sha256 == hashlib.sha256((tmp_path / "visionforge.toml").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "files",
    [
        {},
        {name: FILES[name] for name in ("rules/a.sql", "rules/b.sql")},
        {**FILES, "rules/a.sql": "select 3"},
        {"rules/a.sql": FILES["rules/b.sql"], "rules/b.sql": FILES["rules/a.sql"]},
        {**FILES, "expectations/t.json": FILES["expectations/t.json"] + " "},
        {**{name: text for name, text in FILES.items() if name != "rules/b.sql"}, "rules/c.sql": "select 2"},
    ],
)
def test_the_digest_changes_with_each_file_beside_the_plan(files: dict[str, str]) -> None:
    """A rule or expectation that is altered, swapped or removed makes another plan."""
    digest = samples.plan(samples.SHORTEST, files=FILES).sha256
    assert samples.plan(samples.SHORTEST, files=dict(reversed(FILES.items()))).sha256 == digest
    assert samples.plan(samples.SHORTEST, files=files).sha256 != digest
    assert samples.plan(samples.SHORTEST + "# x", files=FILES).sha256 != digest


def test_all_errors_are_told_at_once() -> None:
    """One reading tells every error, in the plan and beside it, each on a line with its file and key."""
    text = """
        [database]
        url = "$NOT_SET"
        [tables.orders]
        acepted = { status = ["new"] }
        range = { total = "9..1" }
        [limits]
        cpu = 80
        [[waivers]]
        check = "orders..x"
        reason = "r"
        by = "b"
        until = 2026-12-31
    """
    files = {"rules/a.sql": "-- severity: x\nselect 1", "expectations/t.json": "{}"}
    with pytest.raises(PlanError) as told:
        samples.plan(text, files=files)
    lines = str(told.value).splitlines()
    assert [line.rsplit(": ", 1)[0].partition(" ")[0] for line in lines].count("visionforge.toml:") == 6
    assert lines[0] == (
        "visionforge.toml: database.url: environment variable NOT_SET is not set (or empty): "
        "set it and run again"
    )
    assert 'visionforge.toml: tables.orders.acepted: unknown key; did you mean "accepted"?' in lines
    for key in ("tables.orders.range.total", "limits.cpu", "plan", 'waivers: "orders..x" is no name'):
        assert any(line.startswith(f"visionforge.toml: {key}") for line in lines)
    assert any(line.startswith("rules/a.sql: severity: unknown word 'x'") for line in lines)
    assert any(line.startswith("expectations/t.json: holds no expectations") for line in lines)
    assert len(lines) == 8
    assert told.value.exit_code == 4


SOURCE, TARGET = '[source]\nurl = "$SHOP_OLD_DB"\n', '[target]\nurl = "$SHOP_NEW_DB"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('plan = "x"', "no database; write [database] for a migration in place, or [source] and [target]"),
        (f'plan = "x"\n{SOURCE}', "target: is missing; write it too, or [database]"),
        (f'plan = "x"\n{TARGET}', "source: is missing; write it too"),
        (f"{samples.SHORTEST}{SOURCE}", "[database] is there beside [source] or [target]; keep the one"),
        (
            f'plan = "x"\n{SOURCE}{TARGET.replace("NEW", "OLD")}',
            "[source] and [target] are the same database; write [database] alone",
        ),
        (SOURCE + TARGET, 'plan: is missing; write plan = "shop 4.2", the name on every record'),
        (samples.SHORTEST.replace("shop 4.2", " "), "plan: is blank"),
        (
            'plan = "x"\ndatabase = "$SHOP_DB"',
            "database: expected a table; write [database] and below it url",
        ),
        ('plan = "x"\n[database]', "database.url: is missing"),
        (f"{samples.SHORTEST}password = 'x'", "database.password: unknown key; known here: url"),
        ("plan = ", "is not valid TOML: Invalid value (at line 1, the last)"),
        ('plan = "a"\nplan = "b"', "is not valid TOML: Cannot overwrite a value (at line 2, the last)"),
        ('x = "a\n[database]', "is not valid TOML: Illegal character '\\n' (at line 1, column 7)"),
        ("plan = " + "[" * 50_000, "is not valid TOML"),
        ("plan = " + "1" * 5_000, "is not valid TOML"),
    ],
)
def test_a_plan_that_is_none_is_told(text: str, says: str) -> None:
    """What the plan as a whole lacks is one line that says what to write."""
    (error,) = samples.errors(text)
    assert error.startswith(says)


@pytest.mark.parametrize("end", ["\\n", "\\u2028", "\\u0085", "\\r"])
def test_an_error_is_one_line_whatever_its_key_is(end: str) -> None:
    """A key that holds a line end does not make a second line."""
    (error,) = samples.errors(f'"a{end}b" = 1\n{samples.SHORTEST}')
    assert "unknown key" in error


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A plan that is absent, a directory or no text is one line too."""
    with pytest.raises(PlanError, match=r"^a.toml: cannot be read: No such file or directory; looked for /"):
        read(tmp_path / "a.toml")
    with pytest.raises(PlanError, match=r"cannot be read: Is a directory"):
        read(tmp_path)
    (tmp_path / "b.toml").write_bytes(b"plan = '\xff'")
    with pytest.raises(PlanError, match=r"^b.toml: is not UTF-8 text \(invalid start byte at byte 8\)$"):
        read(tmp_path / "b.toml")


def test_a_byte_order_mark_is_passed_over() -> None:
    """An editor that writes a mark before the text does no harm."""
    assert samples.plan("\ufeff" + samples.SHORTEST).name == "shop 4.2"


KEYS = [
    *("url", "orders", "column", "values", "exclude", "key", "sample", "severity", "where", "columns", "id"),
    *("renamed", "added", "sql", "command", "check", "reason", "by", "until", "cpu", "keep", "last", "paths"),
]
SECTIONS = ("plan", "tables", "changes", "rules", "backup", "record", *sections.READERS)
WORDS = st.sampled_from([*SECTIONS, *tables.WORDS, *KEYS])
VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.text(st.characters(codec="utf-8"))
    | st.sampled_from(["$SHOP_DB", "0..1", "a <= b", "a.b", "sum(a.b)", "5s", "1%", "warn", "orders.rows"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(WORDS | st.text(st.characters(codec="utf-8")), inner, max_size=6)
    ),
    max_leaves=25,
)


def toml(value: Any) -> str:
    """A value as TOML, on one line."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{toml(key)} = {toml(item)}' for key, item in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value) if isinstance(value, bool) else str(value).replace("+infinity", "inf")


@settings(max_examples=examples(300), suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(WORDS, VALUES, max_size=8), st.booleans())
def test_no_table_does_more_than_be_wrong(data: dict[str, Any], whole: bool) -> None:
    """Whatever TOML says, the plan is read or its errors are told, one line each."""
    start = {"plan": "x", "database": {"url": "$SHOP_DB"}} if whole else {}
    text = "\n".join(f"{toml(key)} = {toml(value)}" for key, value in {**data, **start}.items())
    try:
        assert samples.plan(text).name == "x"
    except PlanError as error:
        lines = str(error).splitlines()
        assert all(line.startswith("visionforge.toml: ") for line in lines)
        assert "is not valid TOML" not in lines[0]


@given(st.text(st.characters(codec="utf-8")) | st.text('[]{}="\n.#abc'))
def test_no_text_does_more_than_be_wrong(text: str) -> None:
    """Any text at all in the place of a plan is told as an error."""
    assert samples.errors(text)


def test_the_plan_is_light_to_import() -> None:
    """Whoever imports the plan pays for no library beside the standard one."""
    code = (
        "import sys, pytest_visionforge.plan as plan\n"
        "own = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)\n"
        "print(sorted(name for name in own if not name.startswith('__')))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(Path.cwd())!r})\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "pytest_visionforge" in done.stdout
    assert not {"pydantic", "sqlalchemy", "pytest"} & set(
        done.stdout.replace("'", " ").replace(",", " ").split()
    )
