"""Values that are not what they were, in rows that are all there."""

from __future__ import annotations

import json

from tests.damages.damage import ITEMS, Damage, becomes, every, key, nfd
from tests.damages.sample import LONG, PICTURE, STATES


def _mojibake(text: str) -> str:
    return text.encode().decode("latin-1")


def _shifted(state: str) -> str:
    return STATES[STATES.index(state) + 1]


NULLS = (
    Damage("NULL to ''", becomes(1, note="")),
    Damage("NULL to 'NULL'", becomes(1, note="NULL")),
    Damage("NULL to '~'", becomes(1, note="~")),
    Damage("'NULL' to NULL", becomes(20, note=None)),
    Damage("'' to NULL", becomes(2, note=None)),
    Damage("every '' to NULL", becomes(2, note=None, code=None, given=None)),
    Damage("NULL to 0", becomes(1, stock="0"), sql="UPDATE item SET stock = 0 WHERE stock IS NULL"),
    Damage("0 to NULL", becomes(2, stock=None), sql="UPDATE item SET stock = NULL WHERE stock = 0"),
    Damage("NULL to false", becomes(1, active="0")),
    Damage("NULL to 1970", becomes(21, born="1970-01-01")),
    Damage("an empty blob to NULL", becomes(2, scan=None)),
    Damage("NULL to an empty blob", becomes(22, scan=b"")),
    Damage("a default filled in", becomes(1, status="open")),
    Damage("a column emptied", {key(id): {"given": (row["given"], None)} for id, row in ITEMS.items()}),
)
TEXTS = (
    Damage("a trailing blank added", becomes(3, name="item 3 ")),
    Damage("trailing blanks cut", becomes(20, name="trailing"), sql="UPDATE item SET name = rtrim(name)"),
    Damage("a leading blank added", becomes(3, name=" item 3")),
    Damage("blanks collapsed", becomes(18, note="a b")),
    Damage("a blank made unbreakable", becomes(3, name="item\u00a03")),
    Damage("a zero width space", becomes(3, name="item\u200b 3")),
    Damage("upper case", every("name", str.upper)),
    Damage("one capital", becomes(4, name="Item 4")),
    Damage("accents lost", becomes(1, name="Zoe Oz")),
    Damage("NFC to NFD", becomes(1, name=nfd("Zoë Öz"))),
    Damage("every text NFC to NFD", every("given", nfd)),
    Damage("mojibake", becomes(1, name=_mojibake("Zoë Öz"))),
    Damage("every text mojibake", every("surname", _mojibake)),
    Damage("letters to ?", becomes(1, name="Zo? ?z")),
    Damage("letters to U+FFFD", becomes(1, name="Zo\ufffd \ufffdz")),
    Damage("ß to ss", becomes(5, note="strasse, façade & <b>10 €</b>")),
    Damage("a look-alike letter", becomes(3, name="it\u0435m 3")),
    Damage("emoji lost", becomes(5, name="Ada ")),
    Damage("emoji to ????", becomes(5, name="Ada ????")),
    Damage("text truncated to 6", becomes(6, name="Grace ")),
    Damage("a long text cut at 65,535", becomes(12, note=LONG[:65535])),
    Damage("a letter in a long text", becomes(12, note=LONG[:-1] + "x")),
    Damage("LF to CRLF", becomes(6, note="line one\r\nline two\ttab")),
    Damage("LF to blank", becomes(6, note="line one line two\ttab")),
    Damage("a tab to blanks", becomes(6, note="line one\nline two    tab")),
    Damage("a byte order mark", becomes(6, name="\ufeffGrace Hopper")),
    Damage("quotes doubled", becomes(18, name="O''Brien \\ \"Sons\"")),
    Damage("a backslash doubled", becomes(18, name='O\'Brien \\\\ "Sons"')),
    Damage("HTML escaped", becomes(5, note="straße, façade &amp; &lt;b&gt;10 €&lt;/b&gt;")),
    Damage("tags stripped", becomes(5, note="straße, façade & 10 €")),
    Damage("leading zeros lost", becomes(7, code="123")),
    Damage("a digit read as a number", becomes(7, code="123.0")),
    Damage("U+0000 in a text", becomes(3, name="item\x00 3"), on=("sqlite", "mariadb")),
    Damage("columns swapped", becomes(19, given="Lovelace", surname="Ada")),
    Damage(
        "columns swapped in every row",
        {
            key(id): {"given": (row["given"], row["surname"]), "surname": (row["surname"], row["given"])}
            for id, row in ITEMS.items()
        },
    ),
    Damage("two rows' texts swapped", {**becomes(30, name="item 31"), **becomes(31, name="item 30")}),
)
NUMBERS = (
    Damage("a cent more", becomes(3, price="19.96"), sql="UPDATE item SET price = 19.96 WHERE id = 3"),
    Damage("two values swapped", {**becomes(3, price="5.05"), **becomes(4, price="19.95")}),
    Damage(
        "+1 here and -1 there",
        {**becomes(3, stock="8"), **becomes(4, stock="2")},
        sql="UPDATE item SET stock = stock + (CASE id WHEN 3 THEN 1 ELSE -1 END) WHERE id IN (3, 4)",
    ),
    Damage("a sign lost", becomes(10, price="7.5"), sql="UPDATE item SET price = abs(price) WHERE price < 0"),
    Damage(
        "decimals cut off",
        {
            key(id): {"price": (f"{id}.25", str(id))}
            for id, row in ITEMS.items()
            if row["price"] == f"{id}.25"
        },
        sql="UPDATE item SET price = round(price - 0.25) WHERE price = id + 0.25",
    ),
    Damage("decimal scale lost", becomes(16, rate="1.23")),
    Damage("a decimal rounded in the last digit", becomes(16, rate="1.234568")),
    Damage("a point shifted", becomes(3, price="1995")),
    Damage("a great decimal off by a cent", becomes(16, price="1234567890.13")),
    Damage("a double narrowed to a float", becomes(8, weight="0.10000000149011612")),
    Damage("a double off in the last bit", becomes(8, weight="0.10000000000000002")),
    Damage("a great double off in the last bit", becomes(13, weight="1.0000000000000002e+300")),
    Damage(
        "a double to infinity",
        becomes(13, weight="inf"),
        sql={"sqlite": "UPDATE item SET weight = 9e999 WHERE id = 13"},
        on=("sqlite", "postgresql"),
    ),
    Damage("a double to NaN", becomes(13, weight="nan"), on=("postgresql",)),
    Damage("an integer through a double", becomes(9, views="9007199254740992")),
    Damage("an integer clamped", becomes(10, views="2147483647")),
    Damage(
        "an integer wrapped around",
        becomes(10, views="-1294967296"),
        sql="UPDATE item SET views = views - 4294967296 WHERE id = 10",
    ),
    Damage("a negative clamped at 0", becomes(9, stock="0")),
    Damage(
        "a boolean inverted", becomes(17, active="0"), sql="UPDATE item SET active = NOT active WHERE id = 17"
    ),
    Damage("every boolean inverted", every("active", lambda value: str(1 - int(value)))),
    Damage("a reference to another parent", becomes(23, category_id="1")),
    Damage("a reference lost", becomes(23, category_id=None)),
    Damage("every reference to one parent", every("category_id", lambda _: "1")),
)
TIMES = (
    Damage(
        "a time zone shifted",
        becomes(11, paid_at="2024-03-31 00:30:00.123456"),
        sql={
            "postgresql": "UPDATE item SET paid_at = paid_at AT TIME ZONE 'Europe/Berlin' WHERE id = 11",
            "mariadb": "UPDATE item SET paid_at = convert_tz(paid_at, '+01:00', '+00:00') WHERE id = 11",
        },
    ),
    Damage("an hour of daylight saving", becomes(11, seen_at="2024-03-31 02:30:00.123456")),
    Damage("a fraction lost", becomes(11, paid_at="2024-03-31 01:30:00")),
    Damage(
        "every fraction lost",
        every("paid_at", lambda value: value.partition(".")[0]),
        sql={
            "postgresql": "UPDATE item SET paid_at = date_trunc('second', paid_at)",
            "mariadb": "UPDATE item SET paid_at = cast(paid_at AS datetime) WHERE id > 0",
            "sqlite": "UPDATE item SET paid_at = substr(paid_at, 1, 19)",
        },
    ),
    Damage("microseconds to milliseconds", becomes(11, seen_at="2024-03-31 01:30:00.123")),
    Damage("a time of day lost", becomes(11, paid_at="2024-03-31 00:00:00")),
    Damage("a second more", becomes(21, paid_at="1970-01-01 00:00:00")),
    Damage("a day off by one", becomes(17, born="2024-03-06")),
    Damage("day and month swapped", becomes(17, born="2024-05-03")),
    Damage("a century lost", becomes(17, born="1924-03-05")),
    Damage("the Julian calendar", becomes(19, born="1752-09-03")),
    Damage("a zero date", becomes(17, born="0000-00-00"), on=("mariadb",)),
    Damage("a time rounded", becomes(14, opens="23:59:59")),
    Damage("a time of twelve hours", becomes(14, opens="11:59:59.999999")),
)
OTHERS = (
    Damage("an enum shifted", becomes(17, state="back")),
    Damage(
        "every enum shifted",
        every("state", _shifted),
        sql={"mariadb": "UPDATE item SET state = state + 1 WHERE state IS NOT NULL"},
    ),
    Damage("a blob truncated", becomes(13, scan=PICTURE[:64])),
    Damage("a bit flipped", becomes(14, scan=b"\x01\xff\x10'\\")),
    Damage("a bit flipped in a long blob", becomes(13, scan=PICTURE[:-1] + b"\xc6")),
    Damage("a zero byte added", becomes(14, scan=b"\x00\xff\x10'\\\x00")),
    Damage("a blob through a text", becomes(14, scan=b"\x00\xc3\xbf\x10'\\")),
    Damage("a blob as hex digits", becomes(14, scan=b"00ff10275c")),
    *(
        Damage(name, becomes(15, doc=json.dumps({**json.loads(str(ITEMS[15]["doc"])), **change})))
        for name, change in (
            ("a JSON number changed", {"a": 2}),
            ("a JSON fraction changed", {"b": [1, 2.51, "x"]}),
            ("a JSON number to text", {"a": "1"}),
            ("a JSON list in another order", {"b": [2.5, 1, "x"]}),
            ("a JSON null to text", {"c": "null"}),
            ("a JSON letter changed", {"d": {"e": "e", "f": True}}),
            ("a JSON boolean to a number", {"d": {"e": "é", "f": 1}}),
            ("a JSON member added", {"z": None}),
        )
    ),
    Damage("a JSON member lost", becomes(15, doc='{"a": 1, "b": [1, 2.5, "x"], "d": {"e": "é", "f": true}}')),
    Damage("an empty document to NULL", becomes(2, doc=None)),
    Damage("NULL to an empty document", becomes(22, doc="{}")),
    Damage("NULL to JSON's null", becomes(22, doc="null")),
    Damage("a digit of a UUID", becomes(3, ref="6f9619ff-8b86-4011-b42d-000000000004")),
    Damage("a UUID's bytes swapped", becomes(3, ref="ff19966f-868b-1140-b42d-000000000003")),
    Damage("a UUID lost", becomes(3, ref=None)),
)
OF_VALUES = (*NULLS, *TEXTS, *NUMBERS, *TIMES, *OTHERS)
