"""Passwords that slipped into a text are masked before it is written anywhere."""

from __future__ import annotations

import re
from typing import Any

# A number before a slash is a port, and an `@` further on belongs to the path.
_URL = re.compile(r"(?P<before>\b[a-zA-Z][\w+.-]*://[^\s/:@'\"<>]*:)(?!\d{1,5}/)[^\s'\"<>]+(?=@)")
_PAIR = re.compile(
    r"(?P<before>\b(?:password|passwd|pwd)\s*=\s*)(?:'[^']*'|\"[^\"]*\"|[^\s;,&'\"]+)", re.IGNORECASE
)


def masked(value: Any) -> Any:
    """The value (text, or dicts and lists of it) without the passwords of URLs and connection strings."""
    if isinstance(value, str):
        return _PAIR.sub(r"\g<before>***", _URL.sub(r"\g<before>***", value))
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value
