"""Business rules: `[[rules]]` in the plan, and `rules/*.sql` beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pytest_visionforge.plan.address import DBMS
from pytest_visionforge.plan.grammar import Wrong, identifier
from pytest_visionforge.plan.shape import Place, keys, kind, record_of, short, table_of, text
from pytest_visionforge.plan.tables import severity, when
from pytest_visionforge.plan.values.rules import BusinessRule

_HEAD = {"id": short(identifier), "why": text, "remedy": text, "severity": severity, "when": when}
_KEY = re.compile(r"-- ?([a-z_]+):(?:\s+(.*))?")


def _sql(value: Any, place: Place) -> dict[str, str]:
    if not isinstance(value, dict):
        return {"": _statement(text(value, place))}
    return keys(value, place, dict.fromkeys(DBMS.values(), short(_statement)))


def _statement(sql: str) -> str:
    """One statement, without the semicolon at its end: it may be put into another."""
    statement = sql.strip().rstrip("; \t\r\n")
    if not re.sub(r"--[^\n]*|/\*.*?\*/", "", statement, flags=re.S).strip():
        raise Wrong("holds no SQL, so it asserts nothing")
    return statement


def _parameter(value: Any, place: Place) -> str | int | float | bool:
    if not isinstance(value, str | int | float | bool):
        raise Wrong(f"expected text, a number, true or false, found {kind(value)}")
    return value


inline = record_of(
    BusinessRule, {**_HEAD, "sql": _sql, "parameters": table_of(_parameter)}, required=("id", "sql")
)


def from_file(raw: bytes, place: Place, path: Path) -> BusinessRule:
    """The rule in one SQL file; `-- id:`, `-- why:` and so on stand in the comment at its head."""
    try:
        sql = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Wrong(f"is not UTF-8 text: {error.reason} at byte {error.start}") from None
    head = keys(_head(sql), place, _HEAD)
    named = {"id": identifier(path.stem), **head}
    return BusinessRule(sql={"": _statement(sql)}, path=path, **named)


def _head(sql: str) -> dict[str, str]:
    """The keys of the comment at the head; a line indented deeper goes on with the key before it."""
    said, last = dict[str, str](), ""
    for line in sql.lstrip().splitlines():
        if not line.startswith("--"):
            break
        if match := _KEY.fullmatch(line.rstrip()):
            last = match[1]
            said[last] = match[2] or ""
        elif last and line.startswith("--  "):
            said[last] = f"{said[last]} {line[2:].strip()}".strip()
        else:
            last = ""
    return said
