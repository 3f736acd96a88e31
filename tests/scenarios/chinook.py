"""Chinook as a database to migrate in place: its names, its migration and its defects, per DBMS."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import create_engine, text


def execute(url: str, *statements: str) -> None:
    """Runs statements, each on its own, as the database's owner."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement.replace(":", r"\:")))
    finally:
        engine.dispose()


@dataclass(frozen=True)
class Names:
    """How one DBMS's script names things."""

    dbms: str
    camel: bool
    quote: str = '"'

    def __call__(self, camel: str) -> str:
        """A name, as written in Chinook for SQLite, in this script's form and quoted."""
        return f"{self.quote}{self.plain(camel)}{self.quote}"

    def plain(self, camel: str) -> str:
        """The same, not quoted."""
        if self.camel:
            return camel
        return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(camel))


NAMES = {
    "sqlite": Names("sqlite", camel=True),
    "postgresql": Names("postgresql", camel=False),
    "mariadb": Names("mariadb", camel=True, quote="`"),
}

# A table without a key, and one that a sequence feeds: the sample has neither.
ADDED = {
    "sqlite": (
        "CREATE TABLE play (track INTEGER, played TEXT, note TEXT)",
        "CREATE TABLE visit (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL)",
    ),
    "postgresql": (
        "CREATE TABLE play (track integer, played timestamp, note text)",
        "CREATE TABLE visit (id serial PRIMARY KEY, at timestamp NOT NULL)",
    ),
    "mariadb": (
        "CREATE TABLE play (track INT, played DATETIME, note TEXT)",
        "CREATE TABLE visit (id INT PRIMARY KEY AUTO_INCREMENT, at DATETIME NOT NULL)",
        "CREATE SEQUENCE ticket START WITH 100",
        "CREATE INDEX IFK_Extra ON `Track` (`Composer`(20))",
    ),
}
ADDED_ROWS = (
    "INSERT INTO play VALUES (1, '2024-01-01 10:00:00', 'a'), (1, '2024-01-01 10:00:00', 'a'),"
    " (2, '2024-01-02 11:30:00', NULL), (3, '2024-01-03 12:00:00', '')",
    "INSERT INTO visit (at) VALUES ('2024-01-01 00:00:00'), ('2024-01-02 00:00:00'), ('2024-01-03 00:00:00')",
)

SPLIT = {
    "sqlite": (
        "substr({name}, 1, instr({name} || ' ', ' ') - 1)",
        "substr({name}, instr({name} || ' ', ' ') + 1)",
    ),
    "postgresql": ("split_part({name}, ' ', 1)", "substr({name}, length(split_part({name}, ' ', 1)) + 2)"),
    "mariadb": (
        "substring_index({name}, ' ', 1)",
        "substring({name}, char_length(substring_index({name}, ' ', 1)) + 2)",
    ),
}


def migration(dbms: str) -> tuple[str, ...]:
    """Renames a table, adds a column, splits a name, drops a column."""
    n = NAMES[dbms]
    first, rest = (part.format(name=n("Name")) for part in SPLIT[dbms])
    given, surname, artist = n("GivenName"), n("Surname"), n("Artist")
    return (
        f"ALTER TABLE {n('Genre')} RENAME TO {n('MusicGenre')}",
        f"ALTER TABLE {n('Track')} ADD COLUMN {n('Rating')} INTEGER DEFAULT 0 NOT NULL",
        f"ALTER TABLE {artist} ADD COLUMN {given} VARCHAR(120)",
        f"ALTER TABLE {artist} ADD COLUMN {surname} VARCHAR(120)",
        f"UPDATE {artist} SET {given} = {first}, {surname} = {rest}",
        f"ALTER TABLE {artist} DROP COLUMN {n('Name')}",
        f"ALTER TABLE {n('Customer')} DROP COLUMN {n('Fax')}",
    )


def changes(dbms: str) -> str:
    """The same, declared."""
    n = NAMES[dbms]
    first, rest = (part.format(name=n("Name")) for part in SPLIT[dbms])
    p = n.plain
    return f"""
[changes.tables.{p("MusicGenre")}]
renamed_from = "{p("Genre")}"
[changes.tables.{p("Track")}]
columns.added = ["{p("Rating")}"]
[changes.tables.{p("Artist")}]
columns.dropped = ["{p("Name")}"]
columns.values = {{ {p("GivenName")} = '''{first}''', {p("Surname")} = '''{rest}''' }}
[changes.tables.{p("Customer")}]
columns.dropped = ["{p("Fax")}"]
"""


