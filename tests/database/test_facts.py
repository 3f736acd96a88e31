"""The facts of a schema, as values."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as some

from pytest_visionforge.database import (
    CheckConstraint,
    Column,
    Definition,
    ForeignKey,
    Grant,
    Index,
    Key,
    Partition,
    Policy,
    Schema,
    Sequence,
    Table,
    Trigger,
    View,
    object_id,
    split_id,
)
from pytest_visionforge.database.hidden import RELATIONS, Hidden

NAMES = some.text(min_size=1, max_size=63)


@given(schema=some.none() | NAMES, name=NAMES)
def test_id_round_trip(schema: str | None, name: str) -> None:
    """An id tells schema and name apart, whatever characters they hold."""
    assert split_id(object_id(schema, name)) == (schema, name)


@given(left=some.tuples(some.none() | NAMES, NAMES), right=some.tuples(some.none() | NAMES, NAMES))
def test_ids_differ(left: tuple[str | None, str], right: tuple[str | None, str]) -> None:
    """Two objects never have the same id."""
    assert (object_id(*left) == object_id(*right)) == (left == right)


def test_id_is_the_name() -> None:
    """An ordinary object is called what people call it."""
    assert object_id(None, "orders") == "orders"
    assert object_id("sales", "Order lines") == "sales.Order lines"
    assert object_id(None, "a.b") == '"a.b"'


def test_json_round_trip() -> None:
    """A schema comes back from JSON equal, with all of its facts."""
    trigger = Trigger("stamp", "CREATE TRIGGER stamp ...", enabled=False)
    table = Table(
        name="a.b",
        schema="s",
        columns=(
            Column("id", "int", False, "1", None, True, "C", "the key", "always"),
            Column("g", "int", generated="1", variant="stored"),
        ),
        primary_key=Key("pk", ("id",)),
        unique_keys=(Key("u", ("id", "g")),),
        foreign_keys=(ForeignKey("fk", ("g",), "p", ("id",), "CASCADE", "SET NULL", False),),
        checks=(CheckConstraint("c", "g > 0", False),),
        indexes=(Index("i", ("(lower(g))",), True, "g > 1", False, "gin", ("DESC",), ("id",)),),
        triggers=(trigger,),
        kind="partitioned",
        comment="hello",
        partitions=(Partition("p", "DEFAULT", "q", "LIST (a)"),),
        policies=(Policy("mine", "USING (true)"),),
        options={"engine": "InnoDB"},
    )
    view = View("v", "SELECT 1", "s", True, (trigger,), ("a", "b"), {"check option": "CASCADED"})
    sequences = (Sequence("q", None), Sequence("r", 2**62, -2, (table.id, "id"), "s"))
    routine, kind = (
        Definition("function", "f", "CREATE ...", "s", "(int)"),
        Definition("type", "k", "ENUM ()"),
    )
    grant = Grant("SELECT", "table", table.id, "PUBLIC", "id", grantable=True)
    schema = Schema(
        {table.id: table},
        {view.id: view},
        {each.id: each for each in sequences},
        (Hidden(RELATIONS, "SELECT", "shop.*"),),
        routines={str(routine): routine},
        types={str(kind): kind},
        extensions={"extension e": Definition("extension", "e", "VERSION '1'")},
        events={"event e": Definition("event", "e", "DO 1")},
        owners={f"table {table.id}": "me"},
        grants=(grant,),
        options={"encoding": "UTF8"},
        unseen=(Hidden("routines", because="nobody may"),),
    )
    assert Schema.from_json(json.loads(json.dumps(schema.as_json()))) == schema
    unseen = Schema(grants=None)
    assert Schema.from_json(json.loads(json.dumps(unseen.as_json()))) == unseen


def test_a_definition_is_known_by_kind_and_id() -> None:
    """Routines of one name are told apart by their arguments, and by what they are."""
    assert str(Definition("function", "f", "", "a.b", "(int)")) == 'function "a.b".f(int)'
    assert Definition("procedure", "f", "").id == "f"


FILLED = (Column("a", "int", nullable=False), Column("b", "int", nullable=False), Column("n", "int"))


def test_key_is_the_primary_key() -> None:
    """The primary key identifies a row before any other key does."""
    table = Table("t", columns=FILLED, primary_key=Key("", ("b",)), unique_keys=(Key("", ("a",)),))
    assert table.key == ("b",)


def test_key_is_never_null() -> None:
    """A unique key over a column that may be NULL identifies nothing."""
    table = Table("t", columns=FILLED, unique_keys=(Key("", ("a", "n")), Key("", ("a", "b"))))
    assert table.key == ("a", "b")
    assert Table("t", columns=FILLED, unique_keys=(Key("", ("n",)),)).key == ()


def test_key_from_an_index() -> None:
    """A unique index serves as a key if it is whole, valid, over all rows and over plain columns."""
    unusable = (
        Index("plain", ("a",)),
        Index("partial", ("a",), unique=True, where="b > 0"),
        Index("broken", ("a",), unique=True, valid=False),
        Index("expression", ("(a + 1)",), unique=True),
        Index("prefix", ("a",), unique=True, options=("(5)",)),
    )
    assert Table("t", columns=FILLED, indexes=unusable).key == ()
    assert Table("t", columns=FILLED, indexes=(*unusable, Index("u", ("b",), unique=True))).key == ("b",)
