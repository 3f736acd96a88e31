"""MariaDB's facts: from information_schema, which hides what a role may not see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_visionforge import dialects
from pytest_visionforge.database import (
    CheckConstraint,
    Database,
    Grant,
    Index,
    Key,
    Partition,
    Schema,
    Sequence,
)
from tests import samples
from tests.servers import Server

DDL = (
    "CREATE SEQUENCE s1 START 7 NOCACHE",
    "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, a varchar(20) DEFAULT 'it''s' NOT NULL,"
    " b int DEFAULT 5, c timestamp DEFAULT current_timestamp ON UPDATE current_timestamp, d json,"
    " f int AS (b + 1) STORED, g int DEFAULT nextval(s1), h int DEFAULT NULL,"
    " CONSTRAINT cc CHECK (b < 100), UNIQUE KEY u (a), KEY pre (a(5)), KEY dd (b DESC),"
    " FULLTEXT KEY ft (a)) COMMENT 'hello'",
    "CREATE UNIQUE INDEX up ON t (a(3))",
    "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET new.b = 1",
    "CREATE TABLE pt (a int PRIMARY KEY) PARTITION BY HASH (a) PARTITIONS 3",
    "CREATE TABLE sv (a int) WITH SYSTEM VERSIONING",
    "INSERT INTO t (a) VALUES ('x'), ('yyyy')",
)


def schema_of(url: str) -> Schema:
    """The schema of a database."""
    with Database("source", url) as database:
        return database.schema


@pytest.fixture
def schema(mariadb: str) -> Schema:
    """The schema of a database with what only MariaDB has."""
    samples.execute(mariadb, *DDL)
    return schema_of(mariadb)


def test_tables(schema: Schema) -> None:
    """Sequences are no tables; partitioned and versioned tables are."""
    assert {id: table.kind for id, table in schema.tables.items()} == {
        "pt": "partitioned",
        "sv": "table",
        "t": "table",
    }
    assert schema.tables["t"].comment == "hello"


def test_columns(schema: Schema) -> None:
    """Defaults are SQL, with what an update sets; a NULL default is none."""
    columns = {column.name: column for column in schema.tables["t"].columns}
    assert columns["a"].default == "'it''s'"
    assert columns["c"].default == "current_timestamp() on update current_timestamp()"
    assert columns["g"].default == "nextval(`s1`)"
    assert columns["h"].default is None
    assert (columns["f"].generated, columns["f"].default) == ("`b` + 1", None)
    assert columns["id"].identity
    assert not columns["b"].identity


def test_keys_and_indexes(schema: Schema) -> None:
    """A unique index over whole columns is a key; one over a column's beginning is an index."""
    table = schema.tables["t"]
    assert table.primary_key == Key("PRIMARY", ("id",))
    assert table.unique_keys == (Key("u", ("a",)),)
    assert table.indexes == (
        Index("dd", ("b",), method="btree", options=("DESC",)),
        Index("ft", ("a",), method="fulltext"),
        Index("pre", ("a",), method="btree", options=("(5)",)),
        Index("up", ("a",), unique=True, method="btree", options=("(3)",)),
    )


def test_checks_and_triggers(schema: Schema) -> None:
    """CHECKs of tables and columns are read, and triggers with their whole text."""
    table = schema.tables["t"]
    assert CheckConstraint("cc", "`b` < 100") in table.checks
    assert CheckConstraint("d", "json_valid(`d`)") in table.checks
    (trigger,) = table.triggers
    assert trigger.definition == "CREATE TRIGGER `tr` BEFORE INSERT ON `t` FOR EACH ROW SET new.b = 1"


def test_sequences(schema: Schema) -> None:
    """AUTO_INCREMENT and sequences tell the number they give next, and what they feed."""
    assert schema.sequences == {
        "s1": Sequence("s1", 9, owner=("t", "g")),
        "t": Sequence("t", 3, owner=("t", "id")),
    }


