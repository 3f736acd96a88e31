"""Rows lost, added, taken twice and renumbered, with keys of every kind and without."""

from __future__ import annotations

from tests.damages.damage import ITEMS, Damage, Key, Value, copies, key, nfd, overwritten


def _is(column: str, value: Value) -> tuple[Key, ...]:
    return tuple(key(id) for id, row in ITEMS.items() if row[column] == value)


ROWS_DAMAGED = (
    Damage("the last row lost", lost=(key(50),), sql="DELETE FROM item WHERE id = 50"),
    Damage("the first row lost", lost=(key(1),), sql="DELETE FROM item WHERE id <= 1"),
    Damage(
        "a batch lost",
        lost=tuple(key(id) for id in range(21, 41)),
        sql="DELETE FROM item WHERE id > 20 AND id <= 40",
    ),
    Damage("every row lost", lost=tuple(key(id) for id in ITEMS), sql="DELETE FROM item"),
    Damage("rows of one kind lost", lost=_is("state", "sent"), sql="DELETE FROM item WHERE state = 'sent'"),
    Damage(
        "rows lost in an inner join",
        lost=_is("category_id", None),
        sql="DELETE FROM item WHERE category_id IS NULL",
    ),
    Damage("a row loaded twice under a new key", added=copies({1007: 7})),
    Damage("a batch loaded twice under new keys", added=copies({id + 1000: id for id in range(31, 51)})),
    Damage("a row lost and another added", lost=(key(44),), added=copies({51: 44})),
    Damage(
        "keys renumbered",
        lost=tuple(key(id) for id in range(46, 51)),
        added=copies({id + 1000: id for id in range(46, 51)}),
        sql="UPDATE item SET id = id + 1000 WHERE id > 45",
    ),
    Damage(
        "a key negated", lost=(key(8),), added=copies({-8: 8}), sql="UPDATE item SET id = -id WHERE id = 8"
    ),
    Damage("two keys swapped", {**overwritten(30, 31), **overwritten(31, 30)}),
    Damage("a row overwritten by its neighbour", overwritten(33, 34)),
    Damage(
        "a row of a composite key lost",
        lost=(key(3, 4),),
        table="entry",
        sql="DELETE FROM entry WHERE basket = 3 AND line = 4",
    ),
    Damage(
        "a basket renumbered",
        lost=tuple(key(-2, line) for line in range(1, 5)),
        added=tuple({"basket": "9", "line": str(line), "n": f"-2{line}.5"} for line in range(1, 5)),
        table="entry",
        sql="UPDATE entry SET basket = 9 WHERE basket = -2",
    ),
    Damage(
        "lines swapped",
        {key(1, 2): {"n": ("12.5", "13.5")}, key(1, 3): {"n": ("13.5", "12.5")}},
        table="entry",
        sql="UPDATE entry SET n = CASE line WHEN 2 THEN 13.5 ELSE 12.5 END WHERE basket = 1 AND line IN (2, 3)",
    ),
    *(
        Damage(name, lost=(key(old),), added=({"word": new, "n": str(n)},), table="word")
        for name, old, new, n in (
            ("a key in capitals", "b", "B", 0),
            ("a key with a blank", "b", "b ", 0),
            ("a key without its accent", "ä", "a", 2),
            ("a key in NFD", "ä", nfd("ä"), 2),
            ("a key without leading zeros", "007", "7", 5),
            ("a key without its emoji", "😀 x", "? x", 6),
        )
    ),
)
UNKEYED = (
    Damage(
        "a duplicate lost",
        lost=(("1", "start"),),
        sql={
            "sqlite": "DELETE FROM log WHERE rowid = (SELECT min(rowid) FROM log WHERE at = 1)",
            "postgresql": "DELETE FROM log WHERE ctid = (SELECT min(ctid) FROM log WHERE at = 1)",
            "mariadb": "DELETE FROM log WHERE at = 1 LIMIT 1",
        },
        table="log",
    ),
    Damage(
        "duplicates removed",
        lost=(("1", "start"), ("1", "start")),
        sql={
            "sqlite": "DELETE FROM log WHERE rowid NOT IN (SELECT min(rowid) FROM log GROUP BY at, what)",
            "postgresql": "DELETE FROM log WHERE ctid NOT IN (SELECT min(ctid) FROM log GROUP BY at, what)",
            "mariadb": "DELETE FROM log WHERE at = 1 LIMIT 2",
        },
        table="log",
    ),
    Damage(
        "a row duplicated",
        added=({"at": "4", "what": "end"},),
        table="log",
        sql="INSERT INTO log SELECT * FROM log WHERE at = 4",
    ),
    Damage(
        "a row duplicated twice",
        added=({"at": "2", "what": None},) * 2,
        table="log",
        sql="INSERT INTO log VALUES (2, NULL), (2, NULL)",
    ),
    Damage(
        "a value without a key changed",
        lost=(("4", "end"),),
        added=({"at": "4", "what": "END"},),
        table="log",
        sql="UPDATE log SET what = 'END' WHERE at = 4",
    ),
    Damage(
        "NULL without a key to ''",
        lost=(("2", None),),
        added=({"at": "2", "what": ""},),
        table="log",
        sql="UPDATE log SET what = '' WHERE what IS NULL",
    ),
    Damage(
        "'' without a key to NULL",
        lost=(("3", ""),),
        added=({"at": "3", "what": None},),
        table="log",
        sql="UPDATE log SET what = NULL WHERE what = ''",
    ),
    Damage(
        "a table without a key emptied",
        lost=(("1", "start"),) * 3 + (("2", None), ("3", ""), ("4", "end")),
        table="log",
        sql="DELETE FROM log",
    ),
)
OF_ROWS = (*ROWS_DAMAGED, *UNKEYED)
