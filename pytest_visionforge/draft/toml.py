"""Values as TOML, on one line each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def key(name: str) -> str:
    """A name as a key."""
    return name if _BARE.fullmatch(name) else _quoted(name)


def value(item: Any) -> str:
    """A text, number, date, true or false, or a list of them."""
    if isinstance(item, bool):
        return str(item).lower()
    if isinstance(item, str):
        return _text(item)
    if isinstance(item, date):
        return item.isoformat()
    if isinstance(item, Sequence):
        return f"[{', '.join(map(value, item))}]"
    return str(item)


def _text(text: str) -> str:
    """In single quotes where that spares backslashes."""
    if re.search(r'["\\]', text) and text.isprintable() and "'" not in text:
        return f"'{text}'"
    return _quoted(text)


def _quoted(text: str) -> str:
    return '"' + "".join(map(_character, text)) + '"'


def _character(sign: str) -> str:
    if sign in _ESCAPED:
        return _ESCAPED[sign]
    return sign if sign.isprintable() else f"\\U{ord(sign):08x}"


def words(text: str) -> str:
    """A text for a comment: on one line, without signs that a file of TOML may not hold."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