@dataclass(frozen=True)
class Defect:
    """Something that goes wrong in a migration: how to plant it, mend it, and what the record says.

    `says` are texts that stand in the result (as JSON) of a violated check.
    """

    name: str
    plant: tuple[str, ...]
    mend: tuple[str, ...]
    says: tuple[str, ...]
    only: tuple[str, ...] = field(default=("sqlite", "postgresql", "mariadb"))

    def __str__(self) -> str:
        return self.name


def defects(dbms: str) -> list[Defect]:
    """Each defect of the list, in the DBMS's own SQL."""
    return [defect for defect in (*_of_values(dbms), *_of_schema(dbms)) if dbms in defect.only]


def _of_values(dbms: str) -> list[Defect]:
    n = NAMES[dbms]
    p = n.plain
    invoice, line, customer, employee = n("Invoice"), n("InvoiceLine"), n("Customer"), n("Employee")
    shift, back = _hour(dbms, n("InvoiceDate"))
    one, many = f"{n('InvoiceLineId')} = 777", f"{line} ({_line_columns(n)})"
    return [
        Defect(
            "deleted row",
            (f"CREATE TABLE kept AS SELECT * FROM {line} WHERE {one}", f"DELETE FROM {line} WHERE {one}"),
            (f"INSERT INTO {many} SELECT {_line_columns(n)} FROM kept", "DROP TABLE kept"),
            (p("InvoiceLine"), '"777"', "lost"),
        ),
        Defect(
            "duplicated row in a table without a key",
            ("INSERT INTO play VALUES (2, '2024-01-02 11:30:00', NULL)",),
            (
                "DELETE FROM play WHERE track = 2",
                "INSERT INTO play VALUES (2, '2024-01-02 11:30:00', NULL)",
            ),
            ("play", '"2"'),
        ),
        Defect(
            "two values swapped between two rows",
            _emails(n, "hholy@gmail.com", "frantisekw@jetbrains.com"),
            _emails(n, "frantisekw@jetbrains.com", "hholy@gmail.com"),
            (p("Customer"), '"5"', '"6"', p("Email")),
        ),
        Defect(
            "a cent changed",
            (f"UPDATE {invoice} SET {n('Total')} = 3.97 WHERE {n('InvoiceId')} = 100",),
            (f"UPDATE {invoice} SET {n('Total')} = 3.96 WHERE {n('InvoiceId')} = 100",),
            (p("Invoice"), '"100"', "3.97", "3.96"),
        ),
        Defect(
            "a NULL turned into ''",
            (f"UPDATE {customer} SET {n('Company')} = '' WHERE {n('CustomerId')} = 2",),
            (f"UPDATE {customer} SET {n('Company')} = NULL WHERE {n('CustomerId')} = 2",),
            (p("Customer"), '"2"', p("Company"), "null"),
        ),
        Defect(
            "a timestamp shifted by an hour",
            (f"UPDATE {invoice} SET {n('InvoiceDate')} = {shift} WHERE {n('InvoiceId')} = 7",),
            (f"UPDATE {invoice} SET {n('InvoiceDate')} = {back} WHERE {n('InvoiceId')} = 7",),
            (p("Invoice"), '"7"', p("InvoiceDate")),
        ),
        Defect(
            "trailing blank added",
            (f"UPDATE {employee} SET {n('City')} = 'Calgary ' WHERE {n('EmployeeId')} = 3",),
            (f"UPDATE {employee} SET {n('City')} = 'Calgary' WHERE {n('EmployeeId')} = 3",),
            (p("Employee"), '"3"', p("City"), "Calgary "),
        ),
    ]


def _line_columns(n: Names) -> str:
    return ", ".join(map(n, ("InvoiceLineId", "InvoiceId", "TrackId", "UnitPrice", "Quantity")))


def _emails(n: Names, fifth: str, sixth: str) -> tuple[str, ...]:
    return tuple(
        f"UPDATE {n('Customer')} SET {n('Email')} = '{email}' WHERE {n('CustomerId')} = {key}"
        for key, email in ((5, fifth), (6, sixth))
    )


def _hour(dbms: str, column: str) -> tuple[str, str]:
    if dbms == "sqlite":
        return f"datetime({column}, '+1 hour')", f"datetime({column}, '-1 hour')"
    return f"{column} + INTERVAL '1' HOUR", f"{column} - INTERVAL '1' HOUR"