def test_definitions(mariadb: str) -> None:
    """Routines and events are known by what makes them, without the database's name; definers own them."""
    samples.execute(
        mariadb,
        "CREATE TABLE t (a int, b int AS (a + 1) VIRTUAL, c int INVISIBLE) ENGINE = Aria COLLATE utf8mb4_bin",
        "CREATE FUNCTION f(a int, b varchar(10)) RETURNS int DETERMINISTIC RETURN a + 1",
        "CREATE PROCEDURE f(IN a int, OUT b int) SQL SECURITY INVOKER COMMENT 'it''s' SET b = a",
        "CREATE EVENT e ON SCHEDULE EVERY '1:10' MINUTE_SECOND STARTS '2037-01-01' DISABLE DO DELETE FROM t",
        "CREATE VIEW v AS SELECT a AS number FROM t WHERE a > 0 WITH CHECK OPTION",
        "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET new.a = 1",
    )
    schema = schema_of(mariadb)
    assert {key: each.text for key, each in schema.routines.items()} == {
        "function f": "CREATE FUNCTION `f`(`a` int(11), `b` varchar(10)) RETURNS int(11) DETERMINISTIC RETURN a + 1",
        "procedure f": "CREATE PROCEDURE `f`(IN `a` int(11), OUT `b` int(11)) SQL SECURITY INVOKER"
        " COMMENT 'it''s' SET b = a",
    }
    assert schema.events["event e"].text == (
        "ON SCHEDULE EVERY '1:10' MINUTE_SECOND STARTS '2037-01-01 00:00:00' DISABLE DO DELETE FROM t"
    )
    assert set(schema.owners) == {"event e", "function f", "procedure f", "trigger tr", "view v"}
    assert all(owner.startswith("root@") for owner in schema.owners.values())
    assert schema.tables["t"].options == {"engine": "Aria", "collation": "utf8mb4_bin"}
    assert [column.variant for column in schema.tables["t"].columns] == ["", "virtual", "invisible"]
    view = schema.views["v"]
    assert (view.columns, view.options) == (
        ("number",),
        {"sql security": "DEFINER", "check option": "CASCADED"},
    )


def test_partitions(mariadb: str) -> None:
    """Partitions are read with their bounds, in their order, and with their parts."""
    samples.execute(
        mariadb,
        "CREATE TABLE r (a int, b int) PARTITION BY RANGE (a) SUBPARTITION BY HASH (b) SUBPARTITIONS 2"
        " (PARTITION p9 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)",
        "CREATE TABLE l (a int) PARTITION BY LIST (a) (PARTITION p VALUES IN (1, 2))",
    )
    tables = schema_of(mariadb).tables
    assert tables["r"].options["partitioned by"] == "RANGE (`a`)"
    assert tables["r"].partitions == (
        Partition("p9", "VALUES LESS THAN (10)", by="HASH (`b`)"),
        Partition("p9sp0", "", parent="p9"),
        Partition("p9sp1", "", parent="p9"),
        Partition("p1", "VALUES LESS THAN MAXVALUE", by="HASH (`b`)"),
        Partition("p1sp0", "", parent="p1"),
        Partition("p1sp1", "", parent="p1"),
    )
    assert tables["l"].partitions == (Partition("p", "VALUES IN (1,2)"),)


def test_grants(mariadb_server: Server, mariadb: str) -> None:
    """What users and roles hold on the database, its tables, columns, views and routines is read."""
    name = dialects.parse_url(mariadb).database
    samples.execute(mariadb, "CREATE TABLE t (a int)", "CREATE VIEW v AS SELECT a FROM t")
    samples.execute(mariadb, "CREATE FUNCTION f() RETURNS int RETURN 1")
    for statement in (
        "CREATE OR REPLACE USER vf_test_reader@'%'",
        "CREATE OR REPLACE ROLE vf_test_role",
        f"GRANT SELECT ON {name}.t TO vf_test_reader@'%' WITH GRANT OPTION",
        f"GRANT UPDATE (a) ON {name}.t TO vf_test_reader@'%'",
        f"GRANT SELECT ON {name}.v TO vf_test_role",
        f"GRANT EXECUTE ON FUNCTION {name}.f TO vf_test_reader@'%'",
        f"GRANT INSERT ON {name}.* TO vf_test_role",
    ):
        mariadb_server.run(statement)
    user, role = "'vf_test_reader'@'%'", "'vf_test_role'"
    grants = schema_of(mariadb).grants
    mariadb_server.run("DROP USER vf_test_reader@'%'")
    mariadb_server.run("DROP ROLE vf_test_role")
    assert grants == (
        Grant("INSERT", "database", "", role),
        Grant("EXECUTE", "function", "f", user),
        Grant("SELECT", "table", "t", user, grantable=True),
        Grant("UPDATE", "table", "t", user, "a", grantable=True),
        Grant("SELECT", "view", "v", role),
    )


