"""What SQLite keeps only in the text of CREATE: CHECKs, constraints' names, collations, expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?(?:\*/|\Z)|\s+            # nothing
    |(?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|'(?:[^']|'')*')
    |(?P<word>[^\W\d][\w$]*)
    |(?P<other>\d[\w.]*|.)""",
    re.VERBOSE | re.DOTALL,
)
_TABLE_CONSTRAINTS = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}


@dataclass(frozen=True, slots=True)
class Token:
    """A word, quoted text, character, or a whole group in parentheses; `start` and `end` in the text."""

    text: str
    start: int
    end: int
    kind: str
    inside: tuple[Token, ...] = ()

    @property
    def word(self) -> str:
        """The keyword in capitals; "" where it is none."""
        return self.text.upper() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        """The identifier without its quotes."""
        if self.kind != "quoted":
            return self.text
        quote = self.text[-1]
        inner = self.text[1:-1]
        return inner if quote == "]" else inner.replace(quote * 2, quote)


@dataclass(slots=True)
class Definition:
    """What the text of a CREATE TABLE says beyond the pragmas; column names in lower case.

    `keys` maps the columns of primary and unique keys to the constraint's name; `foreign_keys` are
    the names of the references in the order of their declaration ("" where there is none).
    """

    checks: list[tuple[str, str]] = field(default_factory=list)
    keys: dict[tuple[str, ...], str] = field(default_factory=dict)
    foreign_keys: list[str] = field(default_factory=list)
    collations: dict[str, str] = field(default_factory=dict)
    generated: dict[str, str] = field(default_factory=dict)
    autoincrement: bool = False


def table(sql: str) -> Definition:
    """The definition in a CREATE TABLE, as SQLite keeps it: a text that once was parsed without error."""
    definition = Definition()
    for token in _nested(sql):
        if token.kind == "group":
            for item in _split(token.inside):
                _read_item(sql, item, definition)
            break
    return definition


def index(sql: str) -> tuple[list[str], str]:
    """The texts of the terms of a CREATE INDEX, and its condition ("" where it has none)."""
    tokens = _nested(sql)
    at = next(place for place, token in enumerate(tokens) if token.kind == "group")
    terms = [sql[item[0].start : item[-1].end] for item in _split(tokens[at].inside)]
    rest = tokens[at + 1 :]
    where = sql[rest[1].start : rest[-1].end] if len(rest) > 1 and rest[0].word == "WHERE" else ""
    return terms, where


def bare_term(term: str) -> str:
    """An index's expression without the collation and direction behind it."""
    tokens = _nested(term)
    while len(tokens) > 1 and tokens[-1].word in ("ASC", "DESC"):
        tokens.pop()
    if len(tokens) > 2 and tokens[-2].word == "COLLATE":
        del tokens[-2:]
    return term[tokens[0].start : tokens[-1].end]


def _nested(sql: str) -> list[Token]:
    """The tokens of a text; what stands in parentheses is one token with tokens inside."""
    return _group(_flat(sql))[0]


def _flat(sql: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(sql):
        if match.lastgroup:
            yield Token(match.group(), match.start(), match.end(), match.lastgroup)


def _group(tokens: Iterator[Token], start: int = 0) -> tuple[list[Token], int]:
    """Tokens up to the closing parenthesis, and where it ends."""
    found: list[Token] = []
    for token in tokens:
        if token.text == "(":
            inside, end = _group(tokens, token.end)
            found.append(Token("(", token.start, end, "group", tuple(inside)))
        elif token.text == ")":
            return found, token.end
        else:
            found.append(token)
    return found, found[-1].end if found else start


def _split(tokens: tuple[Token, ...]) -> Iterator[list[Token]]:
    """The items between the commas."""
    item: list[Token] = []
    for token in tokens:
        if not (token.text == "," and token.kind == "other"):
            item.append(token)
        elif item:
            yield item
            item = []
    if item:
        yield item


def _read_item(sql: str, item: list[Token], definition: Definition) -> None:
    """Reads a column's definition, or table constraints (between which SQLite needs no comma)."""
    column = None if item[0].word in _TABLE_CONSTRAINTS else item[0].name.lower()
    name = ""
    for place, token in enumerate(item if column is None else item[1:], start=column is not None):
        following = item[place + 1] if place + 1 < len(item) else None
        if token.word == "CONSTRAINT" and following:
            name = following.name
        elif _read_clause(sql, token, item[place + 1 :], column, name, definition):
            name = ""


def _read_clause(
    sql: str, token: Token, rest: list[Token], column: str | None, name: str, definition: Definition
) -> bool:
    """Reads what begins with this token; True where that was a constraint, which uses up its name."""
    group = next((part for part in rest if part.kind == "group"), None)
    if token.word == "CHECK" and group:
        definition.checks.append((name, _inner(sql, group)))
    elif token.word in ("PRIMARY", "UNIQUE"):
        definition.keys[(column,) if column is not None else _names(group)] = name
    elif token.word == "REFERENCES":
        definition.foreign_keys.append(name)
    elif token.word == "NULL":
        pass  # a NOT NULL may have a name, which no fact holds
    elif token.word == "AUTOINCREMENT":
        definition.autoincrement = True
    elif token.word == "COLLATE" and column is not None and rest:
        definition.collations[column] = rest[0].name
        return False
    elif token.word == "AS" and group and column is not None:
        definition.generated[column] = _inner(sql, group)
    else:
        return False
    return True


def _inner(sql: str, group: Token) -> str:
    return sql[group.start + 1 : group.end - 1].strip()


def _names(group: Token | None) -> tuple[str, ...]:
    return tuple(item[0].name.lower() for item in _split(group.inside)) if group else ()