def _of_schema(dbms: str) -> list[Defect]:
    n = NAMES[dbms]
    p = n.plain
    index = {"sqlite": "IFK_TrackAlbumId", "postgresql": "track_album_id_idx", "mariadb": "IFK_Extra"}[dbms]
    on = f" ON {n('Track')}" if dbms == "mariadb" else ""
    columns = n("Composer") if dbms == "mariadb" else n("AlbumId")
    extra = "(20)" if dbms == "mariadb" else ""
    return [
        Defect(
            "an index lost",
            (f"DROP INDEX {n.quote}{index}{n.quote}{on}",),
            (f"CREATE INDEX {n.quote}{index}{n.quote} ON {n('Track')} ({columns}{extra})",),
            (p("Track"), "index"),
        ),
        *_constraints(dbms, n, p),
        *_sequences(dbms),
    ]


def _constraints(dbms: str, n: Names, p: object) -> list[Defect]:
    album, title, artist = n("Album"), n("Title"), n("ArtistId")
    if dbms == "sqlite":
        return [
            Defect("a foreign key lost", _rebuilt(key=False), _rebuilt(), ("Album", "foreign key")),
            Defect("a NOT NULL lost", _rebuilt(null=True), _rebuilt(), ("Album", "Title", "null")),
        ]
    if dbms == "postgresql":
        key = f"FOREIGN KEY ({artist}) REFERENCES {n('Artist')} ({artist})"
        name = "album_artist_id_fkey"
        return [
            Defect(
                "a foreign key lost",
                (f"ALTER TABLE {album} DROP CONSTRAINT {name}",),
                (f"ALTER TABLE {album} ADD CONSTRAINT {name} {key}",),
                ("album", "foreign key"),
            ),
            Defect(
                "a NOT NULL lost",
                (f"ALTER TABLE {album} ALTER {title} DROP NOT NULL",),
                (f"ALTER TABLE {album} ALTER {title} SET NOT NULL",),
                ("album", "title", "null"),
            ),
        ]
    key = (
        f"FOREIGN KEY ({artist}) REFERENCES {n('Artist')} ({artist}) ON DELETE NO ACTION ON UPDATE NO ACTION"
    )
    return [
        Defect(
            "a foreign key lost",
            (f"ALTER TABLE {album} DROP FOREIGN KEY FK_AlbumArtistId",),
            (f"ALTER TABLE {album} ADD CONSTRAINT FK_AlbumArtistId {key}",),
            ("Album", "foreign key"),
        ),
        Defect(
            "a NOT NULL lost",
            (f"ALTER TABLE {album} MODIFY {title} VARCHAR(160) CHARACTER SET utf8mb3",),
            (f"ALTER TABLE {album} MODIFY {title} VARCHAR(160) CHARACTER SET utf8mb3 NOT NULL",),
            ("Album", "Title", "null"),
        ),
    ]


def _rebuilt(*, key: bool = True, null: bool = False) -> tuple[str, ...]:
    """SQLite changes a table's constraints by making it anew."""
    references = (
        ', FOREIGN KEY ([ArtistId]) REFERENCES "Artist" ([ArtistId]) ON DELETE NO ACTION ON UPDATE NO ACTION'
        if key
        else ""
    )
    return (
        "PRAGMA legacy_alter_table = ON",
        "ALTER TABLE Album RENAME TO album_old",
        f"CREATE TABLE [Album] ([AlbumId] INTEGER NOT NULL, [Title] NVARCHAR(160) {'' if null else 'NOT NULL'},"
        f" [ArtistId] INTEGER NOT NULL, CONSTRAINT [PK_Album] PRIMARY KEY ([AlbumId]){references})",
        "INSERT INTO Album SELECT AlbumId, Title, ArtistId FROM album_old",
        "DROP TABLE album_old",
        "CREATE INDEX [IFK_AlbumArtistId] ON [Album] ([ArtistId])",
    )


def _sequences(dbms: str) -> list[Defect]:
    plant, mend, name = {
        "sqlite": (
            "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'visit'",
            "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'visit'",
            "visit",
        ),
        "postgresql": ("SELECT setval('visit_id_seq', 1)", "SELECT setval('visit_id_seq', 3)", "visit"),
        # InnoDB itself lifts a lower AUTO_INCREMENT above the highest id; a SEQUENCE can be set back
        "mariadb": ("ALTER SEQUENCE ticket RESTART 1", "ALTER SEQUENCE ticket RESTART 100", "ticket"),
    }[dbms]
    return [Defect("a sequence set back", (plant,), (mend,), (name,))]