def test_reference_to_another_database(mariadb_server: Server, mariadb: str) -> None:
    """A parent in another database bears that database's name."""
    other = mariadb_server.create()
    name = dialects.parse_url(other).database
    samples.execute(other, "CREATE TABLE p (id int PRIMARY KEY)")
    samples.execute(mariadb, f"CREATE TABLE c (p int, FOREIGN KEY (p) REFERENCES {name}.p (id))")
    assert schema_of(mariadb).tables["c"].foreign_keys[0].parent == f"{name}.p"
    samples.execute(mariadb, "DROP TABLE c")
    mariadb_server.drop(other)


@pytest.fixture
def restricted(mariadb_server: Server, mariadb: str) -> Iterator[str]:
    """The URL of a user who may read one table of the database only."""
    samples.execute(
        mariadb, "CREATE TABLE open (a int)", "CREATE TABLE closed (a int)", "CREATE TABLE half (a int)"
    )
    url = dialects.parse_url(mariadb)
    mariadb_server.run("CREATE OR REPLACE USER vf_test_user@'%' IDENTIFIED BY 'pw'")
    mariadb_server.run(f"GRANT SELECT ON {url.database}.open TO vf_test_user@'%'")
    mariadb_server.run(f"GRANT INSERT ON {url.database}.half TO vf_test_user@'%'")
    yield url.set(username="vf_test_user", password="pw").render_as_string(hide_password=False)
    mariadb_server.run("DROP USER vf_test_user@'%'")


def test_hidden(restricted: str) -> None:
    """A role that may not read the whole database is told what it may be missing."""
    with Database("source", restricted) as database, database.session() as session:
        assert list(database.schema.tables) == ["half", "open"]
        assert {each.right for each in database.schema.hidden} == {"SELECT", "TRIGGER", "SHOW VIEW"}
        assert [each.right for each in database.schema.unlisted] == ["SELECT"]
        assert database.schema.grants is None
        assert any("SELECT on mysql" in str(each) for each in database.schema.unseen)
        assert database.dialect.catalog.unreadable(session) == ("half",)


def test_nothing_is_hidden(mariadb_server: Server, mariadb: str, restricted: str) -> None:
    """A role with rights on the whole database, by a pattern too, misses nothing."""
    name = str(dialects.parse_url(mariadb).database).replace("_", r"\\_")
    mariadb_server.run(
        f"GRANT SELECT, TRIGGER, SHOW VIEW ON `{name}`.* TO vf_test_user@'%'".replace("\\\\", "\\")
    )
    with Database("source", restricted) as database, database.session() as session:
        assert database.schema.hidden == ()
        assert list(database.schema.tables) == ["closed", "half", "open"]
        assert database.dialect.catalog.unreadable(session) == ()


def test_damage(mariadb: str) -> None:
    """A data file that lost its rows is damage of its table, and of no other."""
    samples.execute(
        mariadb,
        "CREATE TABLE t (a int) ENGINE = MyISAM",
        "INSERT INTO t VALUES (1), (2)",
        "CREATE TABLE other (a int)",
        "FLUSH TABLES",
    )
    with Database("source", mariadb) as database, database.session() as session:
        catalog = database.dialect.catalog
        folders = catalog.data_directories(session, database.url)
        if not folders:
            pytest.skip("the server's files are not on this machine")
        (Path(folders[0]) / str(database.url.database) / "t.MYD").write_bytes(b"")
        assert any("t: " in line for line in catalog.damage(session, "t"))
        assert catalog.damage(session, "other") == ()
        assert catalog.damage(session, "")
