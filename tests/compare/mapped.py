"""What each type is sensibly moved to on the other DBMS, with values that all of them hold."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from tests.compare.typical import OTHER_UUID, UUID

Value = str | bytes | int


@dataclass(frozen=True)
class Moved:
    """A column that moves: its type on each DBMS ("": it takes no part), a value, and others that differ."""

    types: Mapping[str, str]
    value: Value
    others: tuple[Value, ...]

    def bound(self, dbms: str, value: Value | None) -> Value | None:
        """A value as a driver is given it: text as an export writes it, bytes or a number."""
        type = self.types[dbms]
        if isinstance(value, bytes) and type == "uuid":
            return str(uuid.UUID(bytes=value))
        if isinstance(value, int) and dbms == "postgresql":
            return f"{value:03b}" if type == "bit(3)" else str(value)
        return value


def _moved(sqlite: str, postgresql: str, mariadb: str, value: Value, *others: Value) -> Moved:
    return Moved({"sqlite": sqlite, "postgresql": postgresql, "mariadb": mariadb}, value, others)


MAPPED = (
    _moved("TINYINT", "smallint", "tinyint", "1", "-128"),
    _moved("INTEGER", "smallint", "tinyint unsigned", "1", "255"),
    _moved("SMALLINT", "smallint", "smallint", "1", "-32768"),
    _moved("INTEGER", "integer", "smallint unsigned", "1", "65535"),
    _moved("INTEGER", "integer", "mediumint", "1", "-8388608"),
    _moved("INTEGER", "integer", "int", "1", "-2147483648"),
    _moved("INTEGER", "bigint", "int unsigned", "1", "4294967295"),
    _moved("INTEGER", "bigint", "int(8) zerofill", "1", "2"),
    _moved("BIGINT", "bigint", "bigint", "9007199254740993", "9007199254740992"),
    _moved("TEXT", "numeric(20,0)", "bigint unsigned", "18446744073709551615", "18446744073709551614"),
    _moved("INTEGER", "oid", "int unsigned", "1", "4294967295"),
    _moved("INTEGER", "smallint", "year", "2024", "2025"),
    _moved("BOOLEAN", "boolean", "boolean", "1", "0"),
    _moved("BOOLEAN", "boolean", "bit(1)", 1, 0),
    _moved("INTEGER", "smallint", "boolean", "1", "0"),
    _moved("INTEGER", "bigint", "bit(40)", 1099511627775, 1099511627774),
    _moved("NUMERIC(10,2)", "numeric(10,2)", "decimal(10,2)", "1.50", "1.51", "-1.50"),
    _moved("DECIMAL(10,0)", "numeric(10,0)", "decimal(10,0)", "100", "10"),
    _moved("TEXT", "numeric(40,20)", "decimal(40,20)", "1.5", "1.50000000000000000001"),
    _moved("NUMERIC", "numeric", "decimal(20,6)", "1.5", "1.500001"),
    _moved("NUMERIC(12,2)", "money", "decimal(12,2)", "1.50", "1.51"),
    _moved("NUMERIC(10,2)", "numeric(10,2)", "decimal(10,2) zerofill", "1.50", "1.51"),
    _moved("INTEGER", "bigint", "decimal(12,2)", "150", "151"),
    _moved("DOUBLE", "double precision", "double", "0.1", "0.10000000000000002", "1.7976931348623157e308"),
    _moved("REAL", "real", "float", "0.5", "0.25"),
    _moved("NUMERIC(10,2)", "numeric(10,2)", "double", "0.1", "0.11"),
    _moved("REAL", "double precision", "decimal(10,2)", "0.1", "0.11"),
    _moved("CHAR(5)", "char(5)", "char(5)", "a", "b"),
    _moved("VARCHAR(9)", "varchar(9)", "varchar(9)", "ß", "ss", "ß "),
    _moved("VARCHAR(9)", "varchar(9)", "varchar(9) character set latin1", "ä", "a"),
    _moved("VARCHAR(9)", "varchar(9)", "varchar(9) character set utf16", "ä😀", "ä"),
    _moved("TEXT", "citext", "varchar(9)", "a", "A"),
    _moved("TEXT", "name", "varchar(64)", "a", "A"),
    _moved("TEXT", "text", "tinytext", "a", "a "),
    _moved("CLOB", "text", "text", "a", "A"),
    _moved("TEXT", "text", "mediumtext", "a", ""),
    _moved("TEXT", "text", "longtext", "a\n", "a\r\n"),
    _moved("TEXT", "mood", "enum('sad','glad')", "sad", "glad"),
    _moved("TEXT", "text", "enum('sad','glad')", "sad", "glad"),
    _moved("TEXT", "text", "set('a','b')", "a,b", "a", ""),
    _moved("TEXT", "xml", "longtext", "<a/>", "<a></a>"),
    _moved("TEXT", "cidr", "varchar(50)", "10.0.0.0/8", "10.0.0.0/9"),
    _moved("TEXT", "inet", "varchar(50)", "10.0.0.0/8", "10.0.0.0/9"),
    _moved("TEXT", "macaddr", "varchar(50)", "08:00:2b:01:02:03", "08:00:2b:01:02:04"),
    _moved("TEXT", "interval", "time", "30:00:00", "-30:00:00"),
    _moved("TEXT", "interval", "varchar(50)", "1 day", "24:00:00"),
    _moved("TEXT", "text[]", "varchar(50)", "{a,b}", "{b,a}"),
    _moved("TEXT", "int4range", "varchar(50)", "[1,5)", "[1,6)"),
    _moved("TEXT", "tsvector", "text", "'a' 'b'", "'a' 'c'"),
    _moved("TEXT", "point", "varchar(50)", "(1,2)", "(2,1)"),
    _moved("TEXT", "bit(3)", "varchar(3)", "101", "100"),
    _moved("BLOB", "bytea", "binary(3)", b"\x00\xff\x01", b"\x00\xfe\x01"),
    _moved("BLOB", "bytea", "varbinary(9)", b"\x00\xff", b"\x00\xfe", b"\x00\xff\x00"),
    _moved("BLOB", "bytea", "tinyblob", b"\x00\xff", b""),
    _moved("BLOB", "bytea", "blob", b"\x00\xff", b"\x00\xfe"),
    _moved("BLOB", "bytea", "mediumblob", b"\x00\xff" * 90, b"\x00\xff" * 89),
    _moved("BLOB", "bytea", "longblob", b"\x00\xff", b"\x00\xfe"),
    _moved("DATE", "date", "date", "2024-01-01", "2024-01-02"),
    _moved("TIMESTAMP", "timestamp", "datetime(6)", "2024-01-01 10:00:00", "2024-01-01 10:00:00.000001"),
    _moved("DATETIME", "timestamp(0)", "datetime", "2024-01-01 10:00:00", "2024-01-01 10:00:01"),
    _moved("DATETIME", "timestamp(3)", "datetime(3)", "2024-01-01 10:00:00", "2024-01-01 10:00:00.001"),
    _moved("TIMESTAMP", "timestamptz", "timestamp(6)", "2024-01-01 10:00:00", "2024-01-01 11:00:00"),
    _moved("TIMESTAMP", "timestamptz", "datetime(6)", "2024-01-01 10:00:00", "2024-01-01 11:00:00"),
    _moved("DATETIME", "date", "datetime", "2024-01-01", "2024-01-02"),
    _moved("TIME", "time", "time(6)", "10:00:00", "10:00:00.000001"),
    _moved("TIME", "time(0)", "time", "10:00:00", "10:00:01"),
    _moved("UUID", "uuid", "uuid", UUID.strip("'"), OTHER_UUID.strip("'")),
    _moved("TEXT", "uuid", "char(36)", UUID.strip("'"), OTHER_UUID.strip("'")),
    _moved("BLOB", "uuid", "binary(16)", b"\x6f\x96\x19\xff" * 4, b"\x6f\x96\x19\xfe" * 4),
    _moved("BLOB", "bytea", "binary(16)", b"\x6f\x96\x19\xff" * 4, b"\x6f\x96\x19\xfe" * 4),
    _moved("TEXT", "text", "uuid", UUID.strip("'"), OTHER_UUID.strip("'")),
    _moved("JSON", "jsonb", "json", '{"a": 1, "b": [2.5]}', '{"a": 1, "b": [2.6]}', "null"),
    _moved("TEXT", "json", "json", '{"a":1}', '{"a":2}'),
    _moved("JSON", "jsonb", "longtext", '{"a": 1}', '{"a": 2}'),
    _moved("TEXT", "jsonpath", "text", '$."a"', '$."b"'),
    _moved("TEXT", "hstore", "text", '"a"=>"1"', '"a"=>"2"'),
    _moved("TEXT", "ltree", "varchar(50)", "a.b", "a.c"),
    _moved("TEXT", "pg_lsn", "varchar(50)", "0/1", "1/1"),
)

# The same, of types whose own text differs from one DBMS to the other.
WRITTEN_OTHERWISE = (
    _moved("TEXT", "inet", "inet4", "10.0.0.1", "10.0.0.2"),
    _moved("TEXT", "inet", "inet6", "::1", "::2"),
    _moved("", "bit(3)", "bit(3)", 5, 4),
    _moved("TEXT", "inet", "varchar(50)", "10.0.0.1", "10.0.0.2"),
)
